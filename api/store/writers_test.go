package store_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// Two nodes of a cluster are written at once, as happens for a moment when proxies move to another one.

// atBoth calls f for each of two stores, at the same time.
func atBoth(both [2]*store.Store, f func(i int, s *store.Store)) {
	var running sync.WaitGroup
	begin := make(chan struct{})
	for i, s := range both {
		running.Go(func() {
			<-begin
			f(i, s)
		})
	}
	close(begin)
	running.Wait()
}

// testMigrationsCross migrates by two replicas at two nodes at once, in an empty database and in one with the lab's
// tables. It checks that none fails, and that all is there once.
func testMigrationsCross(t *testing.T, c *cluster) {
	for round := range 4 {
		dsns := c.mustMakeDatabase(t)
		if round%2 == 1 {
			mustExec(t, store.Config{DSN: dsns[0]},
				"CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) UNIQUE)",
				"CREATE TABLE `order` (order_id VARCHAR(255), status TEXT, product VARCHAR(100))",
				"INSERT INTO product (name) VALUES ('Yoyo'), ('Joli train')",
				"INSERT INTO `order` VALUES ('x', NULL, 'Yoyo')")
			c.mustCatchUp(t, c.Nodes[1])
		}
		var both [2]*store.Store
		for i := range both {
			s, err := store.Open(store.Config{DSN: dsns[i]})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			both[i] = s
		}
		atBoth(both, func(i int, s *store.Store) {
			if err := s.Migrate(t.Context()); err != nil {
				t.Errorf("node %d: %v", i+1, err)
			}
		})
		for i, s := range both {
			page, err := s.Products(t.Context(), 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) != 2 || page[0].Name != "Joli train" || page[1].Name != "Yoyo" {
				t.Errorf("node %d has %v, want the first toys once", i+1, page)
			}
			if last := mustLast(t, s); last.Count != 2 {
				t.Errorf("node %d counts %d products, want 2", i+1, last.Count)
			}
		}
		if n := mustNumber(t, dsns[2], "SELECT COUNT(*) FROM woody_schema"); n != int64(len(store.MySQLMigrations)) {
			t.Errorf("%d steps are noted, want %d", n, len(store.MySQLMigrations))
		}
	}
}

// testAdditionsCross adds products at two nodes at once, and checks that each is there once, and counted.
func testAdditionsCross(t *testing.T, c *cluster) {
	both, dsns := c.mustOpenTwo(t)
	const each, callers = 25, 3
	var mu sync.Mutex
	added := map[int64]string{}
	atBoth(both, func(i int, s *store.Store) {
		var running sync.WaitGroup
		for caller := range callers {
			running.Go(func() {
				for n := range each {
					name := fmt.Sprint("Robot ", i, caller, n)
					p, err := s.AddProduct(t.Context(), name)
					for shop.KindOf(err) == shop.Busy { // it lost each time: nothing has happened
						p, err = s.AddProduct(t.Context(), name)
					}
					mu.Lock()
					if other, twice := added[p.ID]; err != nil || twice {
						t.Errorf("added %s as %d, which %q has: %v", name, p.ID, other, err)
					}
					added[p.ID] = name
					mu.Unlock()
				}
			})
		}
		running.Wait()
	})
	const want = 2 + 2*each*callers
	newest := int64(0)
	for id := range added {
		newest = max(newest, id)
	}
	for i, s := range both {
		last := mustLast(t, s)
		if last.Count != want || last.Product == nil || last.Product.ID != newest ||
			last.Product.Name != added[newest] {
			t.Errorf("node %d has %d products up to %v; want %d up to %d, %s",
				i+1, last.Count, last.Product, want, newest, added[newest])
		}
	}
	if n := mustNumber(t, dsns[2], "SELECT COUNT(*) FROM product"); n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
}

// testIDsRise adds at the nodes in turn, and checks that the product that was added last has the highest id, and that
// none is left out.
func testIDsRise(t *testing.T, c *cluster) {
	both, _ := c.mustOpenTwo(t)
	before := mustAdd(t, both[0], "Robot").ID
	for n := range 20 {
		p := mustAdd(t, both[n%2], "Robot")
		if p.ID != before+1 {
			t.Fatalf("the product after %d is %d", before, p.ID)
		}
		if last := mustLast(t, both[(n+1)%2]); last.Product.ID != p.ID {
			t.Fatalf("the newest is %d at the other node, want %d", last.Product.ID, p.ID)
		}
		before = p.ID
	}
}

// testConditionsCross changes a product at two nodes on the same condition, and checks that one change alone is made.
func testConditionsCross(t *testing.T, c *cluster) {
	both, _ := c.mustOpenTwo(t)
	for n := range 40 {
		p := mustAdd(t, both[n%2], "Robot")
		deletes := n%4 >= 2 // at the second node
		var errs [2]error
		atBoth(both, func(i int, s *store.Store) {
			if i == 1 && deletes {
				errs[i] = s.DeleteProduct(t.Context(), p.ID, onlyVersion(1))
				return
			}
			_, errs[i] = s.RenameProduct(t.Context(), p.ID, fmt.Sprint("Robot ", i), onlyVersion(1))
		})
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil || shop.KindOf(errs[1-winner]) != shop.Changed {
			t.Fatalf("%v and %v, want one to be made and the other refused by its condition", errs[0], errs[1])
		}
		for i, s := range both {
			now, err := s.Product(t.Context(), p.ID)
			switch {
			case winner == 1 && deletes:
				if shop.KindOf(err) != shop.NotFound {
					t.Fatalf("node %d has %v, %v, which was deleted", i+1, now, err)
				}
			case err != nil || now.Version != 2 || now.Name != fmt.Sprint("Robot ", winner):
				t.Fatalf("node %d has %v, %v, want the name of change %d", i+1, now, err, winner)
			}
		}
	}
}

