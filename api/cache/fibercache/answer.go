package fibercache

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Answer is a finished answer: all of it that does not differ from one caller to the next. It is
// never changed.
type Answer struct {
	status      int
	contentType []byte
	etag        []byte
	fields      []field
	body        []byte
}

type field struct{ name, value []byte }

// keptFields are the fields that belong to an answer and not to the one who asked: what any other
// handler or middleware sets is made for each request. Content-Type and ETag are kept beside them.
var keptFields = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Security-Policy",
	"Last-Modified", "Link", "Location", "Vary", "X-Content-Type-Options",
}

// capture copies the answer that a handler has written to c. An answer without an ETag gets one,
// made from its bytes.
func capture(c *fiber.Ctx) *Answer {
	response := c.Response()
	a := &Answer{
		status:      response.StatusCode(),
		contentType: slices.Clone(response.Header.ContentType()),
		etag:        slices.Clone(response.Header.Peek(fiber.HeaderETag)),
		body:        slices.Clone(response.Body()),
	}
	for _, name := range keptFields {
		if value := response.Header.Peek(name); len(value) > 0 {
			a.fields = append(a.fields, field{[]byte(name), slices.Clone(value)})
		}
	}
	if len(a.etag) == 0 && a.status == fiber.StatusOK {
		a.etag = append(strconv.AppendUint([]byte{'"'}, xxhash.Sum64(a.body), 16), '"')
	}
	return a
}

// size is what the answer takes in memory, near enough.
func (a *Answer) size() int {
	n := len(a.contentType) + len(a.etag) + len(a.body) + 160
	for _, f := range a.fields {
		n += len(f.name) + len(f.value) + 48
	}
	return n
}

var etagName = []byte("Etag")

// send writes the answer to c: 304 and no body when the caller has it already.
func (a *Answer) send(c *fiber.Ctx) {
	response := c.Response()
	header := &response.Header
	for i := range a.fields {
		header.SetCanonical(a.fields[i].name, a.fields[i].value)
	}
	if len(a.etag) > 0 {
		header.SetCanonical(etagName, a.etag)
		if a.status == fiber.StatusOK && matches(c.Request().Header.Peek(fiber.HeaderIfNoneMatch), a.etag) {
			response.SetStatusCode(fiber.StatusNotModified)
			response.SetBodyRaw(nil)
			return
		}
	}
	response.SetStatusCode(a.status)
	header.SetContentTypeBytes(a.contentType)
	response.SetBodyRaw(a.body)
}

// matches tells whether an If-None-Match field names the tag, by RFC 9110's weak comparison. An
// empty field matches nothing.
func matches(field, etag []byte) bool {
	etag = bytes.TrimPrefix(etag, weak)
	for len(field) > 0 {
		part, rest, _ := bytes.Cut(field, comma)
		field = rest
		part = bytes.TrimPrefix(bytes.TrimSpace(part), weak)
		if bytes.Equal(part, etag) || bytes.Equal(part, star) {
			return true
		}
	}
	return false
}

var weak, comma, star = []byte("W/"), []byte(","), []byte("*")

// keepable tells whether other callers may be given the answer.
func keepable(c *fiber.Ctx, a *Answer, variesByAccept bool) bool {
	header := &c.Response().Header
	if hasCookie(header) {
		return false
	}
	for part := range bytes.SplitSeq(bytes.ToLower(header.Peek(fiber.HeaderCacheControl)), comma) {
		if part = bytes.TrimSpace(part); string(part) == "no-store" || bytes.HasPrefix(part, []byte("private")) {
			return false
		}
	}
	for part := range bytes.SplitSeq(header.Peek(fiber.HeaderVary), comma) {
		part = bytes.TrimSpace(part)
		if string(part) == "*" || variesByAccept && len(part) > 0 && !bytes.EqualFold(part, []byte("Accept")) {
			return false
		}
	}
	return a.status == fiber.StatusOK
}

func hasCookie(header *fasthttp.ResponseHeader) (has bool) {
	header.VisitAllCookie(func(_, _ []byte) { has = true })
	return has
}
