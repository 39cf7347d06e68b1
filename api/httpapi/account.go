package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
)

// handleOwnAccount sends the caller's account.
func (a *API) handleOwnAccount(c *fiber.Ctx) error {
	account, err := a.accounts.Get(writing(c), callerOf(c).Account)
	switch {
	case shop.KindOf(err) == shop.NotFound:
		return errSignIn // deleted a moment ago
	case err != nil:
		return err
	}
	return sendPrivate(c, account)
}

const wantedPasswords = `Send a JSON object in UTF-8 with the members "old" and "new", both strings.`

// handlePasswordPut gives the caller's account another password, and ends its other sessions. That of the token has
// another cookie from then on.
func (a *API) handlePasswordPut(c *fiber.Ctx) error {
	var body struct {
		Old *string `json:"old"`
		New *string `json:"new"`
	}
	if err := readBody(c, &body, wantedPasswords, jsonType); err != nil {
		return err
	}
	if body.Old == nil || body.New == nil {
		return &httpError{fiber.StatusBadRequest, wantedPasswords}
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	refresh, err := a.accounts.ChangePassword(
		writing(c), callerOf(c), *body.Old, *body.New, addressOf(c), deviceOf(c))
	if err != nil {
		return err
	}
	setCookie(c, refresh)
	return sendNothing(c)
}

const wantedPassword = `Send a JSON object in UTF-8 with the one member "password", the account's.`

// handleOwnAccountDelete deletes the caller's account. That takes the password, which whoever has found a page open, or
// a token, does not have.
func (a *API) handleOwnAccountDelete(c *fiber.Ctx) error {
	var body struct {
		Password *string `json:"password"`
	}
	if err := readBody(c, &body, wantedPassword, jsonType); err != nil {
		return err
	}
	if body.Password == nil {
		return &httpError{fiber.StatusBadRequest, wantedPassword}
	}
	if err := writeConditions(c, theAccount); err != nil {
		return err
	}
	err := a.accounts.DeleteOwn(writing(c), callerOf(c), *body.Password, addressOf(c), deviceOf(c))
	if err != nil {
		return err
	}
	dropCookie(c)
	return sendNothing(c)
}
