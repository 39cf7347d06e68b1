package httpapi

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/audit"
)

// TestHiddenRefusals checks that a read which is refused with a 404 is audited as refused, and that a read of something
// that does not exist is not.
func TestHiddenRefusals(t *testing.T) {
	var stream bytes.Buffer
	recorder, err := audit.New(audit.Config{Stream: &stream})
	if err != nil {
		t.Fatal(err)
	}
	a := &API{audit: recorder, process: t.Context()}
	app := fiber.New()
	app.Get("/api/orders/:id", func(c *fiber.Ctx) error {
		if c.Params("id") == "another's" {
			noteRefusal(c)
		}
		c.Status(fiber.StatusNotFound)
		a.record(c)
		return nil
	})
	for _, id := range []string{"nobody's", "another's"} {
		if _, err := app.Test(httptest.NewRequest("GET", "/api/orders/"+id, nil), -1); err != nil {
			t.Fatal(err)
		}
	}
	if text := stream.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"outcome":"refused"`) ||
		!strings.Contains(text, "/api/orders/another's") || !strings.Contains(text, `"status":404`) {
		t.Errorf("the audit has\n%s", text)
	}
}
