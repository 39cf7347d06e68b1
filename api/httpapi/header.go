package httpapi

import (
	"github.com/gofiber/fiber/v2/utils"
	"github.com/valyala/fasthttp"
)

// The fields that every answer or every read carries, in the one spelling that fasthttp sends, so
// that it need not work the spelling out for each answer.
var (
	fieldCacheControl = []byte("Cache-Control")
	fieldCacheStatus  = []byte("Cache-Status") // RFC 9211
	fieldETag         = []byte("Etag")
	fieldRequestID    = []byte("X-Request-Id")
	fieldServedBy     = []byte("X-Served-By")
	fieldServerTiming = []byte("Server-Timing") // W3C Server Timing, in milliseconds
	fieldVary         = []byte("Vary")
)

// set sets a field of the list above. The value is copied; it must hold no line break.
func set(header *fasthttp.ResponseHeader, field []byte, value string) {
	header.SetCanonical(field, utils.UnsafeBytes(value))
}
