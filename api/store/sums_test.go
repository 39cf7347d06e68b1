package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

var saleRounds = flag.Int("sale-rounds", 60, "how many steps each actor of the sums test takes")

// TestSums runs buyers, workers, cancellations, reservations that lapse and a clerk at random, and checks that of each
// product what is sold, reserved and free is at every moment what there was.
func TestSums(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		cfg.ReserveFor = 40 * time.Millisecond
		testSums(t, cfg, cfg)
	})
}

// TestLongSums checks the same for eight times as many rounds, or a part of that.
func TestLongSums(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		cfg.ReserveFor = 40 * time.Millisecond
		defer func(n int) { *saleRounds = n }(*saleRounds)
		*saleRounds = servertest.Part(8 * *saleRounds)
		testSums(t, cfg, cfg)
	})
}

// testSumsCross checks the same with writes at two nodes of a cluster.
func testSumsCross(t *testing.T, c *cluster) {
	dsns := c.mustMakeDatabase(t)
	testSums(t, store.Config{DSN: dsns[0], ReserveFor: 200 * time.Millisecond},
		store.Config{DSN: dsns[1], ReserveFor: 200 * time.Millisecond})
}

// sums is a sale that is looked at.
type sums struct {
	t        *testing.T
	stores   []*store.Store
	look     *sql.DB
	products []shop.Product

	mu    sync.RWMutex    // held while the clerk changes what there is, and while somebody looks
	there map[int64]int64 // how many there are of each product, whoever has them
	acked sync.Map        // order id: it was acknowledged
}

