// Package conditional evaluates the conditions of an HTTP request on the state of what it asks for: If-Match,
// If-None-Match, If-Modified-Since, If-Unmodified-Since and If-Range, by RFC 9110 section 13. All lines of a field
// count.
//
// It is for whoever makes the answer, the origin server: a cache that is not part of it leaves If-Match and
// If-Unmodified-Since alone. Conditions count only where the answer without them would be a success (section 13.2.1);
// that is the caller's part.
//
// A field that is absent is no condition, and all go on. A line that cannot be read matches nothing: If-Match fails
// then, If-None-Match lets a read go on and a write fail, and a date that is not one counts as absent.
package conditional

import (
	"bytes"
	"time"
)

// Header is where a request's fields are. A *fasthttp.RequestHeader is one.
type Header interface {
	// PeekAll returns the value of each line of a field, in order. It is done with before the next call.
	PeekAll(name string) [][]byte
}

// State is what a request's target is now: the selected representation of RFC 9110 section 3.2.
type State struct {
	// Absent is whether there is none.
	Absent bool
	// ETag is its entity tag, quotes included. Default: none, which only "*" matches.
	ETag []byte
	// Others are those of the target's other current representations: in another type, another language. A write that
	// names any of them has the state. Default: none.
	Others [][]byte
	// LastModified is its date of modification, as the field Last-Modified has it. Default: none, and then
	// If-Modified-Since and If-Unmodified-Since mean nothing.
	LastModified []byte
}

// Outcome is what the conditions ask for.
type Outcome int

// The outcomes.
const (
	Proceed     Outcome = iota // carry out the method
	NotModified                // answer a read 304
	Failed                     // answer 412, and do nothing
)

// Read returns what the conditions of a GET or HEAD ask for. It allocates nothing for entity tags.
func Read(h Header, s State) Outcome {
	if !s.mayGoOn(h) {
		return Failed
	}
	if lines := h.PeekAll("If-None-Match"); len(lines) > 0 {
		if matches, _ := s.matches(lines, weakly); matches {
			return NotModified
		}
		return Proceed // If-Modified-Since is for clients without If-None-Match
	}
	if len(s.LastModified) > 0 {
		if later, ok := s.modifiedSince(h.PeekAll("If-Modified-Since")); ok && !later {
			return NotModified
		}
	}
	return Proceed
}

// Write returns what the conditions of a method that changes something ask for: Proceed or Failed. An If-None-Match
// that cannot be read fails, since it cannot be known that none matches.
func Write(h Header, s State) Outcome {
	if !s.mayGoOn(h) {
		return Failed
	}
	if lines := h.PeekAll("If-None-Match"); len(lines) > 0 {
		if matches, readable := s.matches(lines, weakly); matches || !readable {
			return Failed
		}
	}
	return Proceed
}

// Range reports whether a Range field may be honoured (section 13.1.5): there is no If-Range, or it has exactly the
// current entity tag, which is strong. A date never will do, since nothing here shows whether it is a strong validator.
func Range(h Header, s State) bool {
	lines := h.PeekAll("If-Range")
	return len(lines) == 0 ||
		len(lines) == 1 && len(s.ETag) > 0 && s.ETag[0] == '"' && bytes.Equal(trim(lines[0]), s.ETag)
}

// mayGoOn reports whether If-Match or, without it, If-Unmodified-Since allows what is asked for.
func (s State) mayGoOn(h Header) bool {
	if lines := h.PeekAll("If-Match"); len(lines) > 0 {
		matches, _ := s.matches(lines, strongly)
		return matches
	}
	if len(s.LastModified) > 0 {
		later, ok := s.modifiedSince(h.PeekAll("If-Unmodified-Since"))
		return !later || !ok
	}
	return true
}

// modifiedSince reports whether the modification is later than the date in the lines of a field. Without exactly one
// valid date on both sides it is not ok.
func (s State) modifiedSince(lines [][]byte) (later, ok bool) {
	if len(lines) != 1 {
		return false, false
	}
	since, ok := parseDate(lines[0])
	if !ok {
		return false, false
	}
	modified, ok := parseDate(s.LastModified)
	return modified.After(since), ok
}

// parseDate reads an HTTP-date (section 5.6.7), in any of the three forms that recipients must accept.
func parseDate(value []byte) (time.Time, bool) {
	text := string(trim(value))
	for _, form := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if date, err := time.Parse(form, text); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}

// trim cuts off optional white space (OWS).
func trim(b []byte) []byte { return bytes.Trim(b, " \t") }
