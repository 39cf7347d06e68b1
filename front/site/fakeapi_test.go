package site_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/front/site"
)

// fakeAPI serves the shop's calls from memory, in the words and with the headers of the real one. Orders are pending
// when they are made and succeed at the second look.
type fakeAPI struct {
	mu     sync.Mutex
	toys   []site.Toy // newest first
	carved map[string]string
	orders map[string]*fakeOrder

	unchanged int // answers without a body, to who has the toy already

	gate    chan struct{} // while it is not nil and open, the time is not served
	counter chan struct{} // while it is not nil and open, no order is taken

	keys map[string]string // of orders, by the idempotency key that each came with
	lost int               // so many orders are taken, and the answer is lost
	busy int               // so many after those are refused, since there are too many
	ill  int               // so many looks at an order fail
}

type fakeOrder struct {
	product string
	looks   int
}

func newFakeAPI(names ...string) *fakeAPI {
	f := &fakeAPI{carved: map[string]string{}, orders: map[string]*fakeOrder{}, keys: map[string]string{}}
	for _, name := range names {
		f.add(name)
	}
	return f
}

func (f *fakeAPI) list(context.Context) ([]site.Toy, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]site.Toy(nil), f.toys...), nil
}

func (f *fakeAPI) add(name string) site.Toy {
	f.mu.Lock()
	defer f.mu.Unlock()
	toy := site.Toy{ID: int64(len(f.toys) + 1), Name: strings.Clone(name), Version: 1}
	f.toys = append([]site.Toy{toy}, f.toys...)
	return toy
}

// count has so many of a toy be left.
func (f *fakeAPI) count(id, left int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.toys {
		if toy := &f.toys[i]; toy.ID == id {
			toy.Counted, toy.Left, toy.Version = true, left, toy.Version+1
		}
	}
}

// sentUnchanged returns how many responses had no body, since the page had the toy already.
func (f *fakeAPI) sentUnchanged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unchanged
}

func (f *fakeAPI) handleProduct(c *fiber.Ctx) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, toy := range f.toys {
		if c.Params("id") != strconv.FormatInt(toy.ID, 10) {
			continue
		}
		tag := fmt.Sprintf(`"v%d"`, toy.Version)
		c.Set("ETag", tag)
		if c.Get("If-None-Match") == tag {
			f.unchanged++
			return c.SendStatus(fiber.StatusNotModified)
		}
		return c.JSON(fiber.Map{"id": toy.ID, "name": toy.Name, "version": toy.Version, "stock": toy.Left})
	}
	return problem(c, fiber.StatusNotFound, "There is no such product.")
}

func (f *fakeAPI) register(app *fiber.App) {
	api := app.Group("/api", f.sign)
	api.Get("/misc/time", f.handleTime)
	api.Get("/misc/heavy", f.handleHeavy)
	api.Get("/products/last", f.handleLast)
	api.Get("/products", f.handleAddByGet)
	api.Get("/products/:id<int>", f.handleProduct)
	api.Post("/products", f.handleAdd)
	api.Post("/orders", f.handleOrder)
	api.Get("/orders/", f.handleOrderText)
	api.Get("/orders/:id", f.handleOrderJSON)
}

func (f *fakeAPI) sign(c *fiber.Ctx) error {
	c.Set("X-Served-By", "api-7")
	c.Set("Server-Timing", `total;dur=1.5`)
	return c.Next()
}

func problem(c *fiber.Ctx, status int, detail string) error {
	if strings.Contains(c.Get("Accept"), "json") {
		return c.Status(status).JSON(fiber.Map{"status": status, "title": "Refused", "detail": detail},
			"application/problem+json")
	}
	return c.Status(status).SendString(detail + "\n")
}

func now() string { return time.Now().UTC().Format("2006-01-02 15:04:05.000000") }

func (f *fakeAPI) handleTime(c *fiber.Ctx) error {
	if f.gate != nil {
		<-f.gate
	}
	return c.SendString("timestamp: " + now())
}

