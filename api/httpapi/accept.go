package httpapi

import (
	"bytes"

	"github.com/woodytoys/woodytoys/internal/qvalue"
)

// Accept is read by RFC 9110 section 12.5.1. The most specific range that names a type decides on it: the type with
// parameters that are true of it, the type, the type with unknown parameters, all of its kind, all. What
// cannot be read is passed over.

// specificity is how closely a media range names a type.
type specificity int

const (
	unnamed specificity = iota
	anyType
	anySubtype
	unknownParameters
	exactType
	trueParameters
)

// preference is an Accept field's weight of one type, and how closely the field named it. Where it names the type
// equally closely twice, the larger weight counts.
type preference struct {
	by     specificity
	weight int
}

func (p *preference) add(by specificity, weight int) {
	if by > p.by || by == p.by && by != unnamed && weight > p.weight {
		*p = preference{by, weight}
	}
}

// preferences are an Accept field's, of all types that this API responds with.
type preferences struct{ text, json, problem preference }

// readAccept reads the lines of an Accept field. It allocates nothing.
func readAccept(lines [][]byte) (p preferences) {
	for _, line := range lines {
		for len(line) > 0 {
			var r mediaRange
			var ok bool
			if r, line, ok = cutRange(line); ok {
				p.text.add(r.names("text", "plain"), r.weight)
				p.json.add(r.names("application", "json"), r.weight)
				p.problem.add(r.names("application", "problem+json"), r.weight)
			}
		}
	}
	return p
}

// wants returns the format that is preferred; own where neither is, or both are the same.
func (p preferences) wants(own format) format {
	json := p.json.weight
	if p.problem.by >= unknownParameters { // an Accept that names problem+json alone asks for JSON
		json = max(json, p.problem.weight)
	}
	switch {
	case p.text.weight > json:
		return text
	case json > p.text.weight:
		return asJSON
	}
	return own
}

// mediaRange is a member of an Accept field.
type mediaRange struct {
	kind, subtype []byte
	weight        int  // in thousandths
	charset       bool // it has charset=utf-8, which is true of all that is sent
	unknown       bool // it has other parameters
}

// names returns how closely the range names a type.
func (r *mediaRange) names(kind, subtype string) (by specificity) {
	switch {
	case equalFold(r.kind, kind) && equalFold(r.subtype, subtype):
		by = exactType
	case equalFold(r.kind, kind) && string(r.subtype) == "*":
		by = anySubtype
	case string(r.kind) == "*" && string(r.subtype) == "*":
		by = anyType
	default:
		return unnamed
	}
	switch {
	case r.unknown && r.weight == 0:
		return unnamed // a weight of 0 with other parameters does not exclude the plain type
	case r.unknown && by == exactType:
		return unknownParameters
	case r.charset && by == exactType:
		return trueParameters
	}
	return by
}

// cutRange reads the first member of a list, and returns what is behind its comma. It is not ok for an empty member,
// and for one that is no media range.
func cutRange(list []byte) (r mediaRange, rest []byte, ok bool) {
	r.weight = qvalue.Max
	s := scanner{list}
	s.skipSpace()
	r.kind = s.token()
	ok = len(r.kind) > 0 && s.skip('/')
	r.subtype = s.token()
	ok = ok && len(r.subtype) > 0
	weighted := false
	for s.skipSpace(); ok && s.skip(';'); s.skipSpace() {
		s.skipSpace()
		name := s.token()
		if len(name) == 0 {
			continue // a list of parameters may have empty ones
		}
		var value []byte
		if ok = s.skip('='); ok {
			value, ok = s.value()
		}
		switch {
		case !ok:
		case equalFold(name, "q"):
			r.weight, ok = qvalue.Parse(value)
			ok = ok && !weighted
			weighted = true
		case equalFold(name, "charset") && equalFold(bytes.Trim(value, `"`), "utf-8"):
			r.charset = true
		default:
			r.unknown = true
		}
	}
	ok = ok && (len(s.rest) == 0 || s.rest[0] == ',')
	return r, s.behindComma(), ok
}

// scanner reads a field's value from left to right.
type scanner struct{ rest []byte }

func (s *scanner) skipSpace() { s.rest = bytes.TrimLeft(s.rest, " \t") }

func (s *scanner) skip(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// token reads a token (section 5.6.2), which is empty where none begins.
func (s *scanner) token() []byte {
	n := 0
	for n < len(s.rest) && isTokenChar[s.rest[n]] {
		n++
	}
	token := s.rest[:n]
	s.rest = s.rest[n:]
	return token
}

// value reads a token or a quoted string (section 5.6.4), which it returns as it stands.
func (s *scanner) value() (value []byte, ok bool) {
	if len(s.rest) == 0 || s.rest[0] != '"' {
		value = s.token()
		return value, len(value) > 0
	}
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			value, s.rest = s.rest[:i+1], s.rest[i+1:]
			return value, true
		}
	}
	s.rest = nil // the quoted string never ends, so nothing follows it
	return nil, false
}

// behindComma returns what is behind the next comma that stands in no quoted string.
func (s *scanner) behindComma() []byte {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ',':
			return s.rest[1:]
		case '"':
			s.value()
		default:
			s.rest = s.rest[1:]
		}
	}
	return nil
}

var isTokenChar = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		is[c] = true
	}
	return is
}()

// equalFold reports whether b is the lower-case text, whatever b's case. It is for ASCII.
func equalFold(b []byte, text string) bool {
	if len(b) != len(text) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != text[i] {
			return false
		}
	}
	return true
}
