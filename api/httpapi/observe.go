package httpapi

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// observe is the outermost middleware: it gives each request an id, sends its error, has the audit record it,
// sets who served it and how long that took, and counts it.
func (a *API) observe(c *fiber.Ctx) error {
	if fibercache.IsRefresh(c) {
		return c.Next() // a refresh has no caller, and the cache's metrics count it
	}
	began := time.Now()
	a.metrics.inFlight.Add(1)
	defer a.metrics.inFlight.Add(-1)

	header := &c.Response().Header
	a.ids.name(c)
	if err := c.Next(); err != nil {
		a.sendError(c, err)
	}
	if a.audit != nil {
		a.record(c)
	}
	set(header, fieldServedBy, a.replica)
	if a.health.Draining() {
		header.SetConnectionClose()
	}
	took := time.Since(began)
	timing := make([]byte, 0, 64)
	if inner := header.PeekCanonical(fieldServerTiming); len(inner) > 0 {
		timing = append(append(timing, inner...), ", "...)
	}
	header.SetCanonical(fieldServerTiming, appendServerTiming(timing, took))
	a.metrics.observe(c, took)
	return nil
}

// appendServerTiming writes a duration in milliseconds, to the microsecond.
func appendServerTiming(b []byte, took time.Duration) []byte {
	us := took.Microseconds()
	b = append(strconv.AppendInt(append(b, "app;dur="...), us/1000, 10), '.')
	rest := us % 1000
	return append(b, byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}
