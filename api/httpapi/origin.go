package httpapi

import (
	"regexp"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// traceparent is the field of W3C Trace Context by which the proxy, or Config.Around, says which trace a request is of.
const traceparent = "Traceparent"

// wellFormed is what a traceparent of version 00 looks like (W3C Trace Context, section 3.2.2).
var wellFormed = regexp.MustCompile("^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")

// originOf returns a request's id, and its traceparent where that is well-formed. They are copies.
func originOf(c *fiber.Ctx) shop.Origin {
	origin := shop.Origin{Request: string(c.Response().Header.PeekBytes(fieldRequestID))}
	if sent := c.Request().Header.PeekAll(traceparent); len(sent) == 1 && wellFormed.Match(sent[0]) {
		origin.Trace = string(sent[0])
	}
	return origin
}

// logRequests stands around every request where the log is to have a line for each: at the level debug.
func (a *API) logRequests(c *fiber.Ctx) error {
	if fibercache.IsRefresh(c) {
		return c.Next()
	}
	began := time.Now()
	err := c.Next()
	origin := originOf(c)
	a.log.Debug("request", "method", c.Method(), "path", c.Path(), "status", c.Response().StatusCode(),
		"request", origin.Request, "trace", origin.TraceID(),
		"cache", string(c.Response().Header.PeekBytes(fieldCacheStatus)),
		"database", databaseOf(c), "took", time.Since(began))
	return err
}
