package httpapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/fibercache"
	"github.com/woodytoys/woodytoys/internal/oneline"
)

const (
	pageDefault = 20
	pageMax     = 100
)

// productPage is one page of the list, newest first.
type productPage struct {
	Products []shop.Product `json:"products"`
	// Next is the address of the next page; absent on the last one.
	Next string `json:"next,omitempty"`
}

// handleProducts lists; with `product` in the query it adds, as the lab's call does. HEAD never
// writes: it has the list's header.
func (a *API) handleProducts(c *fiber.Ctx) error {
	if addsProduct(c) {
		return a.handleProductAdd(c)
	}
	limit, after, err := pageOf(c)
	if err != nil {
		return err
	}
	// One more than asked for shows whether there is a next page.
	products, err := a.shop.Products(reading(c), after, limit+1)
	if err != nil {
		return err
	}
	page := productPage{Products: products}
	fibercache.Tag(c, shop.PageTags(after, limit, products)...)
	if len(products) > limit {
		page.Products = products[:limit]
		page.Next = fmt.Sprintf("/api/products?after=%d&limit=%d", products[limit-1].ID, limit)
		c.Set(fiber.HeaderLink, "<"+page.Next+`>; rel="next"`)
	}
	if wants(c) == text {
		return sendRead(c, textAnswer(0, page.text()))
	}
	answer, err := jsonAnswer(0, page)
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}

// addsProduct reports whether a request is the lab's call that adds a product, not one that lists them.
func addsProduct(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && c.Context().QueryArgs().Has("product")
}

// text returns a line for each product: its id, a space, its name.
func (p productPage) text() []byte {
	var lines []byte
	for _, product := range p.Products {
		lines = append(strconv.AppendInt(lines, product.ID, 10), ' ')
		lines = append(append(lines, productText(product)...), '\n')
	}
	return lines
}

func pageOf(c *fiber.Ctx) (limit int, after int64, err error) {
	if limit, err = limitOf(c, pageMax); err != nil {
		return 0, 0, err
	}
	if value := c.Query("after"); value != "" {
		if after, err = strconv.ParseInt(value, 10, 64); err != nil || after < 1 {
			return 0, 0, &httpError{fiber.StatusBadRequest,
				"after must be the id of the last product of the page before."}
		}
	}
	return limit, after, nil
}

// limitOf returns how many the caller wants on a page.
func limitOf(c *fiber.Ctx, most int) (int, error) {
	value := c.Query("limit")
	if value == "" {
		return pageDefault, nil
	}
	limit, err := strconv.Atoi(value)
	if err != nil || limit < 1 || limit > most {
		return 0, &httpError{fiber.StatusBadRequest, fmt.Sprintf("limit must be a whole number from 1 to %d.", most)}
	}
	return limit, nil
}

