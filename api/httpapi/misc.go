package httpapi

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
)

// jsonTime returns a time in JSON, always with its microseconds.
func jsonTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

func (a *API) handlePing(c *fiber.Ctx) error {
	if wants(c) == text {
		return sendRead(c, textAnswer(0, []byte("healthy")))
	}
	answer, err := jsonAnswer(0, fiber.Map{"status": "healthy"})
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}

func (a *API) handleTime(c *fiber.Ctx) error {
	now := time.Now()
	if wants(c) == text {
		line := append(make([]byte, 0, 64), "timestamp: "...)
		return sendRead(c, textAnswer(0, appendLabTime(line, now)))
	}
	answer, err := jsonAnswer(0, fiber.Map{"timestamp": jsonTime(now)})
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}

type heavyResult struct {
	ComputedAt string `json:"computed_at"`
	Name       string `json:"name"`
	Result     string `json:"result"`
}

func (a *API) handleHeavy(c *fiber.Ctx) error {
	name := strings.Clone(c.Query("name"))
	if name != "" {
		var err error
		if name, err = shop.CleanName(name); err != nil {
			return err
		}
	}
	at, err := a.shop.Heavy(c.UserContext())
	if err != nil {
		return err
	}
	result := "Woody -" + name + "- Woody"
	if wants(c) == text {
		return sendRead(c, textAnswer(0, append(append(appendLabTime(nil, at), ": "...), result...)))
	}
	answer, err := jsonAnswer(0, heavyResult{ComputedAt: jsonTime(at), Name: name, Result: result})
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}
