package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/internal/oneline"
)

// handleOrderDo is the lab's way to order: a GET, of any product name.
func (a *API) handleOrderDo(c *fiber.Ctx) error {
	order, err := a.shop.OrderAnything(a.ctx, strings.Clone(c.Query("order")))
	if err != nil {
		return err
	}
	return sendOrder(c, fiber.StatusOK, order)
}

func (a *API) handleOrderCreate(c *fiber.Ctx) error {
	product, err := bodyString(c, "product")
	if err != nil {
		return err
	}
	order, err := a.shop.OrderProduct(a.ctx, product, strings.Clone(c.Get("Idempotency-Key")))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/orders/"+order.ID)
	return sendOrder(c, fiber.StatusAccepted, order)
}

func sendOrder(c *fiber.Ctx, status int, order shop.Order) error {
	if wants(c) == text {
		line := "Commande " + order.ID + " créée pour le produit : " + oneline.Escape(order.Product)
		return sendWrite(c, answer{status: status, contentType: textType, body: []byte(line)})
	}
	answer, err := jsonAnswer(order.Version, order)
	if err != nil {
		return err
	}
	answer.status, answer.version = status, 0 // there is nothing to write to an order
	return sendWrite(c, answer)
}

// handleOrderStatus is the lab's way to ask for an order.
func (a *API) handleOrderStatus(c *fiber.Ctx) error {
	id := strings.Clone(c.Query("order_id"))
	if id == "" {
		return &httpError{fiber.StatusBadRequest, "order_id is missing: ask for /api/orders/?order_id=UUID."}
	}
	return a.sendOrderStatus(c, id)
}

func (a *API) handleOrder(c *fiber.Ctx) error {
	return a.sendOrderStatus(c, strings.ToLower(c.Params("id")))
}

func (a *API) sendOrderStatus(c *fiber.Ctx, id string) error {
	order, err := a.shop.Order(a.ctx, id)
	if err != nil {
		return err
	}
	if wants(c) == text {
		return sendRead(c, textAnswer(order.Version, []byte(`commande "`+order.ID+`": `+oneline.Escape(string(order.Status)))))
	}
	answer, err := jsonAnswer(order.Version, order)
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}
