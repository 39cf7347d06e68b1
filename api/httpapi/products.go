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
		lines = append(append(lines, oneline.Escape(product.Name)...), '\n')
	}
	return lines
}

func pageOf(c *fiber.Ctx) (limit int, after int64, err error) {
	limit = pageDefault
	if value := c.Query("limit"); value != "" {
		if limit, err = strconv.Atoi(value); err != nil || limit < 1 || limit > pageMax {
			return 0, 0, &httpError{fiber.StatusBadRequest,
				fmt.Sprintf("limit must be a whole number from 1 to %d.", pageMax)}
		}
	}
	if value := c.Query("after"); value != "" {
		if after, err = strconv.ParseInt(value, 10, 64); err != nil || after < 1 {
			return 0, 0, &httpError{fiber.StatusBadRequest,
				"after must be the id of the last product of the page before."}
		}
	}
	return limit, after, nil
}

// handleProductAdd adds a product as the lab's program does: by a GET, whose answer is the name.
func (a *API) handleProductAdd(c *fiber.Ctx) error {
	name, err := shop.CleanName(strings.Clone(c.Query("product")))
	if err != nil {
		return err
	}
	if err := writeConditions(c, nothingYet); err != nil {
		return err
	}
	product, err := a.shop.AddProduct(writing(c), name)
	if err != nil {
		return err
	}
	return sendProduct(c, fiber.StatusOK, product)
}

func (a *API) handleProductCreate(c *fiber.Ctx) error {
	name, err := bodyString(c, "name")
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
		product, err = a.shop.AddProductOnce(writing(c), name, key)
	} else {
		product, err = a.shop.AddProduct(writing(c), name)
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/products/"+strconv.FormatInt(product.ID, 10))
	return sendProduct(c, fiber.StatusCreated, product)
}

func (a *API) handleProductLast(c *fiber.Ctx) error {
	last, err := a.shop.Last(reading(c))
	if err != nil {
		return err
	}
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

func (a *API) handleProductPut(c *fiber.Ctx) error {
	name, err := bodyString(c, "name")
	if err != nil {
		return err
	}
	product, err := a.shop.RenameProduct(writing(c), productID(c), name, productConditions(c))
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

// productID returns the id in the path. The route takes whole numbers only, so there is one.
func productID(c *fiber.Ctx) int64 {
	id, _ := strconv.ParseInt(c.Params("id"), 10, 64)
	return id
}

func productIn(f format, product shop.Product) (answer, error) {
	if f == text {
		return textAnswer(product.Version, []byte(oneline.Escape(product.Name))), nil
	}
	return jsonAnswer(product.Version, product)
}

func sendProduct(c *fiber.Ctx, status int, product shop.Product) error {
	answer, err := productIn(wants(c), product)
	if err != nil {
		return err
	}
	answer.status = status
	return sendWrite(c, answer)
}
