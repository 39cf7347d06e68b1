package fibercache

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

type ownerKey struct{}

// Own notes whose the answer is that the handler is making, such as the id of an account. It is kept with the answer,
// and decides about each caller: see Options.Allow. The handler need not ask who is calling, and should not write what
// differs by that: it makes the answer for all who may have it.
//
// On a route without Options.Allow an answer that has an owner is its caller's alone, and is not kept. An empty owner
// is as if Own had not been called.
func Own(c *fiber.Ctx, owner string) { c.Context().SetUserValue(ownerKey{}, strings.Clone(owner)) }

// ownerOf returns whose the answer is that a handler has made; empty where it did not say.
func ownerOf(c *fiber.Ctx) string {
	owner, _ := c.Context().UserValue(ownerKey{}).(string)
	return owner
}

// refusal returns why a caller may not have an answer, by its status and its owner; nil if it may.
func (r *route) refusal(c *fiber.Ctx, a *Answer) error {
	if r.Allow == nil || broken.Owner || a.isFailure() {
		return nil
	}
	return r.Allow(c, a.owner)
}

// isFailure reports whether an answer is a failure that is nobody's: it has nothing of anybody, and all may know of it.
func (a *Answer) isFailure() bool {
	return a.status >= fiber.StatusInternalServerError && a.owner == ""
}

// deny sends a refusal. It shows nothing of what was refused, and so not whether that was kept.
func (r *route) deny(c *fiber.Ctx, refusal error) error {
	r.Fail(c, refusal)
	c.Response().Header.SetCanonical(statusName, r.layers.Refused())
	return nil
}

// undo returns what takes an answer back that a handler will have written to c, where a refusal may have to stand in
// its place.
func (r *route) undo(c *fiber.Ctx) func() {
	if r.Allow == nil {
		return nil
	}
	before := &fasthttp.ResponseHeader{}
	c.Response().Header.CopyTo(before)
	return func() {
		before.CopyTo(&c.Response().Header)
		c.Response().ResetBody()
	}
}

// alone runs the handler for one caller, past the cache. A write is the handler's to refuse, before it is made.
func (r *route) alone(c *fiber.Ctx) error {
	if method := c.Method(); r.Allow == nil || method != fiber.MethodGet && method != fiber.MethodHead {
		return c.Next()
	}
	undo := r.undo(c)
	if err := c.Next(); err != nil {
		r.Fail(c, err)
	}
	made := &Answer{status: c.Response().StatusCode(), owner: ownerOf(c)}
	c.Context().RemoveUserValue(ownerKey{})
	if refusal := r.refusal(c, made); refusal != nil {
		undo()
		return r.deny(c, refusal)
	}
	if made.isFailure() {
		c.Response().Header.SetCanonical(statusName, r.layers.Bypass()) // as in fill
	}
	return nil
}
