// Package conditionaltest is RFC 9110 section 13 as a table, to check servers against.
package conditionaltest

import (
	"fmt"
	"strings"
)

// Case is a request with conditions, for something that exists and has a strong entity tag and no date of modification.
type Case struct {
	// Name begins with the section.
	Name string
	// Fields are the lines "Name: value". In them TAG stands for the current entity tag, quotes included, and OPAQUE
	// for what is between its quotes.
	Fields []string
	// Read is the wanted status of a GET or HEAD: 200, 304 or 412.
	Read int
	// Write is the status of a method that changes something: 412, or 200 for any success.
	Write int
}

// For returns the fields for an entity tag, quotes included.
func (c Case) For(tag string) []string {
	fields := make([]string, len(c.Fields))
	for i, field := range c.Fields {
		fields[i] = strings.NewReplacer("TAG", tag, "OPAQUE", strings.Trim(tag, `"`)).Replace(field)
	}
	return fields
}

// AtCache returns the status that a shared cache sends for a read of what it has stored. It is not the origin server,
// and does not look at If-Match (section 13.1.1) nor at If-Unmodified-Since.
func (c Case) AtCache() int {
	if c.Read != 412 {
		return c.Read
	}
	for _, field := range c.Fields {
		if field == "If-None-Match: TAG" {
			return 304
		}
	}
	return 200
}

func (c Case) String() string { return fmt.Sprintf("%s %q", c.Name, c.Fields) }

const (
	longAgo   = "Thu, 01 Jan 2015 00:00:00 GMT"
	farFuture = "Fri, 01 Jan 2100 00:00:00 GMT"
)