// testSums runs a sale on the stores of one database, which is looked at as the last one reaches it.
func testSums(t *testing.T, cfgs ...store.Config) {
	s := &sums{t: t, there: map[int64]int64{}}
	if cfgs[0].DSN == "" {
		cfgs = cfgs[:1] // a file has one process
	} else if cfgs[0].DSN != cfgs[1].DSN {
		cfgs[1].DSN += "?wsrep_sync_wait=1" // what is looked at is to be what there is
	}
	for _, cfg := range cfgs {
		s.stores = append(s.stores, mustOpen(t, cfg))
	}
	s.look = mustOpenLook(t, cfgs[len(cfgs)-1])
	for range 3 {
		p := mustSell(t, s.stores[0], 30)
		s.products = append(s.products, p)
		s.there[p.ID] = 30
	}
	stop := make(chan struct{})
	var lookers, actors sync.WaitGroup
	lookers.Go(func() {
		for looks := 0; ; looks++ {
			s.mustAddUp()
			select {
			case <-stop:
				t.Logf("looked %d times", looks)
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	for i := range 6 {
		actors.Go(func() { s.buy(s.stores[i%len(s.stores)], uint64(i)) })
	}
	actors.Go(s.stockUp)
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for i := range 2 {
		others.Go(func() { s.validate(ctx, s.stores[i%len(s.stores)], uint64(i)) })
		others.Go(func() { s.lapse(ctx, s.stores[i%len(s.stores)]) })
	}
	actors.Wait()
	cancel()
	others.Wait()
	await(t, func() bool { // the claims that are left are given up: all lapses
		for n := 1; n > 0; {
			var err error
			if n, err = s.stores[0].LapseOrders(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		backlog, err := s.stores[0].Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return backlog.Pending == 0
	})
	close(stop)
	lookers.Wait()
	s.mustAddUp()
	s.acked.Range(func(id, _ any) bool {
		if _, err := s.stores[0].Order(t.Context(), id.(string)); err != nil {
			t.Errorf("an acknowledged order is not there: %v", err)
		}
		return true
	})
}

func mustOpenLook(t *testing.T, cfg store.Config) *sql.DB {
	t.Helper()
	driver, dsn := "mysql", cfg.DSN
	if dsn == "" {
		driver, dsn = "sqlite", "file:"+cfg.DataDir+"/woody.db?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// mustAddUp looks at all products and orders at one moment.
func (s *sums) mustAddUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.look.BeginTx(s.t.Context(), &sql.TxOptions{Isolation: sql.LevelDefault, ReadOnly: false})
	if err != nil {
		s.t.Error(err)
		return
	}
	defer tx.Rollback()
	found := map[int64]int64{}
	rows, err := tx.QueryContext(s.t.Context(), "SELECT id, woody_stock FROM product WHERE woody_stock IS NOT NULL")
	if err != nil {
		s.t.Error(err)
		return
	}
	for rows.Next() {
		var id, left int64
		if err := rows.Scan(&id, &left); err != nil || left < 0 {
			s.t.Errorf("of product %d %d are left, %v", id, left, err)
		}
		found[id] = left
	}
	rows.Close()
	rows, err = tx.QueryContext(s.t.Context(),
		"SELECT woody_items FROM `order` WHERE status IN ('Pending', 'Success') AND woody_items <> ''")
	if err != nil {
		s.t.Error(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var items []struct{ Product, Taken int64 }
		if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), &items)); err != nil {
			s.t.Error(err)
		}
		for _, item := range items {
			found[item.Product] += item.Taken
		}
	}
	for id, want := range s.there {
		if found[id] != want {
			s.t.Errorf("of product %d there are %d, sold, reserved and free; want %d", id, found[id], want)
		}
	}
}

// buy orders at random, and cancels some of it.
func (s *sums) buy(at *store.Store, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 22))
	for range *saleRounds {
		var items []shop.Item
		for _, p := range s.products {
			if random.IntN(2) == 0 {
				items = append(items, item(p, 1+random.Int64N(3)))
			}
		}
		if len(items) == 0 {
			continue
		}
		o, err := reserve(s.t.Context(), at, "", items...)
		switch shop.KindOf(err) {
		case shop.SoldOut, shop.TooFew, shop.Busy:
			continue
		}
		if err != nil {
			s.t.Error(err)
			continue
		}
		s.acked.Store(o.ID, true)
		if random.IntN(3) > 0 {
			continue
		}
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond) // about when it lapses, and is validated
		for range 1 + random.IntN(2) {
			switch _, err := at.CancelOrder(s.t.Context(), o.ID, nil); shop.KindOf(err) {
			case shop.Ended, shop.Busy:
			default:
				if err != nil {
					s.t.Error(err)
				}
			}
		}
	}
}

// stockUp sets stocks by what was read.
func (s *sums) stockUp() {
	at := s.stores[len(s.stores)-1]
	for i := range *saleRounds / 4 {
		time.Sleep(5 * time.Millisecond)
		s.setStock(at, s.products[i%len(s.products)].ID)
	}
}

func (s *sums) setStock(at *store.Store, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left int64
	stock := shop.InStock(20)
	_, err := at.ChangeProduct(s.t.Context(), id, shop.Change{Stock: &stock}, func(current *shop.Product) error {
		left = current.Stock.Left
		return nil
	})
	switch {
	case err == nil:
		s.there[id] += stock.Left - left
	case shop.KindOf(err) != shop.Busy:
		s.t.Error(err)
	}
}

// validate works as shop.Workers does, and dies with some of its orders.
func (s *sums) validate(ctx context.Context, at *store.Store, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 23))
	for ctx.Err() == nil {
		claims, err := at.ClaimOrders(s.t.Context(), 1+random.IntN(4), 20*time.Millisecond)
		if err != nil && shop.KindOf(err) != shop.Busy {
			s.t.Error(err)
		}
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
		for _, claim := range claims {
			if random.IntN(4) == 0 {
				continue
			}
			end := shop.Success
			if random.IntN(2) == 0 {
				end = shop.Failed
			}
			if _, err := at.FinishOrder(s.t.Context(), claim, end); err != nil && shop.KindOf(err) != shop.Busy {
				s.t.Error(err)
			}
		}
	}
}

func (s *sums) lapse(ctx context.Context, at *store.Store) {
	for ctx.Err() == nil {
		if _, err := at.LapseOrders(s.t.Context()); err != nil && shop.KindOf(err) != shop.Busy {
			s.t.Error(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
