package httpapi

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/accounts"
)

// handleRegister makes an account, always a customer's. A page elsewhere makes none: it would use up what its visitor's
// address may.
func (a *API) handleRegister(c *fiber.Ctx) error {
	if isForeignPage(c) {
		return errForeign
	}
	name, password, err := readNamed(c)
	if err != nil {
		return err
	}
	if err := writeConditions(c, theAccount); err != nil {
		return err
	}
	account, err := a.accounts.Register(writing(c), name, password, addressOf(c))
	if err != nil {
		return err
	}
	setLocation(c, "/api/accounts/"+account.ID)
	if !callerOf(c).SignedIn() {
		noteAccount(c, account.ID)
	}
	return sendJSON(c, fiber.StatusCreated, account)
}

// accountPage is one page of the accounts, by their ids.
type accountPage struct {
	Accounts []accounts.Account `json:"accounts"`
	// Next is the address of the next page, which may be empty; absent where this one is not full.
	Next string `json:"next,omitempty"`
}

func (a *API) handleAccounts(c *fiber.Ctx) error {
	limit, err := limitOf(c, accounts.PageMax)
	if err != nil {
		return err
	}
	after := strings.Clone(c.Query("after"))
	if after != "" && uuid.Validate(after) != nil {
		return &httpError{fiber.StatusBadRequest, "after must be the id of the last account of the page before."}
	}
	list, err := a.accounts.List(writing(c), after, limit)
	if err != nil {
		return err
	}
	page := accountPage{Accounts: list}
	if len(list) == limit {
		page.Next = fmt.Sprintf("/api/accounts?after=%s&limit=%d", list[limit-1].ID, limit)
		c.Set(fiber.HeaderLink, "<"+page.Next+`>; rel="next"`)
	}
	return sendPrivate(c, page)
}

// accountID returns the id in the path, as it was sent.
func accountID(c *fiber.Ctx) string { return strings.Clone(c.Params("id")) }

func (a *API) handleAccount(c *fiber.Ctx) error {
	account, err := a.accounts.Get(writing(c), accountID(c))
	if err != nil {
		return err
	}
	return sendPrivate(c, account)
}

func (a *API) handleAccountDelete(c *fiber.Ctx) error {
	if err := writeConditions(c, theAccount); err != nil {
		return err
	}
	if err := a.accounts.Delete(writing(c), accountID(c)); err != nil {
		return err
	}
	return sendNothing(c)
}

const wantedRole = `Send a JSON object in UTF-8 with the one member "role", a string.`

func (a *API) handleRolePut(c *fiber.Ctx) error {
	var body struct {
		Role *accounts.Role `json:"role"`
	}
	if err := readBody(c, &body, wantedRole, jsonType); err != nil {
		return err
	}
	if body.Role == nil {
		return &httpError{fiber.StatusBadRequest, wantedRole}
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	account, err := a.accounts.SetRole(writing(c), accountID(c), *body.Role)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, account)
}

// handleSessionsDelete signs an account out everywhere.
func (a *API) handleSessionsDelete(c *fiber.Ctx) error {
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	if err := a.signOutEverywhere(c, accountID(c)); err != nil {
		return err
	}
	return sendNothing(c)
}
