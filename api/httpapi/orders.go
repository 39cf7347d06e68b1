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
	order, err := a.shop.OrderAnything(shop.ComingFrom(owning(c), originOf(c)), product)
	if err != nil {
		return err
	}
	noteMade(c, orderAddress(order.ID))
	return sendOrder(c, fiber.StatusOK, order)
}

func (a *API) handleOrderCreate(c *fiber.Ctx) error {
	name, items, err := readOrder(c)
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
	ctx := shop.ComingFrom(owning(c), originOf(c))
	var order shop.Order
	if items != nil {
		order, err = a.shop.OrderItems(ctx, items, key)
	} else {
		order, err = a.shop.OrderProduct(ctx, name, key)
	}
	if err != nil {
		return err
	}
	setLocation(c, orderAddress(order.ID))
	return sendOrder(c, fiber.StatusAccepted, order)
}

func orderAddress(id string) string { return "/api/orders/" + id }

// handleOrderCancel ends a pending order, and sends it as it is then. A second time it is the same.
func (a *API) handleOrderCancel(c *fiber.Ctx) error {
	id, err := shop.CleanOrderID(strings.Clone(c.Params("id")))
	if err != nil {
		return &shop.Error{Kind: shop.NotFound, Detail: "There is no such order. " + err.Error()}
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	order, err := a.shop.CancelOrder(writing(c), id, a.mayCancel(c))
	if err != nil {
		return err
	}
	if wants(c) == text {
		return sendWrite(c, textAnswer(0, orderStatusText(order)))
	}
	answer, err := orderInJSON(order)
	answer.version = 0
	if err != nil {
		return err
	}
	return sendWrite(c, answer)
}

// orderInJSON returns an order with what it costs.
func orderInJSON(order shop.Order) (answer, error) {
	return jsonAnswer(order.Version, struct {
		shop.Order
		Total shop.Price `json:"total,omitzero"`
	}{order, order.Total()})
}

// orderStatusText returns the lab's line.
func orderStatusText(order shop.Order) []byte {
	return []byte(`commande "` + order.ID + `": ` + oneline.Escape(string(order.Status)))
}

func sendOrder(c *fiber.Ctx, status int, order shop.Order) error {
	if wants(c) == text {
		line := "Commande " + order.ID + " créée pour le produit : " + oneline.Escape(order.Product)
		return sendWrite(c, answer{status: status, contentType: textType, body: []byte(line)})
	}
	answer, err := orderInJSON(order)
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
		c.Path(orderAddress(id))
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
	if err := a.ownOrder(c, order); err != nil {
		return err
	}
	if wants(c) == text {
		return sendRead(c, textAnswer(order.Version, orderStatusText(order)))
	}
	answer, err := orderInJSON(order)
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}
