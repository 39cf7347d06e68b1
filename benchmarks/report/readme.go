package report

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// marked is a part of a document that is made from a run: between <!-- benchmarks:begin FILE --> and
// <!-- benchmarks:end -->.
var marked = regexp.MustCompile(`(?s)(<!-- benchmarks:begin (\S+) -->\n).*?(<!-- benchmarks:end -->)`)

// Refresh writes the summaries of runs into a document, where it has marks for them. load reads the
// results that a mark names. A document without marks, or with half of one, is an error; so is an invalid
// run.
func Refresh(document []byte, load func(file string) (*figures.Results, error)) ([]byte, error) {
	found := marked.FindAllSubmatchIndex(document, -1)
	if begins := strings.Count(string(document), "<!-- benchmarks:begin "); begins == 0 || begins != len(found) {
		return nil, errors.New("no mark, or half of one: write <!-- benchmarks:begin FILE --> and <!-- " +
			"benchmarks:end --> on lines of their own")
	}
	var out bytes.Buffer
	last := 0
	for _, at := range found {
		file := string(document[at[4]:at[5]])
		r, err := load(file)
		if err != nil {
			return nil, err
		}
		if !r.Valid {
			return nil, fmt.Errorf("%s is of an invalid run: %s", file, strings.Join(r.Invalid, "; "))
		}
		out.Write(document[last:at[3]])
		fmt.Fprintf(&out, "\n%s\n", Markdown(r))
		last = at[6]
	}
	out.Write(document[last:])
	return out.Bytes(), nil
}
