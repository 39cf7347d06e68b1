package httpapi

import (
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/valyala/fasthttp"
)

// The fields that every answer or every read carries, or that every request is asked for, in the one spelling that
// fasthttp has, so that it need not work the spelling out each time.
var (
	fieldCacheControl      = []byte("Cache-Control")
	fieldCacheStatus       = []byte("Cache-Status") // RFC 9211
	fieldETag              = []byte("Etag")
	fieldOrigin            = []byte("Origin")
	fieldPrefer            = []byte("Prefer") // RFC 7240
	fieldPreferenceApplied = []byte("Preference-Applied")
	fieldRequestID         = []byte("X-Request-Id")
	fieldServedBy          = []byte("X-Served-By")
	fieldServerTiming      = []byte("Server-Timing") // W3C Server Timing, in milliseconds
	fieldVary              = []byte("Vary")
)

// set sets a field of the list above. The value is copied; it must hold no line break.
func set(header *fasthttp.ResponseHeader, field []byte, value string) {
	header.SetCanonical(field, utils.UnsafeBytes(value))
}

// acceptLines returns the lines of a request's Accept field. They are done with before the request is asked for another
// field.
func acceptLines(header *fasthttp.RequestHeader) [][]byte { return linesOf(header, fiber.HeaderAccept) }

// authorizationLines is like acceptLines, for Authorization.
func authorizationLines(header *fasthttp.RequestHeader) [][]byte {
	return linesOf(header, fiber.HeaderAuthorization)
}

// linesOf returns the lines of a field, whose name is spelled as fasthttp does.
func linesOf(header *fasthttp.RequestHeader, name string) [][]byte {
	was := header.DisableNormalizing()
	lines := header.PeekAll(name)
	if !was {
		header.EnableNormalizing()
	}
	return lines
}
