package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache/conditional"
)

// theAccount is the target of a write to what exists and has no entity tag, as accounts do.
var theAccount = conditional.State{}

// sendJSON sends what no cache may store.
func sendJSON(c *fiber.Ctx, status int, value any) error {
	answer, err := jsonAnswer(0, value)
	if err != nil {
		return err
	}
	answer.status = status
	return sendWrite(c, answer)
}

// sendPrivate sends what a read has found, which no cache may store.
func sendPrivate(c *fiber.Ctx, value any) error {
	if done, err := readConditions(c, nil); done || err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, value)
}

// sendNothing responds 204.
func sendNothing(c *fiber.Ctx) error {
	setKeeping(c, "no-store")
	c.Status(fiber.StatusNoContent)
	return nil
}
