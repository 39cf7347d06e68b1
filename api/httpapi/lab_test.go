package httpapi_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// TestLabFace sends the lab's curl lines and wants the lab's answers.
func TestLabFace(t *testing.T) {
	s := mustServe(t)
	const at = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}`
	const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	for _, call := range []struct{ path, want string }{
		{"/api/ping", `healthy`},
		{"/api/misc/time", `timestamp: ` + at},
		{"/api/misc/heavy?name=x", at + `: Woody -x- Woody`},
		{"/api/misc/heavy", at + `: Woody -- Woody`},
		{"/api/products/last", `database: ` + at + ` - 2 products \(last=Joli train\)`},
		{"/api/products?product=Robot", `Robot`},
		{"/api/products/last", `database: ` + at + ` - 3 products \(last=Robot\)`},
		{"/api/products/1", `Yoyo`},
		{"/api/orders/do?order=Yoyo", `Commande ` + uuid + ` créée pour le produit : Yoyo`},
	} {
		got := s.get(call.path)
		if got.status != http.StatusOK || !regexp.MustCompile("^"+call.want+"$").MatchString(got.body) {
			t.Errorf("GET %s = %d %q, want 200 %s", call.path, got.status, got.body, call.want)
		}
		if media := got.header.Get("Content-Type"); media != "text/plain; charset=utf-8" {
			t.Errorf("GET %s is %s, want text", call.path, media)
		}
	}
}

// TestLabOrders follows an order of a toy that exists and one of a toy that does not.
func TestLabOrders(t *testing.T) {
	s := mustServe(t)
	for product, end := range map[string]string{"Yoyo": "Success", "Nothing": "Failed"} {
		id := strings.Fields(s.get("/api/orders/do?order=" + product).body)[1]
		line := `commande "` + id + `": `
		for {
			got := s.get("/api/orders/?order_id=" + id)
			if got.body == line+"Pending" {
				time.Sleep(time.Millisecond)
				continue
			}
			got.want(t, http.StatusOK, line+end)
			break
		}
	}
}

func TestLabMistakes(t *testing.T) {
	s := mustServe(t)
	const (
		missing = "The product name is missing: give 1 to 200 characters."
		long    = "The product name has 201 characters; at most 200 are allowed."
		invalid = "The product name is not valid UTF-8."
		id      = "0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e"
	)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/api/products?product=":                            {400, missing},
		"/api/products?product=%20%09":                      {400, missing},
		"/api/products?product=" + strings.Repeat("a", 201): {400, long},
		"/api/products?product=%ff":                         {400, invalid},
		"/api/misc/heavy?name=%ff":                          {400, invalid},
		"/api/orders/do":                                    {400, missing},
		"/api/orders/": {400,
			"order_id is missing: ask for /api/orders/?order_id=UUID."},
		"/api/orders?order_id=x": {400,
			"An order's id is a UUID, such as " + id + "."},
		"/api/orders/?order_id=" + id:                                  {404, "There is no order " + id + "."},
		"/api/orders/?order_id=" + strings.ToUpper(id):                 {404, "There is no order " + id + "."},
		"/api/products/99":                                             {404, "There is no product 99."},
		"/api/products?product=" + strings.Repeat("%F0%9F%A7%B8", 200): {200, strings.Repeat("🧸", 200)},
	} {
		s.get(path).want(t, want.status, want.body)
	}
}

func TestHostileNamesComeBackUnharmed(t *testing.T) {
	s := mustServe(t)
	for _, name := range []string{"'); DROP TABLE product;--", "<script>alert(1)</script>", `"\`, "a b+c&d=e"} {
		s.get("/api/products?product="+url.QueryEscape(name)).want(t, 200, name)
		got := s.get("/api/products/last")
		if !strings.HasSuffix(got.body, "(last="+name+")") {
			t.Errorf("last = %q, want %q in it", got.body, name)
		}
	}
}

// TestHeadNeverWrites asks for the writing GETs with HEAD.
func TestHeadNeverWrites(t *testing.T) {
	s := mustServe(t)
	s.call(http.MethodHead, "/api/products?product=Robot", "").wantStatus(t, 200)
	got := s.call(http.MethodHead, "/api/orders/do?order=Yoyo", "")
	if got.status != 405 || got.header.Get("Allow") != "GET" {
		t.Errorf("HEAD of an order = %d, Allow %q; want 405, GET", got.status, got.header.Get("Allow"))
	}
	if last := s.get("/api/products/last").body; !strings.Contains(last, " - 2 products ") {
		t.Errorf("after HEADs: %s, want the first 2 products", last)
	}
	if backlog, err := s.store.Backlog(t.Context()); backlog.Pending != 0 || err != nil {
		t.Errorf("after HEADs: backlog %+v, %v; want none", backlog, err)
	}
}

// TestHeavySlotsBound fills the only slot and wants the next caller to be told when to come back.
func TestHeavySlotsBound(t *testing.T) {
	s := mustServeShop(t, shop.Config{HeavySlots: 1, HeavyDelay: time.Hour})
	if err := s.shop.HeavySlots().Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.get("/api/misc/heavy?name=x")
	got.want(t, 503, "All heavy slots of this replica are taken; try again later.")
	if after := got.header.Get("Retry-After"); after != "3600" {
		t.Errorf("Retry-After = %q, want 3600", after)
	}
}
