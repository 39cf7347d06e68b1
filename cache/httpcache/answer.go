package httpcache

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// answer is a finished answer: all of it that does not differ from one caller to the next. It is never changed.
type answer struct {
	status int
	fields []field
	length []string // Content-Length, for those to whom the handler has not written
	body   []byte
	// etag and modified are the fields ETag and Last-Modified, for conditions.
	etag, modified []byte
	// own reports that the answer is for the caller whose request the handler saw, and nobody else.
	own bool
	// why is the handler's reason for a response that is not stored, for Cache-Status.
	why string
}

// field is a header field: its canonical name and its lines. Their slice is shared by all whom the answer is sent to,
// and has no room for another line.
type field struct {
	name  string
	lines []string
}

// keptFields are the fields that belong to an answer and not to the one who asked, beside Content-Type and ETag, which
// are kept too, and those of Options.Keep.
var keptFields = []string{
	"Accept-Ranges", "Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Range", "Content-Security-Policy", "Last-Modified", "Link", "Location", "Retry-After", "Vary",
	"Www-Authenticate", "X-Content-Type-Options",
}

// capture returns a copy of the answer that a handler has written. The fields that stood there before the handler ran
// are other middleware's, which sets them for each request.
func (h *handler) capture(rec *recorder, before http.Header) *answer {
	header := canonical(rec.header)
	a := &answer{status: rec.status, body: slices.Clip(rec.body)}
	if lines, found := header["Content-Type"]; found {
		a.keep("Content-Type", lines)
	} else {
		a.keep("Content-Type", sniff(header, a))
	}
	if tag := header.Get("Etag"); tag != "" {
		a.keep("Etag", []string{tag})
	}
	for _, name := range h.kept {
		switch lines := header[name]; {
		case len(lines) == 0 || slices.Equal(lines, before[name]):
		case name == "Vary":
			a.keep(name, behind(lines, before[name]))
		default:
			a.keep(name, lines)
		}
	}
	a.prepare()
	return a
}

func (a *answer) keep(name string, lines []string) {
	a.fields = append(a.fields, field{name, slices.Clip(lines)})
}

// makeTag gives the answer an ETag that is made from its bytes.
func (a *answer) makeTag() {
	a.keep("Etag", []string{`"` + strconv.FormatUint(xxhash.Sum64(a.body), 16) + `"`})
	a.prepare()
}

// prepare makes what is sent of the answer from its other parts.
func (a *answer) prepare() {
	a.etag, a.modified = []byte(a.first("Etag")), []byte(a.first("Last-Modified"))
	if hasBody(a.status) {
		a.length = []string{strconv.Itoa(len(a.body))}
	}
}

// first returns the first line of a field; "" without one.
func (a *answer) first(name string) string {
	if lines := a.lines(name); len(lines) > 0 {
		return lines[0]
	}
	return ""
}

func (a *answer) lines(name string) []string {
	for i := range a.fields {
		if a.fields[i].name == name {
			return a.fields[i].lines
		}
	}
	return nil
}

// size returns what the answer takes in memory, near enough.
func (a *answer) size() int {
	n := 2*len(a.etag) + len(a.body) + 256
	for _, f := range a.fields {
		n += 48
		for _, line := range f.lines {
			n += len(line) + 16
		}
	}
	return n
}

// canonical returns a copy of a header, with the names as they are to be spelled: a handler may have set others.
func canonical(header http.Header) http.Header {
	made := make(http.Header, len(header))
	for name, lines := range header {
		made[http.CanonicalHeaderKey(name)] = append(made[http.CanonicalHeaderKey(name)], lines...)
	}
	return made
}

// behind returns the lines that were added to those before; all, where these are not there any more.
func behind(lines, before []string) []string {
	if len(lines) > len(before) && slices.Equal(lines[:len(before)], before) {
		return lines[len(before):]
	}
	return lines
}

// sniff returns the media type that net/http sends with an answer whose handler has named none; nil where it sends
// none.
func sniff(header http.Header, a *answer) []string {
	if len(a.body) == 0 || header.Get("Content-Encoding") != "" || header.Get("Transfer-Encoding") != "" {
		return nil
	}
	return []string{http.DetectContentType(a.body)}
}

// isOwn reports whether an answer that was taken down is for its caller alone.
func (h *handler) isOwn(a *answer, rec *recorder) bool {
	switch a.status {
	case http.StatusPartialContent, http.StatusNotModified, http.StatusPreconditionFailed,
		http.StatusRequestedRangeNotSatisfiable:
		return true
	}
	if rec.declared >= 0 && rec.declared != int64(len(a.body)) && hasBody(a.status) { // it broke off
		return true
	}
	for name := range rec.w.Header() {
		if strings.HasPrefix(name, http.TrailerPrefix) || strings.EqualFold(name, "Set-Cookie") {
			return true
		}
	}
	return isPrivate(canonical(rec.header)["Cache-Control"]) || a.varies(h.Variant == nil)
}

// isPrivate reports whether the lines of Cache-Control forbid a cache that callers share to store the response. What
// stood there before the handler ran counts too: the handler may have meant to write the same.
func isPrivate(lines []string) bool {
	for part := range members(lines) {
		if name, _, _ := strings.Cut(strings.ToLower(part), "="); name == "private" || name == "no-store" {
			return true
		}
	}
	return false
}

// varies reports whether the answer depends on a field that is not in the key.
func (a *answer) varies(keyHasAccept bool) bool {
	for part := range members(a.lines("Vary")) {
		if part == "*" || keyHasAccept && !strings.EqualFold(part, "Accept") {
			return true
		}
	}
	return false
}

// members returns the members of a field that is a list (RFC 9110 section 5.6.1), on all its lines.
func members(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for part := range strings.SplitSeq(line, ",") {
				if part = strings.Trim(part, " \t"); part != "" && !yield(part) {
					return
				}
			}
		}
	}
}
