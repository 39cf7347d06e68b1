package site

import (
	"bytes"

	"github.com/woodytoys/woodytoys/internal/qvalue"
)

// wishes are the weights that a request gives the codings, in thousandths; notNamed where it names none.
type wishes struct{ brotli, gzip, identity, others int }

const notNamed = -1

// preferredEncoding returns "br", "gzip" or "" for the plain bytes, by the lines of Accept-Encoding (RFC 9110 section
// 12.5.3). Equal wishes go to brotli before gzip before plain; no line at all, and lines that allow nothing we have,
// get the plain bytes.
func preferredEncoding(lines [][]byte) string {
	w := wishes{notNamed, notNamed, notNamed, notNamed}
	for _, line := range lines {
		for member := range bytes.SplitSeq(line, []byte(",")) {
			w.add(member)
		}
	}
	best, most := "", 0
	if wish := w.of(w.brotli); wish > most {
		best, most = "br", wish
	}
	if wish := w.of(w.gzip); wish > most {
		best, most = "gzip", wish
	}
	if w.identity > most {
		return ""
	}
	return best
}

// of returns the weight of a coding that has this one by its name: without it, that of "*".
func (w *wishes) of(named int) int {
	if named == notNamed {
		return w.others
	}
	return named
}

// add takes in a member of the list. One that cannot be read means nothing; of a coding that is named twice, the larger
// weight counts.
func (w *wishes) add(member []byte) {
	name, parameter, weighted := bytes.Cut(member, []byte(";"))
	weight := qvalue.Max
	if weighted {
		parameter = bytes.Trim(parameter, " \t")
		if len(parameter) < 2 || !bytes.EqualFold(parameter[:2], []byte("q=")) {
			return
		}
		var ok bool
		if weight, ok = qvalue.Parse(parameter[2:]); !ok {
			return
		}
	}
	switch name = bytes.Trim(name, " \t"); {
	case bytes.EqualFold(name, []byte("br")):
		w.brotli = max(w.brotli, weight)
	case bytes.EqualFold(name, []byte("gzip")), bytes.EqualFold(name, []byte("x-gzip")):
		w.gzip = max(w.gzip, weight)
	case bytes.EqualFold(name, []byte("identity")):
		w.identity = max(w.identity, weight)
	case string(name) == "*":
		w.others = max(w.others, weight)
	}
}
