package fibercache

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache/conditional"
)

// Answer is a finished answer: all of it that does not differ from one caller to the next. It is
// never changed.
type Answer struct {
	status      int
	contentType []byte
	etag        []byte
	modified    []byte // of fields, Last-Modified
	fields      []field
	body        []byte
	// own reports that the answer is for the caller whose request the handler saw, and nobody else.
	own bool
	// owner is whose the answer is, for Options.Allow; empty where the handler has not called Own.
	owner string
	// apart is how the answer is sent to its caller, whose own it is, if the handler saw a copy of the request; else
	// nil.
	apart *apart
	// why is the handler's reason for a response that is not stored, for Cache-Status.
	why string
}

// apart is what an answer has that is its caller's own and was not made with the caller's own request.
type apart struct {
	fields   []field // that the handler wrote
	streamed bool    // there is no body to send
}

type field struct{ name, value []byte }

// keptFields are the fields that belong to an answer and not to the one who asked, beside
// Content-Type and ETag, which are kept too, and those of Options.Keep.
var keptFields = []string{
	"Accept-Ranges", "Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Range", "Content-Security-Policy", "Last-Modified", "Link", "Location", "Retry-After", "Vary",
	"WWW-Authenticate", "X-Content-Type-Options",
}

// fieldsOf copies the fields that may be kept out of what stands in c's answer now. Several lines become one, in c too:
// they mean the same (RFC 9110 section 5.3).
func (r *route) fieldsOf(c *fiber.Ctx) []field {
	var found []field
	header := &c.Response().Header
	for _, name := range r.kept {
		lines := header.PeekAll(name)
		value := bytes.Join(lines, []byte(", "))
		if len(lines) > 1 {
			header.Del(name)
			header.Set(name, string(value))
		}
		if len(value) > 0 {
			found = append(found, field{[]byte(name), value})
		}
	}
	return found
}

// capture copies the answer that a handler has written to c. The fields that stood there before the
// handler ran are other middleware's, which sets them for each request. An answer without an ETag
// gets one, made from its bytes.
func (r *route) capture(c *fiber.Ctx, before []field) *Answer {
	response := c.Response()
	a := &Answer{
		status:      response.StatusCode(),
		contentType: slices.Clone(response.Header.ContentType()),
		etag:        slices.Clone(response.Header.Peek(fiber.HeaderETag)),
		body:        slices.Clone(response.Body()),
	}
	for _, f := range r.fieldsOf(c) {
		if !slices.ContainsFunc(before,
			func(old field) bool { return bytes.Equal(old.name, f.name) && bytes.Equal(old.value, f.value) }) {
			a.fields = append(a.fields, f)
		}
	}
	a.modified = a.field(fiber.HeaderLastModified)
	if len(a.etag) == 0 && a.status == fiber.StatusOK {
		a.etag = append(strconv.AppendUint([]byte{'"'}, xxhash.Sum64(a.body), 16), '"')
	}
	return a
}

// isFor reports whether the answer can be sent to a caller: to the one for whom it was made, or to another.
func (a *Answer) isFor(own bool) bool {
	return !a.own || own && (a.apart == nil || !a.apart.streamed)
}

// size returns what the answer takes in memory, near enough.
func (a *Answer) size() int {
	n := len(a.contentType) + len(a.etag) + len(a.body) + len(a.owner) + 200
	for _, f := range a.fields {
		n += len(f.name) + len(f.value) + 48
	}
	return n
}

// send writes the answer to c, as the request's conditions ask for it.
func (r *route) send(c *fiber.Ctx, a *Answer) {
	header := &c.Response().Header
	switch a.conditions(c, a.etag) {
	case conditional.Failed:
		r.refuse(c, a)
		return
	case conditional.NotModified:
		a.sendFields(header)
		sendNotModified(c)
		return
	}
	a.sendFields(header)
	c.Response().SetStatusCode(a.status)
	header.SetContentTypeBytes(a.contentType)
	c.Response().SetBodyRaw(a.body)
}

// written returns the fields of a header that were not there before.
func written(before, header *fasthttp.ResponseHeader) (fields []field) {
	for name, value := range header.All() {
		switch string(name) {
		case fiber.HeaderContentLength, fiber.HeaderServer, fiber.HeaderConnection:
			continue
		}
		same := func(old []byte) bool { return bytes.Equal(old, value) }
		if !slices.ContainsFunc(before.PeekAll(string(name)), same) {
			fields = append(fields, field{slices.Clone(name), slices.Clone(value)})
		}
	}
	return fields
}

