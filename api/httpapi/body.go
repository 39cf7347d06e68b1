package httpapi

import (
	"mime"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
)

// readBody reads a JSON request body of one of the media types into a struct. It is strict where encoding/json is not:
// invalid UTF-8, members twice, members in another case and members that nobody asked for are refused. wanted says what
// was asked for, to one who sent something else.
func readBody(c *fiber.Ctx, into any, wanted string, types ...string) error {
	media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || !slices.Contains(types, media) {
		return &httpError{fiber.StatusUnsupportedMediaType, "Send the body as " + types[0] + " (Content-Type)."}
	}
	// the raw bytes: fiber's Body would decompress them
	if err := json.Unmarshal(c.Request().Body(), into, json.RejectUnknownMembers(true)); err != nil {
		return &httpError{fiber.StatusBadRequest, wanted}
	}
	return nil
}

// productBody is the body of a write to a product. A member that is not there leaves what was; null takes it away.
type productBody struct {
	Name  *string        `json:"name"`
	Stock jsontext.Value `json:"stock"`
	Price jsontext.Value `json:"price"`
}

const (
	wantedProduct = `Send a JSON object in UTF-8 with the member "name", a string, and, where the product is counted ` +
		`or priced, "stock", a whole number, and "price", such as {"amount":1999,"currency":"EUR"}.`
	wantedChange = `Send a JSON object in UTF-8 with some of the members "name", a string, "stock", a whole number ` +
		`or null, and "price", such as {"amount":1999,"currency":"EUR"} or null.`
)

// mergePatch is the media type of a change (RFC 7396).
const mergePatch = "application/merge-patch+json"

// readChange reads a change of a product, or a product. needsName is whether it must have a name.
func readChange(c *fiber.Ctx, needsName bool, types ...string) (change shop.Change, err error) {
	wanted := wantedChange
	if needsName {
		wanted = wantedProduct
	}
	refused := &httpError{fiber.StatusBadRequest, wanted}
	var body productBody
	if err := readBody(c, &body, wanted, types...); err != nil {
		return change, err
	}
	if body.Name == nil && (needsName || body.Stock == nil && body.Price == nil) {
		return change, refused
	}
	if body.Name != nil {
		// An empty name is no change: it is refused here as shop.CleanName would.
		if change.Name, err = shop.CleanName(*body.Name); err != nil {
			return change, err
		}
	}
	if body.Stock != nil {
		change.Stock = &shop.Stock{}
		if left := new(int64); body.Stock.Kind() != 'n' {
			if json.Unmarshal(body.Stock, left) != nil {
				return change, refused
			}
			*change.Stock = shop.InStock(*left)
		}
	}
	if body.Price != nil {
		change.Price = &shop.Price{}
		if body.Price.Kind() != 'n' {
			if *change.Price, err = priceOf(body.Price); err != nil {
				return change, refused
			}
		}
	}
	return change, nil
}

// priceOf reads a price, of which both members must be there.
func priceOf(text []byte) (shop.Price, error) {
	var price struct {
		Amount   *int64  `json:"amount"`
		Currency *string `json:"currency"`
	}
	if err := json.Unmarshal(text, &price, json.RejectUnknownMembers(true)); err != nil {
		return shop.Price{}, err
	}
	if price.Amount == nil || price.Currency == nil {
		return shop.Price{}, errNoPrice
	}
	p := shop.Price{Amount: *price.Amount, Currency: *price.Currency}
	if p == (shop.Price{}) { // which would be none
		return p, errNoPrice
	}
	return p, nil
}

var errNoPrice = &httpError{fiber.StatusBadRequest, "a price has an amount and a currency"}

// readGoods reads a new product.
func readGoods(c *fiber.Ctx) (shop.Goods, error) {
	change, err := readChange(c, true, jsonType)
	goods := shop.Goods{Name: change.Name}
	if change.Stock != nil {
		goods.Stock = *change.Stock
	}
	if change.Price != nil {
		goods.Price = *change.Price
	}
	return goods, err
}

const wantedOrder = `Send a JSON object in UTF-8 with the one member "product", the name of a product, or "items", ` +
	`such as [{"product":7,"quantity":2}], by the products' ids.`

// readOrder reads what is ordered: one of a product by its name, or items.
func readOrder(c *fiber.Ctx) (name string, items []shop.Item, err error) {
	refused := &httpError{fiber.StatusBadRequest, wantedOrder}
	var body struct {
		Product *string `json:"product"`
		Items   *[]struct {
			Product  *int64 `json:"product"`
			Quantity *int64 `json:"quantity"`
		} `json:"items"`
	}
	if err := readBody(c, &body, wantedOrder, jsonType); err != nil {
		return "", nil, err
	}
	if (body.Product == nil) == (body.Items == nil) {
		return "", nil, refused
	}
	if body.Product != nil {
		return *body.Product, nil, nil
	}
	items = []shop.Item{}
	for _, item := range *body.Items {
		if item.Product == nil || item.Quantity == nil {
			return "", nil, refused
		}
		items = append(items, shop.Item{Product: *item.Product, Quantity: *item.Quantity})
	}
	return "", items, nil
}
