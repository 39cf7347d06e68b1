package httpcache

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cachestatus"
	"github.com/woodytoys/woodytoys/cache/conditional"
)

// send writes an answer to a caller, as the request's conditions ask for it.
func (h *handler) send(w http.ResponseWriter, r *http.Request, s *scratch, a *answer) {
	header := w.Header()
	switch a.conditions(r, s) {
	case conditional.Failed:
		h.Fail(w, r, http.StatusPreconditionFailed)
		return
	case conditional.NotModified:
		a.setFields(header)
		sendNotModified(w)
		return
	}
	a.setFields(header)
	if a.length != nil {
		header["Content-Length"] = a.length
	}
	w.WriteHeader(a.status)
	if len(a.body) > 0 && r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // it fails only if the caller is gone
	}
}

// sendMade is send for the caller whose request the handler has had: w's header has the fields of the answer already.
func (h *handler) sendMade(w http.ResponseWriter, r *http.Request, s *scratch, a *answer, before http.Header) {
	header := w.Header()
	for _, name := range [...]string{"Content-Type", "Etag"} {
		if lines := a.lines(name); len(lines) > 0 && !has(header, name) {
			header[name] = lines
		}
	}
	if a.length != nil && !has(header, "Content-Length") && !has(header, "Transfer-Encoding") && !hasTrailers(header) {
		header["Content-Length"] = a.length
	}
	if !h.sendHead(w, r, s, a, before) && len(a.body) > 0 {
		_, _ = w.Write(a.body)
	}
}

// sendHead writes the header of an answer whose fields w's header has already, as the request's conditions ask for it.
// It reports whether no body follows.
func (h *handler) sendHead(
	w http.ResponseWriter, r *http.Request, s *scratch, a *answer, before http.Header,
) (all bool) {
	switch a.conditions(r, s) {
	case conditional.Failed:
		a.takeBack(w.Header(), before)
		h.Fail(w, r, http.StatusPreconditionFailed)
		return true
	case conditional.NotModified:
		sendNotModified(w)
		return true
	}
	w.WriteHeader(a.status)
	return false
}

// conditions returns what the request's conditions ask for. They count only where the answer without them is a success
// (RFC 9110 section 13.2.1).
func (a *answer) conditions(r *http.Request, s *scratch) conditional.Outcome {
	if a.status/100 != 2 {
		return conditional.Proceed
	}
	s.fields.header = r.Header
	outcome := conditional.Read(&s.fields, conditional.State{ETag: a.etag, LastModified: a.modified})
	s.fields.header = nil
	return outcome
}

// requestFields is a request's header, as package conditional reads it.
type requestFields struct {
	header http.Header
	lines  [][]byte
}

// PeekAll implements conditional.Header.
func (f *requestFields) PeekAll(name string) [][]byte {
	f.lines = f.lines[:0]
	for _, line := range f.header[name] {
		f.lines = append(f.lines, unsafe.Slice(unsafe.StringData(line), len(line)))
	}
	return f.lines
}

// setFields sets the answer's fields in a header. What other middleware varies by counts too.
func (a *answer) setFields(header http.Header) {
	for i := range a.fields {
		f := &a.fields[i]
		if f.name == "Vary" && len(header["Vary"]) > 0 {
			addVary(header, f.lines)
			continue
		}
		header[f.name] = f.lines
	}
}

func addVary(header http.Header, lines []string) {
	for part := range members(lines) {
		there := false
		for other := range members(header["Vary"]) {
			there = there || strings.EqualFold(part, other)
		}
		if !there {
			header.Add("Vary", part)
		}
	}
}

// takeBack takes the answer's fields out of a header that is to be that of another answer.
func (a *answer) takeBack(header, before http.Header) {
	maps.DeleteFunc(header, func(name string, _ []string) bool {
		name = http.CanonicalHeaderKey(name)
		return name == "Content-Length" || a.has(name)
	})
	for _, f := range a.fields {
		if lines, was := before[f.name]; was {
			header[f.name] = slices.Clone(lines)
		}
	}
}

func (a *answer) has(name string) bool {
	return slices.ContainsFunc(a.fields, func(f field) bool { return f.name == name })
}

// sendNotModified writes a 304, which has no fields that describe a body.
func sendNotModified(w http.ResponseWriter) {
	header := w.Header()
	delete(header, "Content-Type")
	delete(header, "Content-Length")
	delete(header, "Content-Encoding")
	w.WriteHeader(http.StatusNotModified)
}

// restore makes a header what it was before.
func restore(header, before http.Header) {
	clear(header)
	maps.Copy(header, before)
}

// has reports whether a header has a field, however that is spelled.
func has(header http.Header, name string) bool {
	if _, found := header[name]; found {
		return true
	}
	for other := range header {
		if strings.EqualFold(name, other) {
			return true
		}
	}
	return false
}

func hasTrailers(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// say sets Cache-Status.
func (rt *route) say(w http.ResponseWriter, status []byte) {
	w.Header()[cachestatus.Name] = []string{string(status)}
}

// hits is the Cache-Status of hits by the seconds that their answer has left, each made when it is first needed.
var hits [3601]atomic.Pointer[[]string]

// hit returns the Cache-Status of a hit.
func (rt *route) hit(info cache.Info) []string {
	seconds := info.TTL / time.Second
	kept := !info.Stale && seconds < time.Duration(len(hits))
	if kept {
		if status := hits[seconds].Load(); status != nil {
			return *status
		}
	}
	status := []string{string(rt.layers.AppendHit(nil, info))}
	if kept {
		hits[seconds].Store(&status)
	}
	return status
}
