package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
	"github.com/woodytoys/woodytoys/internal/oneline"
)

// handleOrderDo places an order as the lab's program does: by a GET, for any product name.
func (a *API) handleOrderDo(c *fiber.Ctx) error {
	product, err := shop.CleanName(strings.Clone(c.Query("order")))
	if err != nil {
		return err
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	order, err := a.shop.OrderAnything(shop.ComingFrom(writing(c), originOf(c)), product)
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
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	order, err := a.shop.OrderProduct(shop.ComingFrom(writing(c), originOf(c)), product, key)
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
	answer.status, answer.version = status, 0 // an order cannot be changed, so it has no version
	return sendWrite(c, answer)
}

// cleanOrderStatus is the middleware before the lab's order status and its cache: it refuses what is no
// order's id, and has all spellings of one be the same request.
func (a *API) cleanOrderStatus(c *fiber.Ctx) error {
	asked := c.Query("order_id")
	if asked == "" {
		return &httpError{fiber.StatusBadRequest, "order_id is missing: ask for /api/orders/?order_id=UUID."}
	}
	id, err := shop.CleanOrderID(asked)
	if err != nil {
		return err
	}
	if id != asked {
		c.Context().QueryArgs().Set("order_id", id)
	}
	return c.Next()
}

// cleanOrder is like cleanLabOrder, for REST, where an id that is none is an address at which nothing can be. The route
// takes UUIDs only, but in all the forms that have been thought of.
func (a *API) cleanOrder(c *fiber.Ctx) error {
	asked := c.Params("id")
	id, err := shop.CleanOrderID(asked)
	if err != nil {
		return &shop.Error{Kind: shop.NotFound, Detail: "There is no such order. " + err.Error()}
	}
	if id != asked {
		c.Path("/api/orders/" + id)
	}
	return c.Next()
}

// handleOrderStatus sends an order's status, as the lab's program does.
func (a *API) handleOrderStatus(c *fiber.Ctx) error { return a.sendOrderStatus(c, c.Query("order_id")) }

func (a *API) handleOrder(c *fiber.Ctx) error { return a.sendOrderStatus(c, c.Params("id")) }

// sendOrderStatus sends one order's status. The response is cached under the order that was found, or that was not:
// never under what was asked.
func (a *API) sendOrderStatus(c *fiber.Ctx, asked string) error {
	id, err := shop.CleanOrderID(strings.Clone(asked))
	if err != nil {
		return err
	}
	order, err := a.shop.Order(reading(c), id)
	if err != nil {
		fibercache.Tag(c, shop.OrderTag(id))
		return err
	}
	fibercache.Tag(c, shop.OrderTag(order.ID))
	if wants(c) == text {
		line := `commande "` + order.ID + `": ` + oneline.Escape(string(order.Status))
		return sendRead(c, textAnswer(order.Version, []byte(line)))
	}
	answer, err := jsonAnswer(order.Version, order)
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}
