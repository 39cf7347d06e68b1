package site

import (
	"fmt"

	"github.com/gofiber/fiber/v2"
)

// serve answers GET and HEAD with a content: 200, 206, 304 or 416, as the request's headers ask.
func (s *Site) serve(c *fiber.Ctx, what *content, cacheControl string) error {
	r := what.choose(c.Get(fiber.HeaderAcceptEncoding))
	c.Set(fiber.HeaderContentType, what.contentType)
	c.Set(fiber.HeaderCacheControl, cacheControl)
	c.Set(fiber.HeaderETag, r.etag)
	s.signed(c)
	if what.brotli != nil {
		c.Vary(fiber.HeaderAcceptEncoding)
	}
	if unchanged(c.Get(fiber.HeaderIfNoneMatch), r.etag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	if r.encoding != "" {
		c.Set(fiber.HeaderContentEncoding, r.encoding)
	}
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	if c.Method() != fiber.MethodGet || !rangeStillFits(c.Get(fiber.HeaderIfRange), r.etag) {
		return s.send(c, r.body)
	}
	part, outcome := parseRange(c.Get(fiber.HeaderRange), len(r.body))
	switch outcome {
	case unsatisfiable:
		return refuseRange(c, len(r.body))
	case partOfBody:
		c.Status(fiber.StatusPartialContent)
		c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", part.first, part.last, len(r.body)))
		return s.send(c, r.body[part.first:part.last+1])
	}
	return s.send(c, r.body)
}

// refuseRange says how long the body is. It must not be kept in place of the body, nor carry its validator.
func refuseRange(c *fiber.Ctx, size int) error {
	c.Response().Header.Del(fiber.HeaderETag)
	c.Response().Header.Del(fiber.HeaderContentEncoding)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", size))
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.Status(fiber.StatusRequestedRangeNotSatisfiable).
		SendString(fmt.Sprintf("The range begins beyond the end; there are %d bytes.\n", size))
}

// signed says which replica answered, and lets any page read and time what it loads from here.
func (s *Site) signed(c *fiber.Ctx) {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	if s.config.ReplicaID != "" {
		c.Set("X-Served-By", s.config.ReplicaID)
		c.Set("Server-Timing", `front;desc="`+s.config.ReplicaID+`"`)
	}
}