// handleProductAdd adds a product as the lab's program does: by a GET, whose answer is the name. Where the query has a
// stock or a price too, so has the answer.
func (a *API) handleProductAdd(c *fiber.Ctx) error {
	name, err := shop.CleanName(strings.Clone(c.Query("product")))
	if err != nil {
		return err
	}
	terms, err := queriedTerms(c)
	if err != nil {
		return err
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	product, err := a.shop.AddProduct(writing(c), shop.Goods{Name: name, Terms: terms})
	if err != nil {
		return err
	}
	noteMade(c, productAddress(product.ID))
	return sendProduct(c, fiber.StatusOK, product)
}

// queriedTerms reads stock, price and currency in a query.
func queriedTerms(c *fiber.Ctx) (terms shop.Terms, err error) {
	query := c.Context().QueryArgs()
	if query.Has("stock") {
		left, err := strconv.ParseInt(c.Query("stock"), 10, 64)
		if err != nil {
			left = -1 // which CheckTerms refuses
		}
		terms.Stock = shop.InStock(left)
	}
	if query.Has("price") || query.Has("currency") {
		amount, err := strconv.ParseInt(c.Query("price"), 10, 64)
		if err != nil {
			amount = -1
		}
		terms.Price = shop.Price{Amount: amount, Currency: strings.Clone(c.Query("currency"))}
	}
	return terms, shop.CheckTerms(terms)
}

func (a *API) handleProductCreate(c *fiber.Ctx) error {
	goods, err := readGoods(c)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	if err := writeConditions(c, theList); err != nil {
		return err
	}
	var product shop.Product
	if key != "" {
		product, err = a.shop.AddProductOnce(owning(c), goods, key)
	} else {
		product, err = a.shop.AddProduct(writing(c), goods)
	}
	if err != nil {
		return err
	}
	setLocation(c, productAddress(product.ID))
	return sendProduct(c, fiber.StatusCreated, product)
}

func productAddress(id int64) string { return "/api/products/" + strconv.FormatInt(id, 10) }

func (a *API) handleProductLast(c *fiber.Ctx) error {
	ctx := reading(c)
	if a.caches && !fibercache.IsFill(c) {
		ctx = shop.Apart(ctx)
	}
	last, err := a.shop.Last(ctx)
	if err != nil {
		return err
	}
	fibercache.Tag(c, shop.LastTags(last)...)
	if wants(c) == text {
		return sendRead(c, textAnswer(0, lastText(last)))
	}
	answer, err := jsonAnswer(0, struct {
		ReadAt string        `json:"read_at"`
		Count  int64         `json:"count"`
		Last   *shop.Product `json:"last"`
	}{jsonTime(last.At), last.Count, last.Product})
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}

func lastText(last shop.Last) []byte {
	line := appendLabTime([]byte("database: "), last.At)
	line = strconv.AppendInt(append(line, " - "...), last.Count, 10)
	line = append(line, " products (last="...)
	if last.Product != nil {
		line = append(line, oneline.Escape(last.Product.Name)...)
	}
	return append(line, ')')
}

func (a *API) handleProduct(c *fiber.Ctx) error {
	product, err := a.shop.Product(reading(c), productID(c))
	if err != nil {
		return err
	}
	answer, err := productIn(wants(c), product)
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}

// handleProductPut gives a product a name, and a stock and a price where the body has them. One that it does not have
// stays: who only knows of names must not make a counted product unlimited.
func (a *API) handleProductPut(c *fiber.Ctx) error { return a.changeProduct(c, true, jsonType) }

// handleProductPatch changes what the body has (RFC 7396).
func (a *API) handleProductPatch(c *fiber.Ctx) error {
	return a.changeProduct(c, false, mergePatch, jsonType)
}

func (a *API) changeProduct(c *fiber.Ctx, needsName bool, types ...string) error {
	change, err := readChange(c, needsName, types...)
	if err != nil {
		return err
	}
	product, err := a.shop.ChangeProduct(writing(c), productID(c), change, productConditions(c))
	if err != nil {
		return err
	}
	return sendProduct(c, fiber.StatusOK, product)
}

func (a *API) handleProductDelete(c *fiber.Ctx) error {
	if err := a.shop.DeleteProduct(writing(c), productID(c), productConditions(c)); err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Status(fiber.StatusNoContent)
	return nil
}

// checkProductID is the middleware before all that has a product's id in its path: nothing is at another spelling of
// one, such as 07 or +7. A product has one address, which the cache keeps it under and the audit names it by.
func checkProductID(c *fiber.Ctx) error {
	asked := c.Params("id")
	if len(asked) > maxIDLen || string(strconv.AppendInt(make([]byte, 0, maxIDLen), productID(c), 10)) != asked {
		return &shop.Error{Kind: shop.NotFound,
			Detail: "There is no such product. A product's id is a whole number without zeros before it, such as 7."}
	}
	return c.Next()
}

// maxIDLen is the length of the longest id, -9223372036854775808.
const maxIDLen = 20

// productID returns the id in the path. The route takes whole numbers only, so there is one.
func productID(c *fiber.Ctx) int64 {
	id, _ := strconv.ParseInt(c.Params("id"), 10, 64)
	return id
}

func productIn(f format, product shop.Product) (answer, error) {
	if f == text {
		return textAnswer(product.Version, productText(product)), nil
	}
	return jsonAnswer(product.Version, product)
}

// productText returns a product in a line: its name, and what is known of its stock and price, such as
// "Yoyo (stock=12, price=19.99 EUR)".
func productText(p shop.Product) []byte {
	line := []byte(oneline.Escape(p.Name))
	var terms []string
	if p.Stock.Limited {
		terms = append(terms, "stock="+strconv.FormatInt(p.Stock.Left, 10))
	}
	if price := p.Price.String(); price != "" {
		terms = append(terms, "price="+oneline.Escape(price))
	}
	if len(terms) == 0 {
		return line
	}
	return append(line, " ("+strings.Join(terms, ", ")+")"...)
}

func sendProduct(c *fiber.Ctx, status int, product shop.Product) error {
	answer, err := productIn(wants(c), product)
	if err != nil {
		return err
	}
	answer.status = status
	return sendWrite(c, answer)
}
