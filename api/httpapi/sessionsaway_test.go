package httpapi_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache"
)

// fakeSessions is a store with one session, of ann, until its database is lost.
type fakeSessions struct {
	accounts.Store
	left time.Duration
	lost bool
}

func (f *fakeSessions) Session(_ context.Context, id string) (accounts.Caller, time.Duration, error) {
	if f.lost {
		return accounts.Caller{}, 0, &shop.Error{Kind: shop.Unavailable, Detail: "The database is away."}
	}
	return accounts.Caller{Account: "ann", Session: id}, f.left, nil
}

// TestSessionsWithoutADatabase looks sessions up while there is no database: they go on as long as what else is kept
// does, but none past its own end, or that was ended.
func TestSessionsWithoutADatabase(t *testing.T) {
	const hour = time.Hour
	for _, row := range []struct {
		name        string
		left, after time.Duration
		ended       bool
		want        shop.Kind // 0 for being let in
	}{
		{"at once", hour, 0, false, 0},
		{"past its minute", hour, 2 * time.Minute, false, 0},
		{"for ten minutes", hour, 10 * time.Minute, false, 0},
		{"for longer", hour, 12 * time.Minute, false, shop.Unavailable},
		{"before its own end", 5 * time.Minute, 5*time.Minute - time.Millisecond, false, 0},
		{"past its own end", 5 * time.Minute, 5 * time.Minute, false, shop.NotFound},
		{"past its own end, within its minute", 30 * time.Second, 31 * time.Second, false, shop.NotFound},
		{"ended by its owner", hour, 2 * time.Minute, true, shop.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := cache.New(cache.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				store := &fakeSessions{left: row.left}
				sessions, err := httpapi.SessionsIn(c, store)
				if err != nil {
					t.Fatal(err)
				}
				if who, err := sessions(t.Context(), "s"); who.Account != "ann" || err != nil {
					t.Fatalf("with a database: %v, %v", who, err)
				}
				store.lost = true
				if row.ended {
					c.Invalidate(shop.SessionTag("s"))
				}
				time.Sleep(row.after)
				for range 3 { // what stands in is kept near
					who, err := sessions(t.Context(), "s")
					if row.want == 0 && (who.Account != "ann" || err != nil) ||
						row.want != 0 && (who != accounts.Caller{} || shop.KindOf(err) != row.want) {
						t.Errorf("%v, %v; want the kind %v", who, err, row.want)
					}
				}
			})
		})
	}
}
