package outbox_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

// TestAClaimRanOut lets a writer without a cache write when no replica has claimed to cache for minutes, before
// replicas begin to cache again on a Redis that may hold old values. It checks that the first of these bumps the epoch,
// and no other.
func TestAClaimRanOut(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		db, box := on.mustOpen(t)
		others := []*outbox.Outbox{box}
		for range 3 {
			others = append(others, on.mustMake(t, outbox.Config{DB: db}))
		}
		testClaimRanOut(t, others, db, func() int64 {
			uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
			return inTx(t, db, true, uncached.Record, "toy:7")
		})
	})
}

// testClaimRanOut checks that when replicas come back by each of the outboxes at once, the first bumps the epoch, and
// no other.
func testClaimRanOut(t *testing.T, boxes []*outbox.Outbox, db *sql.DB, write func() int64) {
	before, _, err := boxes[0].Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE toys_cache SET used_until_us = 1"); err != nil {
		t.Fatal(err)
	}
	if record := write(); record != 0 {
		t.Fatalf("record %d, and nobody caches", record)
	}
	eachAtOnce(t, 1, boxes, func(_ int, box *outbox.Outbox) error {
		_, _, err := box.Read(t.Context(), 0)
		return err
	})
	for _, box := range boxes {
		if after, _, err := box.Read(t.Context(), 0); err != nil || after.Epoch != before.Epoch+1 ||
			after.Token == before.Token {
			t.Errorf("epoch %s after %s, %v; want one bump", after.Name(), before.Name(), err)
		}
	}
}

// TestABumpIsNoClaim checks that a writer without a cache, which bumps the epoch, is not taken for one who caches: it
// would go on taking itself for a cache.
func TestABumpIsNoClaim(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		db, box := on.mustOpen(t)
		if _, _, err := box.Read(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		const age = "UPDATE toys_cache SET used_until_us = used_until_us - 150000000" // half a minute is left
		if _, err := db.Exec(age); err != nil {
			t.Fatal(err)
		}
		const claimed = "SELECT used_until_us FROM toys_cache"
		before := mustCount(t, db, claimed)
		writer := on.mustMake(t, outbox.Config{DB: db})
		if _, err := writer.Bump(t.Context(), ledger.State{}); err != nil {
			t.Fatal(err)
		}
		if after := mustCount(t, db, claimed); after != before {
			t.Errorf("a bump made a claim that lasts %v longer", time.Duration(after-before)*time.Microsecond)
		}
	})
}
