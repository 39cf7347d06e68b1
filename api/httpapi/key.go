package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
)

// idempotencyKey returns the key that a POST can be sent again with, and "" where it has none. A caller who sends an
// empty one, or several, takes his call for one that can be repeated: by which key would be unclear.
func idempotencyKey(c *fiber.Ctx) (string, error) {
	switch lines := c.Request().Header.PeekAll("Idempotency-Key"); len(lines) {
	case 0:
		return "", nil
	case 1:
		key := string(lines[0])
		return key, shop.CheckKey(key)
	}
	return "", &httpError{fiber.StatusBadRequest, "There are several Idempotency-Keys: send one."}
}
