package httpapi

import (
	"bytes"

	"github.com/gofiber/fiber/v2"
)

// Prefer: read=primary (RFC 7240) has a read be made by the database that takes writes, past the cache, for those who
// want to see the difference: a read is never older than what was acknowledged before it began, wherever it is made.

// readPrimary is the preference as Preference-Applied has it.
const readPrimary = "read=primary"

// prefersPrimary reports whether a request prefers to be read at the primary. It allocates nothing.
func prefersPrimary(c *fiber.Ctx) bool {
	header := &c.Request().Header
	if len(header.PeekCanonical(fieldPrefer)) == 0 {
		return false
	}
	for _, line := range header.PeekAll("Prefer") {
		for s := (scanner{line}); len(s.rest) > 0; s.rest = s.behindComma() {
			s.skipSpace()
			name := s.token()
			if s.skipSpace(); equalFold(name, "read") {
				return s.isPrimary() // of several the first counts (section 2)
			}
		}
	}
	return false
}

// isPrimary reports whether a preference's value follows that is the primary's.
func (s *scanner) isPrimary() bool {
	if !s.skip('=') {
		return false
	}
	s.skipSpace()
	value, ok := s.value()
	return ok && string(bytes.Trim(value, `"`)) == "primary"
}

// applied reports whether a response has a preference of its request's.
func applied(c *fiber.Ctx) bool {
	return len(c.Response().Header.PeekCanonical(fieldPreferenceApplied)) > 0
}
