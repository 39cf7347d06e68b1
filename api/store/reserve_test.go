package store_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// TestReservations checks that each database keeps what shop.Store promises of orders with items.
func TestReservations(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		t.Run("terms", func(t *testing.T) { testTerms(t, s) })
		t.Run("all or none", func(t *testing.T) { testAllOrNone(t, s) })
		t.Run("keys", func(t *testing.T) { testReservedKeys(t, s) })
		t.Run("cancelled", func(t *testing.T) { testCancelled(t, s) })
		t.Run("lapsed", func(t *testing.T) { testLapsed(t, cfg, s) })
		t.Run("the clock is set back", func(t *testing.T) { testClockSetBack(t, cfg, s) })
		t.Run("a product is deleted", func(t *testing.T) { testDeleteProductWithPendingOrders(t, s) })
		t.Run("ordered before it was counted", func(t *testing.T) { testTakenLate(t, s) })
		t.Run("a row that cannot be read", func(t *testing.T) { testUnreadable(t, cfg, s) })
		t.Run("uncounted", func(t *testing.T) { testUncounted(t, s) })
	})
}

// mustSell adds a product of which some are left.
func mustSell(t testing.TB, s *store.Store, left int64) shop.Product {
	t.Helper()
	p, err := s.AddGoods(t.Context(), shop.Goods{Name: "Robot", Terms: shop.Terms{Stock: shop.InStock(left),
		Price: shop.Price{Amount: 1999, Currency: "EUR"}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func item(p shop.Product, quantity int64) shop.Item {
	return shop.Item{Product: p.ID, Quantity: quantity}
}

// reserve orders items.
func reserve(ctx context.Context, s *store.Store, key string, items ...shop.Item) (shop.Order, error) {
	return s.AddOrder(ctx, shop.Order{ID: uuid.NewString(), Status: shop.Pending, Version: 1, Items: items}, key)
}

func mustReserve(t testing.TB, s *store.Store, items ...shop.Item) shop.Order {
	t.Helper()
	o, err := reserve(t.Context(), s, "", items...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// wantLeft fails the test unless so many of a product are left.
func wantLeft(t testing.TB, s *store.Store, p shop.Product, want int64) {
	t.Helper()
	if got, err := s.Product(t.Context(), p.ID); got.Stock != shop.InStock(want) || err != nil {
		t.Errorf("%+v, %v is left; want %d", got, err, want)
	}
}

func wantStatus(t testing.TB, s *store.Store, id string, want shop.Status) {
	t.Helper()
	if got, err := s.Order(t.Context(), id); got.Status != want || err != nil {
		t.Errorf("the order is %+v, %v; want %s", got, err, want)
	}
}

func testTerms(t *testing.T, s *store.Store) {
	p := mustSell(t, s, 5)
	if got, err := s.Product(t.Context(), p.ID); got != p || err != nil {
		t.Errorf("stored %+v, came back as %+v, %v", p, got, err)
	}
	if page, err := s.Products(t.Context(), 0, 1); err != nil || page[0] != p {
		t.Errorf("listed as %+v, %v", page, err)
	}
	if last := mustLast(t, s); *last.Product != p {
		t.Errorf("last is %+v", last.Product)
	}
	if got, err := s.ProductNamed(t.Context(), p.Name); err != nil || got.ID > p.ID {
		t.Errorf("by its name it is %+v, %v", got, err)
	}
	stock, price := shop.InStock(0), shop.Price{}
	changed, err := s.ChangeProduct(t.Context(), p.ID, shop.Change{Stock: &stock, Price: &price}, nil)
	want := shop.Product{ID: p.ID, Name: p.Name, Version: 2, Stock: stock}
	if got, readErr := s.Product(t.Context(), p.ID); changed != want || got != want || err != nil || readErr != nil {
		t.Errorf("changed to %+v, %v, and then %+v, %v; want %+v", changed, err, got, readErr, want)
	}
	unlimited := shop.Stock{}
	if _, err := s.ChangeProduct(t.Context(), p.ID, shop.Change{Stock: &unlimited}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.RenameProduct(t.Context(), p.ID, "Robo", nil)
	if err != nil || got.Stock.Limited || got.Version != 4 {
		t.Errorf("renamed: %+v, %v", got, err)
	}
	goods := shop.Goods{Name: "Keyed", Terms: shop.Terms{Stock: shop.InStock(3), Price: shop.Price{Currency: "JPY"}}}
	first, err := s.AddGoods(t.Context(), goods, "terms")
	again, againErr := s.AddGoods(t.Context(), goods, "terms")
	if first != again || err != nil || againErr != nil || again.Price.Currency != "JPY" {
		t.Errorf("by its key the product is %+v, %v; want %+v, %v", again, againErr, first, err)
	}
}

func testAllOrNone(t *testing.T, s *store.Store) {
	few, many := mustSell(t, s, 2), mustSell(t, s, 100)
	placed := mustReserve(t, s, item(few, 1), item(many, 3))
	if got, err := s.Order(t.Context(), placed.ID); err != nil || !reflect.DeepEqual(got, placed) {
		t.Errorf("placed %+v, read %+v, %v", placed, got, err)
	}
	if want := (shop.Price{Amount: 4 * 1999, Currency: "EUR"}); placed.Total() != want || placed.Product != "Robot" {
		t.Errorf("%+v costs %v, want %v", placed, placed.Total(), want)
	}
	_, err := reserve(t.Context(), s, "", item(few, 2), item(many, 1))
	var refused *shop.Error
	if !errors.As(err, &refused) || refused.Kind != shop.TooFew ||
		!reflect.DeepEqual(refused.Left, []shop.Left{{Product: few.ID, Left: 1, Wanted: 2}}) {
		t.Errorf("more than there is: %+v", err)
	}
	mustReserve(t, s, item(few, 1))
	if _, err = reserve(t.Context(), s, "", item(few, 1)); shop.KindOf(err) != shop.SoldOut {
		t.Errorf("of what is sold out: %v", err)
	}
	_, err = reserve(t.Context(), s, "", item(many, 1), shop.Item{Product: 1 << 40, Quantity: 1})
	if shop.KindOf(err) != shop.NotFound {
		t.Errorf("of what is not there: %v", err)
	}
	wantLeft(t, s, few, 0)
	wantLeft(t, s, many, 97)
	if p, _ := s.Product(t.Context(), few.ID); p.Version != 3 {
		t.Errorf("two sales made version %d, want 3", p.Version)
	}
}

// testReservedKeys sends an order again by its key: when nothing is left, by another buyer, and many times at once.
func testReservedKeys(t *testing.T, s *store.Store) {
	p := mustSell(t, s, 2)
	key := uuid.NewString()
	first, err := reserve(t.Context(), s, key, item(p, 1))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	once := uuid.NewString()
	var ids sync.Map
	for range 20 {
		all.Go(func() {
			o, err := reserve(t.Context(), s, once, item(p, 1))
			if err != nil {
				t.Error(err)
			}
			ids.Store(o.ID, true)
		})
	}
	all.Wait()
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("one key made %d orders", n)
	}
	wantLeft(t, s, p, 0)
	if again, err := reserve(t.Context(), s, key, item(p, 1)); !reflect.DeepEqual(again, first) || err != nil {
		t.Errorf("when it is sold out the same key gets %+v, %v; want %+v", again, err, first)
	}
	refused := uuid.NewString()
	if _, err := reserve(t.Context(), s, refused, item(p, 1)); shop.KindOf(err) != shop.SoldOut {
		t.Errorf("another key: %v", err)
	}
	if _, err := s.OrderByKey(t.Context(), refused); shop.KindOf(err) != shop.NotFound {
		t.Errorf("a refused order used its key: %v", err)
	}
}

func testCancelled(t *testing.T, s *store.Store) {
	p := mustSell(t, s, 5)
	o := mustReserve(t, s, item(p, 3))
	for range 2 {
		got, err := s.CancelOrder(t.Context(), o.ID, nil)
		if err != nil || got.Status != shop.Cancelled || got.Version != 2 {
			t.Errorf("cancelled: %+v, %v", got, err)
		}
		wantLeft(t, s, p, 5)
	}
	if _, err := s.CancelOrder(t.Context(), uuid.NewString(), nil); shop.KindOf(err) != shop.NotFound {
		t.Errorf("what is not there: %v", err)
	}
	o = mustReserve(t, s, item(p, 3))
	claim := mustClaimOrder(t, s, o.ID)
	if done, err := s.FinishOrder(t.Context(), claim, shop.Success); !done || err != nil {
		t.Fatal(done, err)
	}
	if _, err := s.CancelOrder(t.Context(), o.ID, nil); shop.KindOf(err) != shop.Ended {
		t.Errorf("of what is sold: %v", err)
	}
	wantLeft(t, s, p, 2)
	o = mustReserve(t, s, item(p, 1))
	claim = mustClaimOrder(t, s, o.ID)
	if _, err := s.CancelOrder(t.Context(), o.ID, nil); err != nil {
		t.Fatal(err)
	}
	if done, err := s.FinishOrder(t.Context(), claim, shop.Success); done || err != nil {
		t.Errorf("a cancelled order was ended again: %v, %v", done, err)
	}
	wantLeft(t, s, p, 2)
}

// mustClaimOrder claims pending orders until it has a certain one.
func mustClaimOrder(t testing.TB, s *store.Store, id string) shop.Claim {
	t.Helper()
	for {
		claims, err := s.ClaimOrders(t.Context(), 100, time.Hour)
		if err != nil || len(claims) == 0 {
			t.Fatalf("order %s is not to be claimed: %v", id, err)
		}
		for _, claim := range claims {
			if claim.OrderID == id {
				return claim
			}
		}
	}
}

// testLapsed checks a reservation that ends while a worker validates it.
func testLapsed(t *testing.T, cfg store.Config, s *store.Store) {
	p := mustSell(t, s, 5)
	o := mustReserve(t, s, item(p, 2))
	claim := mustClaimOrder(t, s, o.ID)
	if n, err := s.LapseOrders(t.Context()); n != 0 || err != nil {
		t.Errorf("%d orders lapsed early, %v", n, err)
	}
	mustExec(t, cfg, "UPDATE `order` SET woody_reserved_until_us = 1 WHERE order_id = '"+o.ID+"'")
	if done, err := s.FinishOrder(t.Context(), claim, shop.Success); done || err != nil {
		t.Errorf("an order was validated when its reservation was over: %v, %v", done, err)
	}
	if claims, err := s.ClaimOrders(t.Context(), 100, 0); err != nil || len(claims) > 0 {
		t.Errorf("claimed: %v, %v", claims, err)
	}
	for _, want := range []int{1, 0} {
		if n, err := s.LapseOrders(t.Context()); n != want || err != nil {
			t.Errorf("%d orders lapsed, %v; want %d", n, err, want)
		}
		wantLeft(t, s, p, 5)
	}
	wantStatus(t, s, o.ID, shop.Lapsed)
	if done, err := s.FinishOrder(t.Context(), claim, shop.Failed); done || err != nil {
		t.Errorf("a lapsed order was ended again: %v, %v", done, err)
	}
	if _, err := s.CancelOrder(t.Context(), o.ID, nil); shop.KindOf(err) != shop.Ended {
		t.Errorf("a lapsed order was cancelled: %v", err)
	}
	wantLeft(t, s, p, 5)
}

// testUnreadable makes the items of one order unreadable, and checks that others are read, claimed and lapse as before,
// and that it lapses with them.
func testUnreadable(t *testing.T, cfg store.Config, s *store.Store) {
	p := mustSell(t, s, 5)
	spoilt, good := mustReserve(t, s, item(p, 1)), mustReserve(t, s, item(p, 2))
	mustExec(t, cfg,
		"UPDATE `order` SET created_us = 1, woody_items = '[{\"product\":' WHERE order_id = '"+spoilt.ID+"'")
	var reads sync.WaitGroup
	for range 200 {
		reads.Go(func() {
			if _, err := s.Order(t.Context(), spoilt.ID); shop.KindOf(err) != shop.Internal || err == nil {
				t.Errorf("an order that cannot be read: %v", err)
			}
		})
		reads.Go(func() {
			if o, err := s.Order(t.Context(), good.ID); err != nil || o.ID != good.ID {
				t.Errorf("an order beside it: %v", err)
			}
		})
	}
	reads.Wait()
	if claims, err := s.ClaimOrders(t.Context(), 1, time.Minute); len(claims) > 0 || err != nil {
		t.Errorf("an order that cannot be read is claimed: %v, %v", claims, err)
	}
	if err := s.Upkeep(t.Context()); err != nil { // which does not put it before the others again
		t.Fatal(err)
	}
	mustClaimOrder(t, s, good.ID)
	mustExec(t, cfg, "UPDATE `order` SET woody_reserved_until_us = 1 "+
		"WHERE order_id IN ('"+spoilt.ID+"', '"+good.ID+"')")
	if n, err := s.LapseOrders(t.Context()); n != 2 || err != nil {
		t.Errorf("%d orders lapsed, %v; want both", n, err)
	}
	wantLeft(t, s, p, 4) // nobody knows what the other had taken
}

// testClockSetBack checks a reservation that was made when the clock was a day ahead.
func testClockSetBack(t *testing.T, cfg store.Config, s *store.Store) {
	p := mustSell(t, s, 5)
	o := mustReserve(t, s, item(p, 2))
	const ahead = "UPDATE `order` SET woody_reserved_until_us = woody_reserved_until_us + 86400000000 " +
		"WHERE order_id = '"
	mustExec(t, cfg, ahead+o.ID+"'")
	if n, err := s.LapseOrders(t.Context()); n != 0 || err != nil {
		t.Errorf("%d orders lapsed, %v", n, err)
	}
	wantLeft(t, s, p, 3)
	until := mustSelect(t, cfg, "SELECT woody_reserved_until_us FROM `order` WHERE order_id = '"+o.ID+"'")
	if longest := time.Now().Add(16 * time.Minute).UnixMicro(); until > longest {
		t.Errorf("it lasts until %d, want %d at most", until, longest)
	}
}

// mustSelect reads a number past the store.
func mustSelect(t testing.TB, cfg store.Config, query string) (n int64) {
	t.Helper()
	driver, dsn := "mysql", cfg.DSN
	if dsn == "" {
		driver, dsn = "sqlite", cfg.DataDir+"/woody.db"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func testDeleteProductWithPendingOrders(t *testing.T, s *store.Store) {
	gone, stays := mustSell(t, s, 5), mustSell(t, s, 5)
	o, other := mustReserve(t, s, item(gone, 2), item(stays, 2)), mustReserve(t, s, item(gone, 1))
	if err := s.DeleteProduct(t.Context(), gone.ID, nil); err != nil {
		t.Fatal(err)
	}
	claim := mustClaimOrder(t, s, o.ID)
	if sold, err := s.IsSold(t.Context(), claim); sold || err != nil {
		t.Errorf("sold = %v, %v", sold, err)
	}
	if done, err := s.FinishOrder(t.Context(), claim, shop.Failed); !done || err != nil {
		t.Errorf("finish = %v, %v", done, err)
	}
	wantLeft(t, s, stays, 5)
	if _, err := s.CancelOrder(t.Context(), other.ID, nil); err != nil {
		t.Error(err)
	}
	if _, err := reserve(t.Context(), s, "", item(gone, 1)); shop.KindOf(err) != shop.NotFound {
		t.Errorf("of a deleted product: %v", err)
	}
}

// testTakenLate checks orders by a name whose product is added later, and is counted.
func testTakenLate(t *testing.T, s *store.Store) {
	name := uuid.NewString()
	var orders []shop.Order
	for range 2 {
		orders = append(orders, mustOrder(t, s, name))
	}
	p, err := s.AddGoods(t.Context(), shop.Goods{Name: name, Terms: shop.Terms{Stock: shop.InStock(1)}}, "")
	if err != nil {
		t.Fatal(err)
	}
	claims, err := s.ClaimOrders(t.Context(), 100, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range claims {
		if claim.Product == name {
			if done, err := s.FinishOrder(t.Context(), claim, shop.Success); !done || err != nil {
				t.Errorf("finish = %v, %v", done, err)
			}
		}
	}
	wantLeft(t, s, p, 0)
	ends := map[shop.Status]int{}
	for _, o := range orders {
		ended, err := s.Order(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		ends[ended.Status]++
	}
	if ends[shop.Success] != 1 || ends[shop.Failed] != 1 {
		t.Errorf("of two orders for the one that there is: %v", ends)
	}
}

// testUncounted checks that what was ordered while a product was not counted does not come back to its stock.
func testUncounted(t *testing.T, s *store.Store) {
	p, err := s.AddProduct(t.Context(), "Uncounted")
	if err != nil {
		t.Fatal(err)
	}
	o := mustReserve(t, s, item(p, shop.QuantityMax))
	stock := shop.InStock(3)
	if _, err := s.ChangeProduct(t.Context(), p.ID, shop.Change{Stock: &stock}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CancelOrder(t.Context(), o.ID, nil); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, s, p, 3)
}

// TestBuyersShareATransaction sends 500 buyers of one product while the first one's transaction is held back. It checks
// that they share as few transactions as they fit in, and as few invalidations, and that those who came first are
// served.
func TestBuyersShareATransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		const buyers, toys = 500, 100
		setup := mustOpen(t, cfg)
		p := mustSell(t, setup, toys)
		setup.Close()
		journal := &heldJournal{letGo: make(chan struct{})}
		cfg.Journal = journal
		s := mustOpenHeld(t, cfg)
		var all sync.WaitGroup
		var served [buyers]atomic.Bool
		for i := range buyers {
			all.Go(func() {
				_, err := reserve(t.Context(), s, "", item(p, 1))
				var refused *shop.Error
				switch {
				case err == nil:
					served[i].Store(true)
				case !errors.As(err, &refused) || refused.Kind != shop.SoldOut || refused.Left[0].Left != 0:
					t.Errorf("refused by %v", err)
				}
			})
			await(t, func() bool { return journal.records.Load() == 1 && s.ReservationsWaiting() == i })
		}
		close(journal.letGo)
		all.Wait()
		for i := range buyers {
			if served[i].Load() != (i < toys) {
				t.Fatalf("buyer %d: %v; want the first %d served", i, served[i].Load(), toys)
			}
		}
		wantLeft(t, s, p, 0)
		if got := journal.records.Load(); got > 2 { // the rest find it sold out, and record nothing
			t.Errorf("%d buyers took %d transactions that changed something, want 2", buyers, got)
		}
	})
}

// TestABuyerWhoWaitsTooLong checks that a buyer whose turn does not come in time gets Busy, and that nothing is
// reserved for him.
func TestABuyerWhoWaitsTooLong(t *testing.T) {
	journal := &heldJournal{letGo: make(chan struct{})}
	s := mustOpen(t, store.Config{DataDir: t.TempDir(), Journal: journal, Wait: 2 * time.Second})
	var p shop.Product
	var first sync.WaitGroup
	first.Go(func() { p = mustSell(t, s, 5) })
	await(t, func() bool { return journal.records.Load() == 1 })
	_, err := reserve(t.Context(), s, "", shop.Item{Product: 3, Quantity: 1})
	if shop.KindOf(err) != shop.Busy {
		t.Errorf("a buyer who waits: %v, want Busy", err)
	}
	close(journal.letGo)
	first.Wait()
	wantLeft(t, s, p, 5)
}

// TestAClerkAmongBuyers adds to a stock, as a clerk does by what he has read, while buyers come. It checks that none of
// what he adds is lost, and none is sold twice.
func TestAClerkAmongBuyers(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		p := mustSell(t, s, 10)
		var sold atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 40 {
					switch _, err := reserve(t.Context(), s, "", item(p, 1)); shop.KindOf(err) {
					case shop.SoldOut:
					default:
						if err != nil {
							t.Error(err)
						}
						sold.Add(1)
					}
				}
			})
		}
		const deliveries, each = 10, 10
		for range deliveries {
			for {
				read, err := s.Product(t.Context(), p.ID)
				if err != nil {
					t.Fatal(err)
				}
				more := shop.InStock(read.Stock.Left + each)
				_, err = s.ChangeProduct(t.Context(), p.ID, shop.Change{Stock: &more}, onlyVersion(read.Version))
				if err == nil {
					break
				}
				if shop.KindOf(err) != shop.Changed {
					t.Fatal(err)
				}
			}
		}
		all.Wait()
		wantLeft(t, s, p, 10+deliveries*each-sold.Load())
	})
}
