package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/tokens"
)

const wantedSignIn = `Send a JSON object in UTF-8 with the members "name" and "password", both strings.`

// readNamed reads a name and a password, and nothing else: neither a role nor whatever else one may wish for.
func readNamed(c *fiber.Ctx) (name, password string, err error) {
	var body struct {
		Name     *string `json:"name"`
		Password *string `json:"password"`
	}
	if err := readBody(c, &body, wantedSignIn, jsonType); err != nil {
		return "", "", err
	}
	if body.Name == nil || body.Password == nil {
		return "", "", &httpError{fiber.StatusBadRequest, wantedSignIn}
	}
	return *body.Name, *body.Password, nil
}

// handleSignIn begins a session. A page elsewhere signs nobody in here: its user would be somebody else.
func (a *API) handleSignIn(c *fiber.Ctx) error {
	if isForeignPage(c) {
		return errForeign
	}
	name, password, err := readNamed(c)
	if err != nil {
		return err
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	signedIn, err := a.accounts.SignIn(writing(c), name, password, addressOf(c), deviceOf(c))
	if err != nil {
		return err
	}
	a.endReplaced(c)
	return a.sendToken(c, signedIn)
}

// endReplaced ends the session of the cookie that a new session's takes the place of: no browser could end it then. One
// that cannot be ended now is over when it expires: its caller has begun a session, and gets the token of it.
func (a *API) endReplaced(c *fiber.Ctx) {
	cookie := cookieOf(c)
	if cookie == "" || !isOwnPage(c) {
		return
	}
	if _, err := a.accounts.SignOutBy(writing(c), cookie); err != nil {
		a.logFailure(c, "the replaced session is not ended", err)
	}
}

// handleRenew renews the session of the cookie, with a new token and, most times, a new cookie.
func (a *API) handleRenew(c *fiber.Ctx) error {
	cookie := cookieOf(c)
	switch {
	case !isOwnPage(c):
		return errForeign
	case cookie == "":
		return errNoCookie
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	signedIn, err := a.accounts.Renew(writing(c), cookie)
	if shop.KindOf(err) == shop.Unauthorized {
		dropCookie(c)
	}
	if err != nil {
		return err
	}
	if signedIn.Unchanged {
		noteUnchanged(c)
	}
	return a.sendToken(c, signedIn)
}

var errNoCookie = &shop.Error{Kind: shop.Unauthorized, Detail: "There is no session to renew; sign in."}

// sendToken sends what the holder of a session is given (RFC 6749 section 5.1).
func (a *API) sendToken(c *fiber.Ctx, signedIn accounts.SignedIn) error {
	token, err := a.tokens.Sign(signedIn.Account.ID, signedIn.Session)
	if err != nil {
		return err
	}
	a.warnOfForwarding(c)
	setCookie(c, signedIn.Refresh)
	setDevice(c, signedIn.Device)
	noteAccount(c, signedIn.Account.ID)
	return sendJSON(c, fiber.StatusOK, struct {
		AccessToken string           `json:"access_token"`
		TokenType   string           `json:"token_type"`
		ExpiresIn   int              `json:"expires_in"` // in seconds
		Account     accounts.Account `json:"account"`
	}{token, "Bearer", int(tokens.Life.Seconds()), signedIn.Account})
}

// signsOutByCookie reports whether a request is to end the session of its cookie, and may: that a token has expired, or
// that its session has ended, is no reason to leave that one open.
func signsOutByCookie(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodDelete && c.Path() == "/api/session" && cookieOf(c) != "" && isOwnPage(c)
}

// handleSignOut ends the session of the token, and that of the cookie, which may be another one.
func (a *API) handleSignOut(c *fiber.Ctx) error {
	caller, cookie, own := callerOf(c), cookieOf(c), isOwnPage(c)
	switch {
	case !caller.SignedIn() && cookie == "":
		return errSignIn
	case !caller.SignedIn() && !own:
		return errForeign
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	var byToken, byCookie bool
	var err error
	if caller.SignedIn() {
		if byToken, err = a.accounts.SignOut(writing(c), caller.Session); err != nil {
			return err
		}
	}
	if cookie != "" && own {
		if byCookie, err = a.accounts.SignOutBy(writing(c), cookie); err != nil {
			return err
		}
	}
	if !byToken && !byCookie {
		noteUnchanged(c)
	}
	dropCookie(c)
	return sendNothing(c)
}

// handleSignOutEverywhere ends all sessions of the caller's account.
func (a *API) handleSignOutEverywhere(c *fiber.Ctx) error {
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	if err := a.signOutEverywhere(c, callerOf(c).Account); err != nil {
		return err
	}
	dropCookie(c)
	return sendNothing(c)
}

// signOutEverywhere ends all sessions of an account.
func (a *API) signOutEverywhere(c *fiber.Ctx, account string) error {
	ended, err := a.accounts.SignOutEverywhere(writing(c), account)
	if err == nil && !ended {
		noteUnchanged(c)
	}
	return err
}
