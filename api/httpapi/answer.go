package httpapi

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
)

const (
	textType    = "text/plain; charset=utf-8"
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

// answer is a finished answer: all of it that does not differ from one caller to the next.
type answer struct {
	status      int
	contentType string
	body        []byte
	// etag is empty where there is nothing to revalidate.
	etag string
}

// textAnswer is a plain-text 200 of a version; version zero stands for content without one.
func textAnswer(version int64, body []byte) answer {
	return answer{status: fiber.StatusOK, contentType: textType, body: body, etag: etagOf(version, body)}
}

// jsonAnswer is the same in JSON. A value that cannot be encoded is a mistake in this package.
func jsonAnswer(version int64, value any) (answer, error) {
	body, err := encode(value)
	if err != nil {
		return answer{}, err
	}
	return answer{status: fiber.StatusOK, contentType: jsonType, body: body, etag: etagOf(version, body)}, nil
}

// encode writes JSON with names as they are: no browser reads it as HTML.
func encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}

// etagOf is a strong validator: the version, where there is one, and a hash of the very bytes, so
// that another format or another release never shares it.
func etagOf(version int64, body []byte) string {
	tag := append(make([]byte, 0, 40), '"')
	if version > 0 {
		tag = append(strconv.AppendInt(append(tag, 'v'), version, 10), '-')
	}
	tag = strconv.AppendUint(tag, xxhash.Sum64(body), 16)
	return string(append(tag, '"'))
}

// sendRead sends the answer to a read: 304 without a body when the caller has it already.
func sendRead(c *fiber.Ctx, a answer) error {
	header := &c.Response().Header
	set(header, fieldCacheControl, "no-cache")
	set(header, fieldVary, "Accept")
	set(header, fieldCacheStatus, "near; fwd=bypass")
	set(header, fieldETag, a.etag)
	if matchesETag(c.Request().Header.Peek(fiber.HeaderIfNoneMatch), a.etag) {
		c.Status(fiber.StatusNotModified)
		return nil
	}
	c.Status(a.status)
	header.SetContentType(a.contentType)
	c.Response().SetBodyRaw(a.body)
	return nil
}

// sendWrite sends the answer to a write, which nobody may keep.
func sendWrite(c *fiber.Ctx, a answer) error {
	header := &c.Response().Header
	set(header, fieldCacheControl, "no-store")
	set(header, fieldVary, "Accept")
	if a.etag != "" {
		set(header, fieldETag, a.etag)
	}
	c.Status(a.status)
	header.SetContentType(a.contentType)
	c.Response().SetBodyRaw(a.body)
	return nil
}

// matchesETag tells whether an If-None-Match field names the tag, by RFC 9110's weak comparison.
// An empty field matches nothing.
func matchesETag(field []byte, etag string) bool {
	if len(field) == 0 {
		return false
	}
	for part := range bytes.SplitSeq(field, []byte(",")) {
		part = bytes.TrimPrefix(bytes.TrimSpace(part), []byte("W/"))
		if string(part) == etag || string(part) == "*" {
			return true
		}
	}
	return false
}
