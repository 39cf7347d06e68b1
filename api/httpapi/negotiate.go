package httpapi

import "github.com/gofiber/fiber/v2"

// format is what the caller is answered in.
type format int

const (
	text format = iota
	asJSON
)

func (f format) String() string {
	if f == text {
		return "text"
	}
	return "json"
}

// wants returns the format that the request's Accept field prefers. Where that names nothing, or nothing
// that there is, it is the face's own: text on the lab's calls, JSON on the REST ones.
func wants(c *fiber.Ctx) format {
	lines := acceptLines(&c.Request().Header)
	if len(lines) == 0 {
		return ownFormat(c)
	}
	if len(lines) == 1 {
		switch string(lines[0]) { // what nearly all clients send
		case "*/*":
			return ownFormat(c)
		case jsonType:
			return asJSON
		case "text/plain":
			return text
		}
	}
	return readAccept(lines).wants(ownFormat(c))
}

// ownFormat returns the format of the face that the request's route belongs to.
func ownFormat(c *fiber.Ctx) format {
	reads := c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead
	lab := false
	switch c.Route().Path {
	case "/api/ping", "/api/misc/time", "/api/misc/heavy", "/api/orders/do", "/api/products/last":
		lab = true
	case "/api/orders", "/api/products/:id<int>":
		lab = reads
	case "/api/products":
		lab = addsProduct(c)
	}
	if lab {
		return text
	}
	return asJSON
}
