package rfc9110

import "fmt"

// Coding is a request for something that there is in brotli, in gzip and plain, by section 12.5.3. There is always a
// response: where none is acceptable, the plain one.
type Coding struct {
	// Lines are the lines of Accept-Encoding.
	Lines []string
	// Best is the Content-Encoding that is liked best: br before gzip before none where they are liked the same.
	Best string
	// Also is another coding that is acceptable, for a server that has few. Default: Best.
	Also string
}

// Fields returns the request's lines.
func (c Coding) Fields() (fields []string) {
	for _, line := range c.Lines {
		fields = append(fields, "Accept-Encoding: "+line)
	}
	return fields
}

// Few returns the coding of a server that looks only at what is acceptable, and not at which is preferred.
func (c Coding) Few() string {
	if c.Also != "" {
		return c.Also
	}
	return c.Best
}

func (c Coding) String() string { return fmt.Sprintf("Accept-Encoding %q", c.Lines) }

// Codings is the table.
var Codings = []Coding{
	{Lines: nil},
	{Lines: []string{""}},
	{Lines: []string{"gzip, deflate, br, zstd"}, Best: "br"},
	{Lines: []string{"br"}, Best: "br"},
	{Lines: []string{"gzip"}, Best: "gzip"},
	{Lines: []string{"deflate"}},
	{Lines: []string{"identity"}},
	{Lines: []string{"*"}, Best: "br"},
	// the case means nothing
	{Lines: []string{"GZIP"}, Best: "gzip"},
	{Lines: []string{"Br;Q=1"}, Best: "br"},
	{Lines: []string{"bR;q=0, gZip"}, Best: "gzip"},
	// 8.4.1.3: an old name of gzip
	{Lines: []string{"x-gzip"}, Best: "gzip"},
	{Lines: []string{"x-gzip;q=0, *"}, Best: "br"},
	// weights
	{Lines: []string{"br;q=0.5, gzip;q=0.8"}, Best: "gzip", Also: "br"},
	{Lines: []string{"br;q=0, gzip"}, Best: "gzip"},
	{Lines: []string{"gzip;q=0, br"}, Best: "br"},
	{Lines: []string{"br;q=0, gzip;q=0"}},
	{Lines: []string{"br;q=0.0, gzip;q=0.000"}},
	{Lines: []string{"br;q=0., gzip;q=1."}, Best: "gzip"},
	{Lines: []string{"br;q=0.001"}, Best: "br"},
	{Lines: []string{"br;q=0.01, gzip;q=0.010"}, Best: "br"},
	{Lines: []string{" br ; q=0.001 ,\tgzip\t;\tq=0.0 "}, Best: "br"},
	{Lines: []string{"identity;q=0.2, gzip;q=0.3"}, Best: "gzip"},
	// the star is for what is not named
	{Lines: []string{"*;q=0"}},
	{Lines: []string{"*;q=0, gzip"}, Best: "gzip"},
	{Lines: []string{"br;q=0, *"}, Best: "gzip"},
	{Lines: []string{"br;q=0, gzip;q=0, *"}},
	{Lines: []string{"*;q=0.5, br;q=0"}, Best: "gzip"},
	{Lines: []string{"gzip, *;q=0.5"}, Best: "gzip", Also: "br"},
	// no coding at all
	{Lines: []string{"identity;q=1, *;q=0"}},
	{Lines: []string{"identity;q=0, *"}, Best: "br"},
	{Lines: []string{"identity;q=0, gzip"}, Best: "gzip"},
	{Lines: []string{"identity;q=0, br;q=0, *"}, Best: "gzip"},
	{Lines: []string{"identity;q=0"}},
	{Lines: []string{"identity;q=0, *;q=0"}},
	{Lines: []string{"identity, br;q=0"}},
	// all lines count
	{Lines: []string{"deflate", "gzip"}, Best: "gzip"},
	{Lines: []string{"gzip", "br"}, Best: "br"},
	{Lines: []string{"", "br"}, Best: "br"},
	{Lines: []string{"br;q=0", "*"}, Best: "gzip"},
	// what cannot be parsed is ignored, and of two weights the higher counts
	{Lines: []string{"gzip;q=1.5"}},
	{Lines: []string{"gzip;q=nonsense"}},
	{Lines: []string{"gzip;q=0.1234"}},
	{Lines: []string{"gzip;q=-1"}},
	{Lines: []string{"gzip;q="}},
	{Lines: []string{"gzip;q"}},
	{Lines: []string{"gzip;level=9"}},
	{Lines: []string{"gzip;q=1;x=1"}},
	{Lines: []string{"gzip q=1"}},
	{Lines: []string{"gzip;q = 1"}},
	{Lines: []string{"gzip;"}},
	{Lines: []string{"*;q=x, gzip"}, Best: "gzip"},
	{Lines: []string{"br;q=2, gzip;q=0.5"}, Best: "gzip"},
	{Lines: []string{", ,gzip,,"}, Best: "gzip"},
	{Lines: []string{"br;q=0, br"}, Best: "br"},
	{Lines: []string{"brotli, xgzip, gzipx, br-x, x*"}},
}
