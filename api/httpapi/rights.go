package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// needs returns the middleware that stands before a route which takes a right, and before its cache. Without accounts
// everybody may do everything.
func (a *API) needs(right accounts.Right) fiber.Handler {
	return a.needsIf(func(*fiber.Ctx) bool { return true }, right)
}

// needsIf is like needs, for a route of which only some requests take the right.
func (a *API) needsIf(takes func(*fiber.Ctx) bool, right accounts.Right) fiber.Handler {
	if a.accounts == nil {
		return func(c *fiber.Ctx) error { return c.Next() }
	}
	return func(c *fiber.Ctx) error {
		// The cache's copy of a request has nobody's token: the request came past here before it was copied.
		if fibercache.IsRefresh(c) || !takes(c) {
			return c.Next()
		}
		if err := permit(c, right); err != nil {
			return err
		}
		return c.Next()
	}
}

// permit returns an error unless a request's caller has a right.
func permit(c *fiber.Ctx, right accounts.Right) error {
	switch caller := callerOf(c); {
	case !caller.SignedIn():
		return errSignIn
	case !caller.May(right):
		c.Set(fiber.HeaderWWWAuthenticate, challengeTooFew)
		return errMayNot
	}
	return nil
}

// needsAccount is the middleware before a route that anybody may call who has signed in.
func (a *API) needsAccount(c *fiber.Ctx) error {
	if !callerOf(c).SignedIn() {
		return errSignIn
	}
	return c.Next()
}

var (
	errSignIn = &shop.Error{Kind: shop.Unauthorized,
		Detail: "This takes an account: sign in (POST /api/session) and send the access token."}
	errMayNot = &shop.Error{Kind: shop.Forbidden, Detail: "The role of your account may not do this."}
)