// testKeysCross uses the same key at two nodes at once, and checks that both callers get the one thing that it made.
func testKeysCross(t *testing.T, c *cluster) {
	both, dsns := c.mustOpenTwo(t)
	before := mustLast(t, both[0]).Count
	const keys = 30
	for n := range keys {
		key := fmt.Sprint("key-", n)
		var products [2]shop.Product
		var orders [2]shop.Order
		atBoth(both, func(i int, s *store.Store) {
			var err error
			if products[i], err = s.AddProductOnce(t.Context(), "Robot", key); err != nil {
				t.Errorf("add a product at node %d: %v", i+1, err)
			}
			order := shop.Order{ID: uuid.NewString(), Product: "Robot", Status: shop.Pending, Version: 1}
			if orders[i], err = s.AddOrder(t.Context(), order, key); err != nil {
				t.Errorf("order at node %d: %v", i+1, err)
			}
		})
		if products[0] != products[1] || products[0].ID == 0 {
			t.Errorf("one key made the products %v and %v", products[0], products[1])
		}
		if !reflect.DeepEqual(orders[0], orders[1]) || orders[0].ID == "" {
			t.Errorf("one key made the orders %v and %v", orders[0], orders[1])
		}
	}
	if last := mustLast(t, both[1]); last.Count != before+keys {
		t.Errorf("%d products were made, want %d", last.Count-before, keys)
	}
	if n := mustNumber(t, dsns[2], "SELECT COUNT(*) FROM `order`"); n != keys {
		t.Errorf("%d orders were made, want %d", n, keys)
	}
}

// testClaimsCross claims the same orders by workers at two nodes, and checks that each is claimed once, and ended once.
func testClaimsCross(t *testing.T, c *cluster) {
	both, dsns := c.mustOpenTwo(t)
	const orders = 60
	for range orders {
		mustOrder(t, both[0], "Yoyo")
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	atBoth(both, func(i int, s *store.Store) {
		for empty := 0; empty < 2; {
			claims, err := s.ClaimOrders(t.Context(), 3, time.Hour)
			if err != nil {
				t.Errorf("claim at node %d: %v", i+1, err)
				return
			}
			if len(claims) == 0 {
				empty++
			}
			for _, claim := range claims {
				held, err := s.FinishOrder(t.Context(), claim, shop.Success)
				if err != nil || !held {
					t.Errorf("finish at node %d: %t, %v", i+1, held, err)
				}
				mu.Lock()
				claimed[claim.OrderID]++
				mu.Unlock()
			}
		}
	})
	for id, times := range claimed {
		if times != 1 {
			t.Errorf("order %s was claimed %d times", id, times)
		}
	}
	if len(claimed) != orders {
		t.Errorf("%d orders were claimed, want %d", len(claimed), orders)
	}
	const ended = "SELECT COUNT(*) FROM `order` WHERE status = 'Success' AND version = 2"
	if n := mustNumber(t, dsns[2], ended); n != orders {
		t.Errorf("%d orders ended once, want %d", n, orders)
	}
}

// testUpkeepCrosses folds the tally and forgets keys at two nodes at once, while products are added.
func testUpkeepCrosses(t *testing.T, c *cluster) {
	both, dsns := c.mustOpenTwo(t)
	cfg := store.Config{DSN: dsns[0]}
	const rounds, rows, adds = 6, 50, 3
	want := int64(2)
	for round := range rounds {
		for n := range rows { // as of connections that are gone
			mustExec(t, cfg, fmt.Sprintf("INSERT INTO product_tally VALUES (%d, 1)", 1_000_000+1000*round+n))
		}
		mustExec(t, cfg, fmt.Sprintf("INSERT INTO order_key VALUES ('old-%d', 'x', 0)", round),
			fmt.Sprintf("INSERT INTO product_key (idempotency_key, product_id, name, created_us) "+
				"VALUES ('old-%d', 1, 'x', 0)", round))
		want += rows + 2*adds
		atBoth(both, func(i int, s *store.Store) {
			var running sync.WaitGroup
			running.Go(func() {
				for range adds {
					if _, err := s.AddProduct(t.Context(), "Robot"); err != nil {
						t.Errorf("add at node %d: %v", i+1, err)
					}
				}
			})
			if err := s.Upkeep(t.Context()); err != nil {
				t.Errorf("upkeep at node %d: %v", i+1, err)
			}
			running.Wait()
		})
		for i, s := range both {
			if last := mustLast(t, s); last.Count != want {
				t.Fatalf("node %d counts %d products in round %d, want %d", i+1, last.Count, round+1, want)
			}
		}
	}
	for what, table := range map[string]string{
		"tallies": "product_tally WHERE connection >= 1000000", "keys": "order_key", "keys of products": "product_key",
	} {
		if n := mustNumber(t, dsns[2], "SELECT COUNT(*) FROM "+table); n != 0 {
			t.Errorf("%d %s are left", n, what)
		}
	}
}

// testProbesCross writes a probe at two nodes at once: each write counts.
func testProbesCross(t *testing.T, c *cluster) {
	both, _ := c.mustOpenTwo(t)
	const writes = 20
	atBoth(both, func(i int, s *store.Store) {
		last := int64(0)
		for range writes {
			p, err := s.WriteProbe(t.Context(), "p")
			if err != nil || p.Version <= last {
				t.Errorf("written at node %d: %v after version %d: %v", i+1, p, last, err)
			}
			last = p.Version
		}
	})
	wantProbe(t, both[0], "p", 2*writes)
	wantProbe(t, both[1], "p", 2*writes)
}
