package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/httpapi"
)

// dump returns all of an answer that says something about what was asked for, with the id that was asked for out of it.
func (r reply) dump(id string) string {
	lines := []string{fmt.Sprint(r.status)}
	for name, values := range r.header {
		switch name {
		case "Date", "X-Request-Id": // of each answer
		case "Server-Timing": // how long it took: who else had a say is seen
			for _, value := range values {
				before, _, _ := strings.Cut(value, "app;dur=")
				lines = append(lines, name+": "+before)
			}
		default:
			lines = append(lines, name+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(lines)
	return strings.ReplaceAll(strings.Join(lines, "\n")+"\n\n"+r.body, id, "ID")
}

// orderOf orders a yoyo for somebody, and returns the order's id.
func (s *secureShop) orderOf(name string) string {
	s.t.Helper()
	got := s.post("/api/orders", `{"product":"Yoyo"}`, s.as(name))
	got.wantStatus(s.t, 202)
	return strings.TrimPrefix(got.header.Get("Location"), "/api/orders/")
}

// orderReads are the ways to ask for an order, by its id.
var orderReads = []struct {
	method, path string
	fields       []string
}{
	{"GET", "/api/orders/%s", nil},
	{"GET", "/api/orders/?order_id=%s", nil},
	{"GET", "/api/orders/%s", []string{"Accept: application/json"}},
	{"GET", "/api/orders/?order_id=%s", []string{"Accept: application/json"}},
	{"HEAD", "/api/orders/%s", nil},
	{"GET", "/api/orders/%s", []string{"If-None-Match: *"}},
	{"GET", "/api/orders/%s", []string{`If-Match: "v1"`}},
	{"GET", "/api/orders/%s", []string{"Prefer: read=primary"}},
	{"POST", "/api/orders/%s/cancel", nil},
	{"POST", "/api/orders/%s/cancel", []string{"Accept: application/json"}},
}

func withoutCache(cfg *httpapi.Config) { cfg.Cache = nil }

// TestAnothersOrderDoesNotExist asks in each way for an order of ann's, near and not, as bob and a clerk: each answer
// is byte for byte that to an order which nobody placed.
func TestAnothersOrderDoesNotExist(t *testing.T) {
	for name, s := range map[string]*secureShop{
		"cached": mustServeAccounts(t), "uncached": mustServeAccounts(t, withoutCache),
	} {
		order := s.orderOf("ann")
		for _, near := range []bool{false, true} {
			for _, read := range orderReads {
				for _, who := range []string{"bob", "carl"} {
					ask := func(id string) string {
						path := fmt.Sprintf(read.path, id)
						fields := append(slices.Clone(read.fields), s.as(who))
						return s.call(read.method, path, "", fields...).dump(id)
					}
					got, want := ask(order), ask(uuid.NewString())
					if got != want || !strings.HasPrefix(got, "404\n") {
						t.Errorf("%s, near %v: %v by %s\n%s\nwant\n%s", name, near, read, who, got, want)
					}
					if near {
						continue
					}
					s.get("/api/orders/"+order, s.as("ann")).wantStatus(t, 200) // it is near from now on
				}
			}
			for _, who := range []string{"ann", "admin"} {
				got := s.get("/api/orders/?order_id="+order, s.as(who))
				if got.status != 200 || !strings.HasPrefix(got.body, `commande "`+order+`": `) {
					t.Errorf("%s: %s got %d %q", name, who, got.status, got.body)
				}
				etag := s.get("/api/orders/"+order, s.as(who)).header.Get("ETag")
				if got := s.get("/api/orders/"+order, s.as(who), "If-None-Match: "+etag); got.status == 200 {
					if again := s.get("/api/orders/"+order, s.as(who)).header.Get("ETag"); again == etag {
						t.Errorf("%s: %s got %d for an ETag that holds", name, who, got.status)
					}
				}
			}
		}
		s.call("POST", "/api/orders/"+order+"/cancel", "", s.as("bob")).wantStatus(t, 404)
		if got := s.get("/api/orders/"+order, s.as("ann")); strings.Contains(got.body, "Cancelled") {
			t.Errorf("%s: bob has cancelled ann's order", name)
		}
	}
}

// TestKeysAreAnAccountsOwn checks that an idempotency key belongs to one account: its repeated request gets the same
// resource, another account's gets a new one, and a different body under the same key is refused to that account only.
func TestKeysAreAnAccountsOwn(t *testing.T) {
	s := mustServeAccounts(t)
	for _, row := range []struct {
		path, body, one, other string
		status                 int
	}{
		{"/api/orders", `{"product":"Yoyo"}`, "ann", "bob", 202},
		{"/api/orders", `{"items":[{"product":1,"quantity":1}]}`, "ann", "bob", 202},
		{"/api/products", `{"name":"Robot"}`, "carl", "admin", 201},
	} {
		for _, key := range []string{"k" + row.body, strings.Repeat("long", 50) + row.body} {
			order := func(who string) string {
				got := s.post(row.path, row.body, s.as(who), "Idempotency-Key: "+key)
				got.wantStatus(t, row.status)
				return got.header.Get("Location")
			}
			first, again, others := order(row.one), order(row.one), order(row.other)
			if first != again || first == others || first == "" || others == "" {
				t.Errorf("%s %s: %q, again %q, another's %q", row.path, row.body, first, again, others)
			}
		}
		key := "one" + row.path + row.body
		s.post(row.path, row.body, s.as(row.one), "Idempotency-Key: "+key).wantStatus(t, row.status)
		other := strings.NewReplacer("Yoyo", "Joli train", `"quantity":1`, `"quantity":2`, "Robot", "Ball")
		changed := other.Replace(row.body)
		s.post(row.path, changed, s.as(row.one), "Idempotency-Key: "+key).wantStatus(t, 422)
		s.post(row.path, changed, s.as(row.other), "Idempotency-Key: "+key).wantStatus(t, row.status)
	}
}

// TestOrdersOfPairs makes two customers, a clerk and an administrator place, read and cancel orders of each other's at
// once, so that they join each other's fills. It checks that only the owner and the administrator see an order, and
// that everybody else gets the response for an order that does not exist.
func TestOrdersOfPairs(t *testing.T) {
	const calls = 1500
	s := mustServeAccounts(t)
	people := []string{"ann", "bob", "carl", "admin"}
	fields := map[string]string{}
	for _, who := range people {
		fields[who] = s.as(who)
	}
	type placed struct{ id, owner string }
	var mu sync.Mutex
	var orders []placed
	for _, who := range people {
		orders = append(orders, placed{s.orderOf(who), who})
	}
	absent := map[string]string{} // by how it was asked for, and by whom
	asked := func(i int, who string) string { return fmt.Sprint(i, " ", who) }
	for i, read := range orderReads {
		for _, who := range people {
			id := uuid.NewString()
			path := fmt.Sprintf(read.path, id)
			got := s.call(read.method, path, "", append(slices.Clone(read.fields), fields[who])...)
			absent[asked(i, who)] = got.dump(id)
		}
	}
	var done, refused, seen atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for done.Add(1) <= calls && !t.Failed() {
				who := people[rand.IntN(len(people))]
				mu.Lock()
				order := orders[max(0, len(orders)-1-rand.IntN(6))] // a new one, as a rule, that others ask for too
				mu.Unlock()
				if rand.IntN(12) == 0 {
					id := s.orderOf(who)
					mu.Lock()
					orders = append(orders, placed{id, who})
					mu.Unlock()
					continue
				}
				if rand.IntN(12) == 0 {
					s.get("/api/orders/"+order.id).wantStatus(t, http.StatusUnauthorized)
					continue
				}
				i := rand.IntN(len(orderReads))
				if read := orderReads[i]; read.method == "POST" && rand.IntN(4) > 0 {
					i = 0
				}
				read := orderReads[i]
				path := fmt.Sprintf(read.path, order.id)
				got := s.call(read.method, path, "", append(slices.Clone(read.fields), fields[who])...)
				if who == order.owner || who == "admin" {
					seen.Add(1)
					if got.status == http.StatusNotFound || got.status >= 500 {
						t.Errorf("%s got %d for an order of %s", who, got.status, order.owner)
					}
					continue
				}
				refused.Add(1)
				if dump, want := got.dump(order.id), absent[asked(i, who)]; dump != want {
					t.Errorf("%s asked for an order of %s by %v:\n%s\nwant\n%s", who, order.owner, read, dump, want)
				}
			}
		})
	}
	all.Wait()
	if refused.Load() == 0 || seen.Load() == 0 {
		t.Errorf("%d were refused and %d seen: something did not come about", refused.Load(), seen.Load())
	}
}

// TestOrdersFromBeforeAccounts checks that administrators can read orders without an owner, placed before there were
// accounts, and that customers cannot.
func TestOrdersFromBeforeAccounts(t *testing.T) {
	s := mustServeAccounts(t)
	order, err := s.shop.OrderAnything(t.Context(), "Yoyo")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.get("/api/orders/"+order.ID, s.as("ann")).wantStatus(t, 404)
		s.get("/api/orders/"+order.ID, s.as("admin")).wantStatus(t, 200)
	}
}
