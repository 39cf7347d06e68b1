package httpapi

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	headerCacheStatus  = "Cache-Status"  // RFC 9211
	headerServerTiming = "Server-Timing" // W3C Server Timing, in milliseconds
	headerServedBy     = "X-Served-By"
)

// observe stands around every request: it names it, answers its error, says who served it and how
// long that took, and counts it.
func (a *API) observe(c *fiber.Ctx) error {
	began := time.Now()
	a.metrics.inFlight.Inc()
	defer a.metrics.inFlight.Dec()

	header := &c.Response().Header
	header.Set(fiber.HeaderXRequestID, a.ids.of(c))
	if err := c.Next(); err != nil {
		a.sendError(c, err)
	}
	header.Set(headerServedBy, a.replica)
	if a.health.Draining() {
		header.SetConnectionClose()
	}
	took := time.Since(began)
	header.Set(headerServerTiming, serverTiming(took))
	a.metrics.observe(c, took)
	return nil
}

func serverTiming(took time.Duration) string {
	field := append(make([]byte, 0, 32), "app;dur="...)
	return string(strconv.AppendFloat(field, float64(took)/float64(time.Millisecond), 'f', 3, 64))
}
