package httpapi

import "github.com/gofiber/fiber/v2"

// handleHealthz reports that the process is alive, whatever else is not.
func (a *API) handleHealthz(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	if done, err := readConditions(c, nil); done || err != nil {
		return err
	}
	return c.SendString("alive")
}

type readiness struct {
	Ready    bool `json:"ready"`
	Draining bool `json:"draining"`
	// Database is "up", "full" when it has no room for what is written, "down", or "awaited" before it
	// was reached for the first time.
	Database string `json:"database"`
}

// handleReadyz reports whether this replica wants requests.
func (a *API) handleReadyz(c *fiber.Ctx) error {
	state := readiness{Ready: a.health.Ready(), Draining: a.health.Draining(), Database: a.health.Database().String()}
	c.Set(fiber.HeaderCacheControl, "no-store")
	if !state.Ready {
		c.Status(fiber.StatusServiceUnavailable)
	} else if done, err := readConditions(c, nil); done || err != nil {
		return err
	}
	return c.JSON(state)
}
