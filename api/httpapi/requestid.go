package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"
)

// requestIDs names requests: a random part of this process and a running number.
type requestIDs struct {
	process string
	last    atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var random [6]byte
	rand.Read(random[:]) // never fails, by its documentation
	return &requestIDs{process: hex.EncodeToString(random[:]) + "-"}
}

// appendNext writes the next id.
func (r *requestIDs) appendNext(b []byte) []byte {
	return strconv.AppendUint(append(b, r.process...), r.last.Add(1), 36)
}

// name sets the answer's X-Request-Id: the caller's own, where it sent one that is safe to repeat, or
// the next.
func (r *requestIDs) name(c *fiber.Ctx) {
	id := c.Request().Header.PeekCanonical(fieldRequestID)
	if !isRequestID(id) {
		id = r.appendNext(make([]byte, 0, 32))
	}
	c.Response().Header.SetCanonical(fieldRequestID, id)
}

// isRequestID accepts 1 to 128 letters, digits and the punctuation of usual ids.
func isRequestID(id []byte) bool {
	if len(id) == 0 || len(id) > 128 {
		return false
	}
	for _, b := range id {
		switch {
		case '0' <= b && b <= '9', 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z':
		case b == '-', b == '_', b == '.', b == ':', b == '/', b == '+', b == '=', b == '@':
		default:
			return false
		}
	}
	return true
}
