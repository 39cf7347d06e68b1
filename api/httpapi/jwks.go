package httpapi

import "github.com/gofiber/fiber/v2"

// keySetType is the media type of a JSON Web Key Set (RFC 7517 section 8.5.1).
const keySetType = "application/jwk-set+json"

// handleKeys sends the public keys that tokens are verified by.
func (a *API) handleKeys(c *fiber.Ctx) error {
	return sendRead(c, answer{status: fiber.StatusOK, contentType: keySetType, body: a.tokens.Published()})
}
