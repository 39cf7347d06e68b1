package store_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// claimed returns the ids of the orders that are claimed next, in their order.
func claimed(t *testing.T, s *store.Store, n int) (ids []string) {
	t.Helper()
	claims, err := s.ClaimOrders(t.Context(), n, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range claims {
		ids = append(ids, claim.OrderID)
	}
	return ids
}

// TestReservationsComeFirst checks that an order that has reserved something overtakes a queue of orders that have not.
func TestReservationsComeFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for range 3 {
			mustOrder(t, s, "nothing that there is")
		}
		o := mustReserve(t, s, item(mustSell(t, s, 1), 1))
		if got := claimed(t, s, 1); len(got) != 1 || got[0] != o.ID {
			t.Errorf("claimed %v, want %s, which has reserved something", got, o.ID)
		}
	})
}

// TestClaimsAreShared checks that orders with reservations and orders without both advance, each queue in its order,
// whether orders are claimed one at a time or many at once.
func TestClaimsAreShared(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		const each = 10
		names := map[string]string{}
		for i := range each {
			names[mustOrder(t, s, "nothing that there is").ID] = fmt.Sprint("o", i)
		}
		p := mustSell(t, s, each)
		for i := range each {
			names[mustReserve(t, s, item(p, 1)).ID] = fmt.Sprint("r", i)
		}
		for _, row := range []struct {
			n    int
			want string
		}{
			{1, "r0"}, {1, "r1"}, {1, "r2"}, {1, "o0"}, {1, "r3"}, {4, "r4 r5 r6 o1"}, {3, "r7 r8 o2"}, {1, "r9"},
			{3, "o3 o4 o5"}, {9, "o6 o7 o8 o9"}, {9, ""},
		} {
			ids := claimed(t, s, row.n)
			for i, id := range ids {
				ids[i] = names[id]
			}
			if got := strings.Join(ids, " "); got != row.want {
				t.Errorf("%d of the rest are %q, want %q", row.n, got, row.want)
			}
		}
	})
}

// TestNobodyHurriesTooLate checks that an order whose reservation ends before it can be validated comes after the next
// one, and is tried when there is nothing else to do.
func TestNobodyHurriesTooLate(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		p := mustSell(t, s, 2)
		late, next := mustReserve(t, s, item(p, 1)), mustReserve(t, s, item(p, 1))
		mustExec(t, cfg, "UPDATE `order` SET woody_reserved_until_us = woody_reserved_until_us - 870000000 "+
			"WHERE order_id = '"+late.ID+"'") // half a minute is left of fifteen
		for _, want := range []shop.Order{next, late} {
			if got := claimed(t, s, 1); len(got) != 1 || got[0] != want.ID {
				t.Errorf("claimed %v, want %s", got, want.ID)
			}
		}
	})
}

// TestClockSetBackUnderAClaim checks that a claim which was made by a clock that was a day ahead is over when a new one
// would be, and that one of its time is left alone.
func TestClockSetBackUnderAClaim(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		mustOrder(t, s, "Yoyo")
		mustOrder(t, s, "Yoyo")
		ahead := mustClaim(t, s, 1, time.Minute)
		mustClaim(t, s, 1, time.Minute)
		const until = "SELECT claimed_until_us FROM `order` WHERE order_id "
		before := mustSelect(t, cfg, until+"= '"+ahead.OrderID+"'")
		other := mustSelect(t, cfg, until+"<> '"+ahead.OrderID+"'")
		mustExec(t, cfg, "UPDATE `order` SET claimed_until_us = claimed_until_us + 86400000000 WHERE order_id = '"+
			ahead.OrderID+"'")
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(mustSelect(t, cfg, until+"= '"+ahead.OrderID+"'")-before) * time.Microsecond
		if after < 0 || after > time.Hour {
			t.Errorf("the claim of a clock a day ahead ends %v later than it would have, want moments", after)
		}
		if got := mustSelect(t, cfg, until+"<> '"+ahead.OrderID+"'"); got != other {
			t.Errorf("another claim was moved by %d us", got-other)
		}
	})
}

