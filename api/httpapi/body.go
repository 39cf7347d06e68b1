package httpapi

import (
	"fmt"
	"mime"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
)

// bodyString reads the one string member of a JSON request body. It is strict where encoding/json
// is not: invalid UTF-8, members twice and members that nobody asked for are refused.
func bodyString(c *fiber.Ctx, member string) (string, error) {
	if media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); err != nil || media != jsonType {
		return "", &httpError{fiber.StatusUnsupportedMediaType, "Send the body as application/json (Content-Type)."}
	}
	var members map[string]string
	err := json.Unmarshal(c.Request().Body(), &members) // the raw bytes: fiber's Body would decompress them
	value, ok := members[member]
	if err != nil || !ok || len(members) != 1 {
		return "", &httpError{fiber.StatusBadRequest,
			fmt.Sprintf(`Send a JSON object in UTF-8 with the one member "%s", a string.`, member)}
	}
	return value, nil
}
