package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/audit"
)

// The audit has an entry for every write, whatever came of it, and for every refusal. It is written when the response
// is made and before it is sent: what a caller has an acknowledgement of is in the audit.

type refusedKey struct{}

// noteRefusal marks a request as refused for the audit, where the response does not show it: an order does not exist
// for those to whom it does not belong.
func noteRefusal(c *fiber.Ctx) { c.Locals(refusedKey{}, true) }

type unchangedKey struct{}

// noteUnchanged marks a write that succeeds as one that has changed nothing, for the audit.
func noteUnchanged(c *fiber.Ctx) { c.Locals(unchangedKey{}, true) }

type whoKey struct{}

// noteAccount sets the account in the audit's entry of a request whose caller had not signed in before it.
func noteAccount(c *fiber.Ctx, id string) { c.Locals(whoKey{}, id) }

type madeKey struct{}

// noteMade sets the address of what a request has made, for the audit.
func noteMade(c *fiber.Ctx, address string) { c.Locals(madeKey{}, address) }

// setLocation is noteMade, and tells the caller too.
func setLocation(c *fiber.Ctx, address string) {
	noteMade(c, address)
	c.Set(fiber.HeaderLocation, address)
}

// record writes a request's entry, if it is one that has one.
func (a *API) record(c *fiber.Ctx) {
	status := c.Response().StatusCode()
	hidden, _ := c.Locals(refusedKey{}).(bool)
	refused := hidden || isRefusal(status)
	if !refused && !isWrite(c) {
		return
	}
	entry := audit.Entry{
		Account: callerOf(c).Account, Method: c.Method(), Route: auditedRoute(c), Thing: about(c), From: addressText(c),
		Outcome: outcomeOf(status), Status: status, Request: string(c.Response().Header.PeekBytes(fieldRequestID)),
	}
	if id, ok := c.Locals(whoKey{}).(string); ok {
		entry.Account = id
	}
	unchanged, _ := c.Locals(unchangedKey{}).(bool)
	switch {
	case refused:
		entry.Outcome = audit.Refused
	case unchanged && entry.Outcome == audit.Done:
		entry.Outcome = audit.Unchanged
	}
	a.audit.Record(a.process, entry)
}

func isRefusal(status int) bool {
	return status == fiber.StatusUnauthorized || status == fiber.StatusForbidden ||
		status == fiber.StatusTooManyRequests
}

// isWrite reports whether a request was a write, by the route that took it. One that came to no route is none.
func isWrite(c *fiber.Ctx) bool {
	route := auditedRoute(c)
	switch c.Method() {
	case fiber.MethodHead, fiber.MethodOptions:
		return false
	case fiber.MethodGet:
		return route == "/api/orders/do" || route == "/api/products" && addsProduct(c)
	}
	return route != ""
}

// auditedRoute returns the pattern of the route that took a request; empty where middleware ended it before.
func auditedRoute(c *fiber.Ctx) string {
	if route := RouteOf(c); route != "/" && route != "/api" {
		return route
	}
	return ""
}

func outcomeOf(status int) audit.Outcome {
	switch {
	case status < fiber.StatusBadRequest:
		return audit.Done
	case status == fiber.StatusGatewayTimeout:
		return audit.Uncertain
	}
	return audit.Failed
}

// about returns what a request was about: what it made, or else what it was sent to, in the one spelling that a search
// finds it by. Of a query it has what the lab's calls name things by, and nothing else, since callers may have put a
// secret there.
func about(c *fiber.Ctx) string {
	if made, ok := c.Locals(madeKey{}).(string); ok {
		return made
	}
	thing, mark := c.Path(), "?"
	if strings.Contains(auditedRoute(c), "<guid>") { // which are taken in capitals too
		thing = strings.ToLower(thing)
	}
	for _, name := range []string{"product", "order", "order_id"} {
		if value := c.Query(name); value != "" {
			if name == "order_id" {
				value = strings.ToLower(value)
			}
			thing += mark + name + "=" + value
			mark = "&"
		}
	}
	return thing
}

// addressText returns the address that a request comes from; empty where it is unknown.
func addressText(c *fiber.Ctx) string {
	if addr := addressOf(c); addr.IsValid() {
		return addr.String()
	}
	return ""
}
