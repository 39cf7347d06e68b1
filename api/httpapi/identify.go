package httpapi

import (
	"bytes"
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/tokens"
)

// A request says whose it is by a bearer token (RFC 6750) in the one field Authorization. That is judged before any
// route and before the cache, and then taken off the request: a public read is kept and shared whoever asks for it.

type callerKey struct{}

// nobody is the caller of a request without a token.
var nobody accounts.Caller

// callerOf returns whose a request is; the zero Caller where it has no token, or the shop no accounts. A copy that the
// cache makes of a request is nobody's: the request itself was judged.
func callerOf(c *fiber.Ctx) accounts.Caller {
	if caller, ok := c.Context().UserValue(callerKey{}).(*accounts.Caller); ok {
		return *caller
	}
	return nobody
}

// identify is the middleware that finds out whose a request is. One that has an Authorization field which is not the
// token of a session that goes on is refused, whatever it asks for; but signing out by the cookie takes none.
func (a *API) identify(c *fiber.Ctx) error {
	header := &c.Request().Header
	lines := authorizationLines(header)
	if len(lines) == 0 {
		return c.Next()
	}
	caller, err := a.judge(c, lines)
	if shop.KindOf(err) == shop.Unauthorized && signsOutByCookie(c) {
		c.Response().Header.Del(fiber.HeaderWWWAuthenticate)
		caller, err = &accounts.Caller{}, nil
	}
	if err != nil {
		return err
	}
	header.Del(fiber.HeaderAuthorization)
	c.Context().SetUserValue(callerKey{}, caller)
	return c.Next()
}

// judge returns whose the token of an Authorization field is.
func (a *API) judge(c *fiber.Ctx, lines [][]byte) (*accounts.Caller, error) {
	if len(lines) > 1 {
		return nil, refuseToken(c, "There are several Authorization fields; send one.")
	}
	token, ok := bearerToken(lines[0])
	if !ok {
		return nil, refuseToken(c, "The Authorization field is to be the word Bearer, a space, and an access token.")
	}
	claims, err := a.tokens.Verify(token)
	switch {
	case errors.Is(err, tokens.ErrExpired):
		return nil, refuseToken(c, "The access token has expired; renew it, or sign in again.")
	case errors.Is(err, tokens.ErrEarly):
		return nil, refuseToken(c, "The access token is not valid yet; look at the clock.")
	case err != nil:
		return nil, refuseToken(c, "The access token is not one of this shop.")
	case !a.health.Started():
		return nil, errStarting
	}
	caller, err := a.accounts.Session(a.aside(c), claims.Session)
	switch {
	case shop.KindOf(err) == shop.Unauthorized, err == nil && caller.Account != claims.Account:
		return nil, refuseToken(c, "The session of the access token has ended; sign in again.")
	case err != nil:
		return nil, err
	}
	return &caller, nil
}

// aside returns the context of what is looked up for several requests at once, of which this is one: it does not end
// with the caller.
func (a *API) aside(c *fiber.Ctx) context.Context {
	if a.usesContext {
		return callers.Carry(a.process, c.UserContext())
	}
	return a.process
}

var bearer = []byte("bearer")

// bearerToken returns the token of an Authorization field. The scheme may be in any case, and spaces follow it (RFC
// 9110 section 11.4).
func bearerToken(field []byte) (token []byte, ok bool) {
	if len(field) <= len(bearer) || !bytes.EqualFold(field[:len(bearer)], bearer) || field[len(bearer)] != ' ' {
		return nil, false
	}
	token = bytes.TrimLeft(field[len(bearer):], " ")
	return token, len(token) > 0
}

// The challenges of RFC 6750 section 3.
const (
	challenge         = `Bearer realm="woodytoys"`
	challengeBadToken = challenge + `, error="invalid_token", error_description="`
	challengeTooFew   = challenge + `, error="insufficient_scope"`
)

// refuseToken returns the error of a token that is not good. The detail has nothing that a quoted string may not have.
func refuseToken(c *fiber.Ctx, detail string) error {
	c.Set(fiber.HeaderWWWAuthenticate, challengeBadToken+detail+`"`)
	return &shop.Error{Kind: shop.Unauthorized, Detail: detail}
}