// TestALapsedClaimIsNoLastPlace checks that the order of a worker that died comes before those that were made after it,
// once upkeep has been done, and that the worker, if it was only slow, may still end its order.
func TestALapsedClaimIsNoLastPlace(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for range 2 {
			mustOrder(t, s, "nothing that there is")
		}
		dead, slow := mustClaim(t, s, 1, time.Microsecond), mustClaim(t, s, 1, time.Microsecond)
		newer := mustOrder(t, s, "nothing that there is")
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if held, err := s.FinishOrder(t.Context(), slow, shop.Failed); !held || err != nil {
			t.Errorf("a slow worker ends its order: %v, %v", held, err)
		}
		for _, want := range []string{dead.OrderID, newer.ID} {
			if got := claimed(t, s, 1); len(got) != 1 || got[0] != want {
				t.Errorf("claimed %v, want %s", got, want)
			}
		}
		const until = "SELECT MIN(claimed_until_us) FROM `order` WHERE status = 'Pending'"
		before := mustSelect(t, cfg, until)
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := mustSelect(t, cfg, until); got != before {
			t.Errorf("a claim that lasts was moved by %d us", got-before)
		}
	})
}

// TestClaimsReadNoQueue asks both databases how they look for orders in a queue of many, of either kind: by an index,
// in the order that is wanted, so that few rows are read, and locked.
func TestClaimsReadNoQueue(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for kind, until := range []string{"0", "9000000000000000"} {
			for thousand := range 3 {
				mustExec(t, cfg, fmt.Sprintf("INSERT INTO `order` (order_id, status, product, created_us, "+
					"woody_reserved_until_us) SELECT %d%d000 + 100 * a.d + 10 * b.d + c.d, 'Pending', 'x', "+
					"100 * a.d + b.d + c.d, %s FROM %[4]s a, %[4]s b, %[4]s c", kind+1, thousand, until, digits))
			}
			for index, query := range s.ClaimQueries() {
				how := mustExplain(t, cfg, query)
				// In MariaDB a "ref" by the status alone would begin with all that have reserved nothing.
				passesOver := index == "woody_reserved" && cfg.DSN != "" && !strings.Contains(how, "|range|")
				if passesOver || !strings.Contains(how, "|"+index+"|") ||
					strings.Contains(strings.ToLower(how), "filesort") || strings.Contains(how, "TEMP B-TREE") {
					t.Errorf("with orders until %s: %s, want it by %s alone:\n%s", until, query, index, how)
				}
			}
		}
	})
}

// TestUpkeepReadsNoQueue asks both databases how they look for what is over: by an index of its time, so that nothing
// is read of what is not.
func TestUpkeepReadsNoQueue(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for i := range 300 {
			mustExec(t, cfg, fmt.Sprintf("INSERT INTO `order` (order_id, status, product, created_us) "+
				"VALUES ('%d', 'Pending', 'x', %d)", i, i),
				fmt.Sprintf("INSERT INTO order_key (idempotency_key, order_id, created_us) VALUES ('%d', 'x', "+
					"9000000000000000)", i))
		}
		for index, queries := range s.UpkeepQueries() {
			for _, query := range queries {
				how := mustExplain(t, cfg, query)
				byTime := cfg.DSN == "" && strings.Contains(how, "_us") || strings.Contains(how, "|range|")
				if !byTime || !strings.Contains(how, "|"+index+"|") {
					t.Errorf("%s\nwant it by the times of %s:\n%s", query, index, how)
				}
			}
		}
	})
}

// mustExplain returns how a database goes about a query, the names of the indexes that it uses in bars.
func mustExplain(t *testing.T, cfg store.Config, query string) (how string) {
	t.Helper()
	driver, dsn, ask := "mysql", cfg.DSN, "EXPLAIN "
	if dsn == "" {
		driver, dsn, ask = "sqlite", cfg.DataDir+"/woody.db", "EXPLAIN QUERY PLAN "
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(ask + query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, column := range columns {
			if column != "possible_keys" {
				how += "|" + strings.NewReplacer("INDEX ", "|", " (", "| (").Replace(values[i].String)
			}
		}
		how += "|\n"
	}
	return how
}
