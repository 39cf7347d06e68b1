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
	// body is copied when it is sent.
	body []byte
	// version is the version of the newest write in the response; zero if there is none.
	version int64
}

// textAnswer returns a plain-text 200 of a version; version zero stands for content without one.
func textAnswer(version int64, body []byte) answer {
	return answer{status: fiber.StatusOK, contentType: textType, body: body, version: version}
}

// jsonAnswer returns a 200 with v in JSON. A value that cannot be encoded is a mistake in this package.
func jsonAnswer(version int64, value any) (answer, error) {
	body, err := encode(value)
	return answer{status: fiber.StatusOK, contentType: jsonType, body: body, version: version}, err
}

// encode writes JSON with names as they are: no browser reads it as HTML.
func encode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}

// appendETag writes a strong validator: the version, where there is one, and a hash of the very bytes,
// so that another format or another release never shares it.
func (a *answer) appendETag(b []byte) []byte {
	b = append(b, '"')
	if a.version > 0 {
		b = append(strconv.AppendInt(append(b, 'v'), a.version, 10), '-')
	}
	return append(strconv.AppendUint(b, xxhash.Sum64(a.body), 16), '"')
}

// etagSize is room for the longest ETag.
const etagSize = 48

// sendRead sends the answer to a read: 304 without a body when the caller has it already. It returns an error when a
// condition of the caller's does not hold.
func sendRead(c *fiber.Ctx, a answer) error {
	header := &c.Response().Header
	setKeeping(c, "no-cache")
	set(header, fieldCacheStatus, "near; fwd=bypass")
	etag := a.appendETag(make([]byte, 0, etagSize))
	header.SetCanonical(fieldETag, etag)
	if done, err := readConditions(c, etag); done || err != nil {
		return err
	}
	send(c, a)
	return nil
}

// setKeeping sets whether caches may keep a response, and what it varies by. One that follows a preference is kept
// nowhere: so the others, which caches ask about anyway, need not vary by Prefer (RFC 7240 section 2).
func setKeeping(c *fiber.Ctx, control string) {
	vary := "Accept"
	if applied(c) {
		control, vary = "no-store", "Accept, Prefer"
	}
	header := &c.Response().Header
	set(header, fieldCacheControl, control)
	set(header, fieldVary, vary)
}

// sendWrite sends the answer to a write, which no cache may store. It has an ETag where there is
// something to write to again: If-Match takes it.
func sendWrite(c *fiber.Ctx, a answer) error {
	header := &c.Response().Header
	setKeeping(c, "no-store")
	if a.version > 0 {
		header.SetCanonical(fieldETag, a.appendETag(make([]byte, 0, etagSize)))
	}
	send(c, a)
	return nil
}

func send(c *fiber.Ctx, a answer) {
	c.Status(a.status)
	c.Response().Header.SetContentType(a.contentType)
	c.Response().SetBody(a.body)
}