func (f *fakeAPI) handleHeavy(c *fiber.Ctx) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.Clone(c.Query("name"))
	if _, known := f.carved[name]; known {
		c.Set("Cache-Status", "near; hit; ttl=29")
	} else {
		c.Set("Cache-Status", "near; fwd=miss, redis; fwd=miss; stored")
		f.carved[name] = fmt.Sprintf("%s: Woody -%s- Woody", now(), name)
	}
	return c.SendString(f.carved[name])
}

func (f *fakeAPI) handleLast(c *fiber.Ctx) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.Set("Cache-Status", "near; fwd=miss, redis; hit")
	return c.SendString(fmt.Sprintf("database: %s - %d products (last=%s)", now(), len(f.toys), f.toys[0].Name))
}

func (f *fakeAPI) handleAddByGet(c *fiber.Ctx) error {
	return c.SendString(f.add(c.Query("product")).Name)
}

func (f *fakeAPI) handleAdd(c *fiber.Ctx) error {
	var wish struct {
		Name string `json:"name"`
	}
	if err := c.BodyParser(&wish); err != nil || wish.Name == "" {
		return problem(c, fiber.StatusBadRequest, "A toy needs a name.")
	}
	if wish.Name == "refused" {
		return problem(c, fiber.StatusUnprocessableEntity, "No toy may be called refused.")
	}
	toy := f.add(wish.Name)
	return c.Status(fiber.StatusCreated).JSON(fiber.Map{"id": toy.ID, "name": toy.Name, "version": toy.Version})
}

func (f *fakeAPI) handleOrder(c *fiber.Ctx) error {
	var wish struct {
		Product string `json:"product"`
	}
	if err := c.BodyParser(&wish); err != nil || wish.Product == "" {
		return problem(c, fiber.StatusBadRequest, "An order needs a product.")
	}
	if f.counter != nil {
		<-f.counter
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost == 0 && f.busy > 0 {
		f.busy--
		return problem(c, fiber.StatusTooManyRequests, "You ask more often than this shop allows.")
	}
	key := strings.Clone(c.Get("Idempotency-Key"))
	id := f.keys[key]
	if key == "" || id == "" {
		id = "00000000-0000-4000-8000-" + strconv.Itoa(100_000_000_000+len(f.orders))
		f.orders[id] = &fakeOrder{product: strings.Clone(wish.Product)}
		f.keys[key] = id
	}
	if f.lost > 0 {
		f.lost--
		return problem(c, fiber.StatusBadGateway, "The replica broke off before it had answered.")
	}
	return c.Status(fiber.StatusAccepted).JSON(
		fiber.Map{"order_id": id, "product": wish.Product, "status": "Pending", "version": 1})
}

func (f *fakeAPI) isIll() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ill--
	return f.ill >= 0
}

// taken returns how many orders there are.
func (f *fakeAPI) taken() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.orders)
}

func (f *fakeAPI) look(id string) (order fakeOrder, status string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.orders[id]
	if o == nil {
		return fakeOrder{}, ""
	}
	if o.looks++; o.looks < 2 {
		return *o, "Pending"
	}
	return *o, "Success"
}

func (f *fakeAPI) handleOrderText(c *fiber.Ctx) error {
	_, status := f.look(c.Query("order_id"))
	if status == "" {
		return problem(c, fiber.StatusNotFound, "There is no such order.")
	}
	return c.SendString(fmt.Sprintf("commande %q: %s", c.Query("order_id"), status))
}

func (f *fakeAPI) handleOrderJSON(c *fiber.Ctx) error {
	if f.isIll() {
		return problem(c, fiber.StatusBadGateway, "The replica broke off before it had answered.")
	}
	order, status := f.look(c.Params("id"))
	if status == "" {
		return problem(c, fiber.StatusNotFound, "There is no such order.")
	}
	c.Set("Cache-Status", "near; fwd=miss")
	return c.JSON(
		fiber.Map{"order_id": c.Params("id"), "product": order.product, "status": status, "version": order.looks})
}
