package rfc9110

import "fmt"

// Type is a request for something that there is in JSON and in plain text, both in UTF-8, by section 12.5.1. It is
// never refused: who accepts neither gets the default of the address.
type Type struct {
	// Lines are the lines of Accept.
	Lines []string
	// Want is "json", "text" or, for the default, "".
	Want string
}

// Fields returns the request's lines.
func (a Type) Fields() (fields []string) {
	for _, line := range a.Lines {
		fields = append(fields, "Accept: "+line)
	}
	return fields
}

func (a Type) String() string { return fmt.Sprintf("Accept %q", a.Lines) }

// Types is the table.
var Types = []Type{
	{nil, ""},
	{[]string{""}, ""},
	{[]string{"*/*"}, ""},
	{[]string{"application/json"}, "json"},
	{[]string{"application/problem+json"}, "json"},
	{[]string{"text/plain"}, "text"},
	{[]string{"text/html"}, ""},
	{[]string{"image/png"}, ""},
	// case
	{[]string{"Application/Json"}, "json"},
	{[]string{"TEXT/PLAIN"}, "text"},
	{[]string{"APPLICATION/*"}, "json"},
	{[]string{"application/json;Q=0.1, text/plain;q=0.2"}, "text"},
	// wildcards
	{[]string{"application/*"}, "json"},
	{[]string{"text/*"}, "text"},
	{[]string{"image/*"}, ""},
	{[]string{"text/*, application/*"}, ""},
	{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, ""},
	{[]string{"image/png, */*;q=0.1"}, ""},
	{[]string{"*/json, */plain"}, ""},
	{[]string{"application/*+json"}, ""},
	// weights
	{[]string{"application/json;q=0.5, text/plain;q=0.4"}, "json"},
	{[]string{"application/json;q=0.4, text/plain;q=0.5"}, "text"},
	{[]string{"application/json;q=0.5, text/plain;q=0.5"}, ""},
	{[]string{"application/json;q=0.123, text/plain;q=0.124"}, "text"},
	{[]string{"application/json, text/plain;q=0.999"}, "json"},
	{[]string{"text/plain;q=0, */*"}, "json"},
	{[]string{"application/json;q=0, */*"}, "text"},
	{[]string{"application/json; q=0.000, */*;q=0.001"}, "text"},
	{[]string{"text/plain;q=0."}, ""},
	{[]string{"*/*;q=0"}, ""},
	{[]string{"*/*;q=0, text/plain;q=0.1"}, "text"},
	{[]string{"application/json;q=0, text/plain;q=0"}, ""},
	// specificity, whatever the order
	{[]string{"*/*, text/plain;q=0.1"}, "json"},
	{[]string{"text/plain;q=0.1, */*"}, "json"},
	{[]string{"text/*;q=0.9, text/plain;q=0.1, application/json;q=0.5"}, "json"},
	{[]string{"application/*;q=0.1, */*;q=0.9"}, "text"},
	{[]string{"*/*;q=0.1, application/*;q=0.9"}, "json"},
	{[]string{"text/*;q=0, */*"}, "json"},
	{[]string{"text/*;q=0, text/plain, application/json;q=0.5"}, "text"},
	// parameters: that of the charset holds; others are unknown, and ignored
	{[]string{"application/json; charset=utf-8"}, "json"},
	{[]string{"application/json;charset=\"UTF-8\""}, "json"},
	{[]string{"text/plain; Charset=UTF-8"}, "text"},
	{[]string{"application/json;version=2"}, "json"},
	{[]string{"application/json ; version=2 ; q=0.5, text/plain;q=0.6"}, "text"},
	{[]string{"application/json;q=0.5;version=2, text/plain;q=0.4"}, "json"},
	{[]string{"application/json;version=\"1,2;q=0\", text/plain;q=0.5"}, "json"},
	{[]string{"application/json;version=\"\\\",\", text/plain;q=0.5"}, "json"},
	{[]string{"application/json;;version=2;"}, "json"},
	{[]string{"application/json;version=2;q=0.1, application/json, text/plain;q=0.5"}, "json"},
	{[]string{"application/json, application/json;version=2;q=0.1, text/plain;q=0.5"}, "json"},
	{[]string{"application/json;version=2;q=0, */*"}, ""},
	{[]string{"application/json;version=2, */*;q=0.5"}, "json"},
	{[]string{"text/plain;charset=utf-8;q=0, text/plain, application/json;q=0.1"}, "json"},
	{[]string{"text/plain;charset=latin1;q=0.9, text/plain;charset=utf-8;q=0.2, application/json;q=0.5"}, "json"},
	{[]string{"text/*;charset=utf-8"}, "text"},
	{[]string{"*/*;charset=utf-8;q=0.5, application/json;q=0.6"}, "json"},
	// errors are another type of the same kind
	{[]string{"application/problem+json, text/plain;q=0.5"}, "json"},
	{[]string{"application/json, application/problem+json;q=0.1, text/plain;q=0.5"}, "json"},
	{[]string{"application/json;q=0, application/problem+json;q=0, */*"}, "text"},
	// all lines count
	{[]string{"image/png", "application/json"}, "json"},
	{[]string{"text/plain;q=0.5", "application/json;q=0.6"}, "json"},
	{[]string{"text/plain;q=0", "*/*"}, "json"},
	{[]string{"", "text/plain"}, "text"},
	// what cannot be read means nothing
	{[]string{"application/json;q=2"}, ""},
	{[]string{"application/json;q=1.001, text/plain;q=0.1"}, "text"},
	{[]string{"application/json;q=0.1234, text/plain;q=0.1"}, "text"},
	{[]string{"application/json;q=-1, text/plain;q=0.1"}, "text"},
	{[]string{"application/json;q=, text/plain;q=0.1"}, "text"},
	{[]string{"application/json;q=x"}, ""},
	{[]string{"application/json;q"}, ""},
	{[]string{"application/json;q=1;q=1"}, ""},
	{[]string{"application/json;q =1"}, ""},
	{[]string{"application/json;version"}, ""},
	{[]string{"application/json;version= 2"}, ""},
	{[]string{"application/json version=2"}, ""},
	{[]string{"application /json"}, ""},
	{[]string{"application/ json"}, ""},
	{[]string{"application/json/x"}, ""},
	{[]string{"application"}, ""},
	{[]string{"/json"}, ""},
	{[]string{"application/"}, ""},
	{[]string{"*"}, ""},
	{[]string{"text/html, image/gif, *; q=.2, */*; q=.2"}, ""},
	{[]string{"json, text/plain"}, "text"},
	{[]string{", ,application/json,,"}, "json"},
	{[]string{"\tapplication/json\t"}, "json"},
	{[]string{"application/json;version=\"2"}, ""},
	{[]string{"text/plain, application/json;version=\"2, text/plain;q=0"}, "text"},
	{[]string{"(application/json), text/plain"}, "text"},
}
