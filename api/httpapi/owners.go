package httpapi

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// Where there are accounts, an order belongs to the one that placed it. It is kept once, with its owner, which decides
// about each caller: for whom may not see it, it does not exist, in every byte.

// owning returns the context of a write whose orders and idempotency keys are its caller's own.
func owning(c *fiber.Ctx) context.Context {
	ctx := shop.NoteRepeated(writing(c), func() { noteUnchanged(c) })
	return shop.OwnedBy(ctx, callerOf(c).Account)
}

// allowOrder returns what decides who may have an answer about an order; nil without accounts, where everybody may.
func (a *API) allowOrder() func(c *fiber.Ctx, owner string) error {
	if a.accounts == nil {
		return nil
	}
	return func(c *fiber.Ctx, owner string) error {
		if callerOf(c).MaySee(owner) {
			return nil
		}
		asked := c.Params("id")
		if asked == "" {
			asked = c.Query("order_id")
		}
		id, err := shop.CleanOrderID(strings.Clone(asked))
		if err != nil {
			return err
		}
		if owner != "" { // else there may be none
			noteRefusal(c)
		}
		return shop.NoOrder(id)
	}
}

// ownOrder notes whose an order is for the cache, which asks who may have it. Where the handler runs for one caller
// alone, past the cache or without one, it returns an error where that one may not.
func (a *API) ownOrder(c *fiber.Ctx, order shop.Order) error {
	if a.accounts == nil {
		return nil
	}
	fibercache.Own(c, order.Owner)
	if fibercache.IsFill(c) || callerOf(c).MaySee(order.Owner) {
		return nil
	}
	noteRefusal(c)
	return shop.NoOrder(order.ID)
}

// mayCancel returns what decides whether the caller may cancel an order; without accounts everybody may. It notes that
// there is nothing to cancel any more.
func (a *API) mayCancel(c *fiber.Ctx) func(shop.Order) error {
	caller := callerOf(c)
	return func(order shop.Order) error {
		switch {
		case a.accounts != nil && !caller.MaySee(order.Owner):
			noteRefusal(c)
			return shop.NoOrder(order.ID)
		case order.Status == shop.Cancelled:
			noteUnchanged(c)
		}
		return nil
	}
}