// write writes an answer to c that its caller's own request had no part in.
func (a *Answer) write(c *fiber.Ctx) {
	header := &c.Response().Header
	for _, f := range a.apart.fields {
		if string(f.name) != fiber.HeaderSetCookie { // cookies of other middleware stay
			header.DelBytes(f.name)
		}
	}
	for _, f := range a.apart.fields {
		header.AddBytesKV(f.name, f.value)
	}
	c.Response().SetStatusCode(a.status)
	header.SetContentTypeBytes(a.contentType)
	c.Response().SetBodyRaw(a.body)
}

// sendOwn does the same for the caller whose own the answer is: c has it already, or is given it here.
func (r *route) sendOwn(c *fiber.Ctx, a *Answer) {
	if a.apart != nil {
		a.write(c)
	}
	switch a.conditions(c, c.Response().Header.PeekBytes(etagName)) {
	case conditional.Failed:
		r.refuse(c, a)
	case conditional.NotModified:
		sendNotModified(c)
	}
}

// conditions returns what the request's conditions ask for. They count only where the answer without them is a success
// (RFC 9110 section 13.2.1).
func (a *Answer) conditions(c *fiber.Ctx, etag []byte) conditional.Outcome {
	if a.status/100 != 2 {
		return conditional.Proceed
	}
	state := conditional.State{ETag: etag, LastModified: a.modified}
	return conditional.Read(requestFields{&c.Request().Header}, state)
}

// refuse responds 412, without the fields that the handler may have written for the answer.
func (r *route) refuse(c *fiber.Ctx, a *Answer) {
	header := &c.Response().Header
	header.DelBytes(etagName)
	for _, f := range a.fields {
		if bytes.Equal(header.PeekBytes(f.name), f.value) {
			header.DelBytes(f.name)
		}
	}
	r.Fail(c, fiber.ErrPreconditionFailed)
}

func sendNotModified(c *fiber.Ctx) {
	c.Response().SetStatusCode(fiber.StatusNotModified)
	c.Response().SetBodyRaw(nil)
}

func (a *Answer) sendFields(header *fasthttp.ResponseHeader) {
	for i := range a.fields {
		f := &a.fields[i]
		if string(f.name) == fiber.HeaderVary {
			switch outer := header.PeekCanonical(varyName); { // what other middleware varies by counts too
			case len(outer) == 0:
			case lists(outer, f.value):
				continue
			case !lists(f.value, outer):
				header.AddBytesKV(f.name, f.value)
				continue
			}
		}
		header.SetCanonical(f.name, f.value)
	}
	if len(a.etag) > 0 {
		header.SetCanonical(etagName, a.etag)
	}
}

// isOwn reports whether the answer in c is for its caller alone: it sets a cookie, says that it is
// private, or varies by what is not in the key. That it is private counts too where it stood there before the handler
// ran, which may have meant to write the same. With a handler's error no-store means nothing: error handlers write it
// on all that they answer.
func (a *Answer) isOwn(c *fiber.Ctx, failed, keyHasAccept bool) bool {
	if hasCookie(&c.Response().Header) {
		return true
	}
	control := bytes.ToLower(c.Response().Header.PeekBytes(cacheControlName)) // one line, see fieldsOf
	for part := range bytes.SplitSeq(control, comma) {
		part = bytes.TrimSpace(part)
		if bytes.HasPrefix(part, []byte("private")) || string(part) == "no-store" && !failed {
			return true
		}
	}
	for part := range bytes.SplitSeq(a.field("Vary"), comma) {
		part = bytes.TrimSpace(part)
		if string(part) == "*" || keyHasAccept && len(part) > 0 && !bytes.EqualFold(part, []byte("Accept")) {
			return true
		}
	}
	return false
}

func (a *Answer) field(name string) []byte {
	for i := range a.fields {
		if string(a.fields[i].name) == name {
			return a.fields[i].value
		}
	}
	return nil
}

var comma = []byte(",")

func hasCookie(header *fasthttp.ResponseHeader) bool {
	for range header.Cookies() {
		return true
	}
	return false
}

// lists reports whether a list of names (RFC 9110 section 5.6.1) has all that another one has, in whatever case.
func lists(list, others []byte) bool {
	for other := range bytes.SplitSeq(others, comma) {
		if other = bytes.TrimSpace(other); len(other) > 0 && !hasName(list, other) {
			return false
		}
	}
	return true
}

func hasName(list, name []byte) bool {
	for listed := range bytes.SplitSeq(list, comma) {
		if bytes.EqualFold(bytes.TrimSpace(listed), name) {
			return true
		}
	}
	return false
}