// Cases is the table.
var Cases = []Case{
	{"13.1.1: If-Match with the current tag", []string{"If-Match: TAG"}, 200, 200},
	{"13.1.1: with another", []string{`If-Match: "other"`}, 412, 412},
	{"13.1.1: with a star", []string{"If-Match: *"}, 200, 200},
	{"13.1.1: any of several counts", []string{`If-Match: "a", "b",TAG`}, 200, 200},
	{"13.1.1: the first of several counts", []string{`If-Match: TAG, "a"`}, 200, 200},
	{"13.1.1: none of several", []string{`If-Match: "a", "b"`}, 412, 412},
	{"5.3: all lines count", []string{`If-Match: "a"`, "If-Match: TAG"}, 200, 200},
	{"13.1.1: a weak tag matches nothing strongly", []string{"If-Match: W/TAG"}, 412, 412},
	{"13.1.1: a weak tag and the strong one", []string{"If-Match: W/TAG, TAG"}, 200, 200},
	{"8.8.3: a tag may hold a comma", []string{`If-Match: "a,b", TAG`}, 200, 200},
	{"8.8.3: what is within a tag is no tag", []string{`If-Match: "x,OPAQUE,x"`}, 412, 412},
	{"8.8.3: a tag that ends as the current one", []string{`If-Match: "xOPAQUE"`}, 412, 412},
	{"8.8.3: a tag that begins as the current one", []string{`If-Match: "OPAQUEx"`}, 412, 412},
	{"8.8.3: the W is a capital", []string{"If-Match: w/TAG"}, 412, 412},
	{"5.6.1.2: empty members mean nothing", []string{"If-Match: , ,TAG,,"}, 200, 200},
	{"5.6.1.2: an empty list matches nothing", []string{"If-Match: "}, 412, 412},
	{"5.6.3: tabs are white space", []string{"If-Match: \"a\"\t,\tTAG\t, \"b\""}, 200, 200},
	{"8.8.3: a tag without quotes is none", []string{"If-Match: OPAQUE"}, 412, 412},
	{"8.8.3: a tag that does not end", []string{`If-Match: "OPAQUE`}, 412, 412},
	{"8.8.3: no white space in a tag", []string{`If-Match: "a b", TAG`}, 412, 412},
	{"5.6.1: tags without a comma", []string{`If-Match: "a" TAG`}, 412, 412},
	{"5.6.1: the current tag, then no comma", []string{`If-Match: TAG "a"`}, 412, 412},
	{"13.1.1: the current tag before nonsense", []string{"If-Match: TAG, nonsense"}, 200, 200},
	{"13.1.1: the current tag behind nonsense", []string{"If-Match: nonsense, TAG"}, 412, 412},
	{"13.1.1: a star stands alone", []string{`If-Match: "a", *`}, 412, 412},
	{"13.1.1: a star in quotes is a tag", []string{`If-Match: "*"`}, 412, 412},

	{"13.1.2: If-None-Match with the current tag", []string{"If-None-Match: TAG"}, 304, 412},
	{"13.1.2: with another", []string{`If-None-Match: "other"`}, 200, 200},
	{"13.1.2: with a star", []string{"If-None-Match: *"}, 304, 412},
	{"13.1.2: any of several counts", []string{`If-None-Match: "a", "b",TAG`}, 304, 412},
	{"13.1.2: the first of several counts", []string{`If-None-Match: TAG, "a"`}, 304, 412},
	{"13.1.2: none of several", []string{`If-None-Match: "a", W/"b"`}, 200, 200},
	{"5.3: all lines count", []string{`If-None-Match: "a"`, `If-None-Match: "b", TAG`}, 304, 412},
	{"5.3: also behind an empty one", []string{"If-None-Match: ", "If-None-Match: TAG"}, 304, 412},
	{"13.1.2: a weak tag matches weakly", []string{"If-None-Match: W/TAG"}, 304, 412},
	{"8.8.3: a tag may hold a comma", []string{`If-None-Match: "a,b", TAG`}, 304, 412},
	{"8.8.3: what is within a tag is no tag", []string{`If-None-Match: "x,OPAQUE,x"`}, 200, 200},
	{"8.8.3: a tag that ends as the current one", []string{`If-None-Match: "xOPAQUE"`}, 200, 200},
	{"8.8.3: a tag that begins as the current one", []string{`If-None-Match: "OPAQUEx"`}, 200, 200},
	{"5.6.1.2: empty members mean nothing", []string{"If-None-Match: , ,TAG,,"}, 304, 412},
	{"5.6.1.2: an empty list matches nothing", []string{"If-None-Match: "}, 200, 200},
	{"5.6.3: tabs are white space", []string{"If-None-Match: \"a\"\t,\tTAG\t, \"b\""}, 304, 412},
	{"8.8.3: the W is a capital", []string{"If-None-Match: w/TAG"}, 200, 412},
	{"8.8.3: a tag without quotes is none", []string{"If-None-Match: OPAQUE"}, 200, 412},
	{"8.8.3: a tag that does not end", []string{`If-None-Match: "OPAQUE`}, 200, 412},
	{"5.6.1: tags without a comma", []string{`If-None-Match: "a" TAG`}, 200, 412},
	{"13.1.2: the current tag before nonsense", []string{"If-None-Match: TAG, nonsense"}, 304, 412},
	{"13.1.2: the current tag behind nonsense", []string{"If-None-Match: nonsense, TAG"}, 200, 412},
	{"13.1.2: a star stands alone", []string{`If-None-Match: "a", *`}, 200, 412},
	{"13.1.2: a star in quotes is a tag", []string{`If-None-Match: "*"`}, 200, 200},

	{"13.1.3: If-Modified-Since without a date to compare", []string{"If-Modified-Since: " + farFuture}, 200, 200},
	{"13.1.4: If-Unmodified-Since without a date to compare", []string{"If-Unmodified-Since: " + longAgo}, 200, 200},
	{"13.2.2: If-Match goes before If-Unmodified-Since",
		[]string{"If-Match: TAG", "If-Unmodified-Since: " + longAgo}, 200, 200},
	{"13.2.2: If-None-Match goes before If-Modified-Since",
		[]string{`If-None-Match: "a"`, "If-Modified-Since: " + farFuture}, 200, 200},
	{"13.2.2: If-Match goes before If-None-Match", []string{`If-Match: "a"`, "If-None-Match: TAG"}, 412, 412},
	{"13.2.2: both hold", []string{"If-Match: TAG", `If-None-Match: "a"`}, 200, 200},
	{"13.2.2: the second does not", []string{"If-None-Match: TAG", "If-Match: *"}, 304, 412},
	{"13.1: conditions that nobody knows mean nothing", []string{"If-Toy: TAG"}, 200, 200},
}
