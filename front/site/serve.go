package site

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache/conditional"
)

// serve serves content to GET and HEAD: 200, 206, 304 or 416, as the request's header asks. The error is 412.
func (s *Site) serve(c *fiber.Ctx, what *content, cacheControl string) error {
	request := &c.Request().Header
	r := what.choose(request.PeekAll(fiber.HeaderAcceptEncoding))
	state := conditional.State{ETag: []byte(r.etag)}
	outcome := conditional.Read(request, state)
	if outcome == conditional.Failed {
		c.Set(fiber.HeaderCacheControl, noStore)
		return fiber.ErrPreconditionFailed
	}
	c.Set(fiber.HeaderContentType, what.contentType)
	c.Set(fiber.HeaderCacheControl, cacheControl)
	c.Set(fiber.HeaderETag, r.etag)
	s.signed(c)
	if what.brotli != nil {
		c.Vary(fiber.HeaderAcceptEncoding)
	}
	if outcome == conditional.NotModified {
		return c.SendStatus(fiber.StatusNotModified)
	}
	if r.encoding != "" {
		c.Set(fiber.HeaderContentEncoding, r.encoding)
	}
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	if c.Method() != fiber.MethodGet || !conditional.Range(request, state) {
		return s.send(c, r.body)
	}
	part, found := parseRange(request.PeekAll(fiber.HeaderRange), len(r.body))
	switch found {
	case unsatisfiable:
		return refuseRange(c, len(r.body))
	case partOfBody:
		c.Status(fiber.StatusPartialContent)
		c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", part.first, part.last, len(r.body)))
		return s.send(c, r.body[part.first:part.last+1])
	}
	return s.send(c, r.body)
}

// refuseRange responds 416 with the body's length. It must not be cached in place of the body, nor carry its validator.
func refuseRange(c *fiber.Ctx, size int) error {
	c.Response().Header.Del(fiber.HeaderETag)
	c.Response().Header.Del(fiber.HeaderContentEncoding)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", size))
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.Status(fiber.StatusRequestedRangeNotSatisfiable).
		SendString(fmt.Sprintf("The range begins beyond the end; there are %d bytes.\n", size))
}

// signed sets which replica responded, and lets any page read and time what it loads from here.
func (s *Site) signed(c *fiber.Ctx) {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	if s.config.ReplicaID != "" {
		c.Set("X-Served-By", s.config.ReplicaID)
		c.Set("Server-Timing", `front;desc="`+s.config.ReplicaID+`"`)
	}
}
