package outbox_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

func TestRecords(t *testing.T) { onEach(t, testRecords) }

func testRecords(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	inTx(t, db, false, box.Record, "rolled back")
	id := inTx(t, db, true, box.Record, "toy:7", `with "quotes", and ünïcode`)
	if _, left, err := box.Read(t.Context(), time.Hour); len(left) != 0 || err != nil {
		t.Errorf("records older than an hour: %v, %v; want none", left, err)
	}
	_, left, err := box.Read(t.Context(), 0)
	if err != nil || len(left) != 1 || left[0].ID != id ||
		!slices.Equal(left[0].Tags, []string{"toy:7", `with "quotes", and ünïcode`}) {
		t.Errorf("records: %v, %v; want the one that was committed", left, err)
	}
	if err := box.Remove(t.Context(), []int64{id, 12345}, ""); err != nil {
		t.Error(err)
	}
	if _, left, err := box.Read(t.Context(), 0); len(left) != 0 || err != nil {
		t.Errorf("after the removal: %v, %v", left, err)
	}
}

func TestBacklog(t *testing.T) { onEach(t, testBacklog) }

func testBacklog(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	if records, oldest, err := box.Backlog(t.Context()); records != 0 || oldest != 0 || err != nil {
		t.Errorf("an empty outbox has %d records of up to %v, %v; want none", records, oldest, err)
	}
	began := time.Now()
	inTx(t, db, false, box.Record, "rolled back")
	ids := []int64{inTx(t, db, true, box.Record, "toy:7"), inTx(t, db, true, box.Record, "toy:8")}
	time.Sleep(50 * time.Millisecond) // it is an age that is measured
	records, oldest, err := box.Backlog(t.Context())
	most := time.Since(began) + 10*time.Millisecond
	if records != 2 || oldest < 50*time.Millisecond || oldest > most || err != nil {
		t.Errorf("%d records of up to %v, %v; want 2, of 50ms to %v", records, oldest, err, most)
	}
	if err := box.Remove(t.Context(), ids, ""); err != nil {
		t.Fatal(err)
	}
	if records, oldest, err := box.Backlog(t.Context()); records != 0 || oldest != 0 || err != nil {
		t.Errorf("after the removal %d records of up to %v, %v; want none", records, oldest, err)
	}
}

func TestEpoch(t *testing.T) { onEach(t, testEpoch) }

func testEpoch(t *testing.T, on *kind) {
	_, box := on.mustOpen(t)
	before, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]bool{"": true, before.Token: true}
	for _, row := range []struct{ least, want ledger.State }{
		{ledger.State{}, ledger.State{Epoch: before.Epoch + 1, Wire: 1}},
		{
			ledger.State{Epoch: before.Epoch + 10, Wire: 1, Run: "a"},
			ledger.State{Epoch: before.Epoch + 10, Wire: 1, Run: "a"},
		},
		{ledger.State{Epoch: 3, Wire: 2}, ledger.State{Epoch: before.Epoch + 11, Wire: 2, Run: "a"}},
		{ledger.State{Wire: 1, Run: "b"}, ledger.State{Epoch: before.Epoch + 12, Wire: 2, Run: "b"}},
	} {
		bumped, err := box.Bump(t.Context(), row.least)
		if tokens[bumped.Token] {
			t.Errorf("the token %q was there before", bumped.Token)
		}
		tokens[bumped.Token] = true
		row.want.Token, row.want.Ledger = bumped.Token, before.Ledger
		if err != nil || bumped != row.want {
			t.Errorf("bumped to %+v at least: %+v, %v; want %+v", row.least, bumped, err, row.want)
		}
		read, _, err := box.Read(t.Context(), 0)
		if err != nil || read != bumped {
			t.Errorf("read %+v, %v; want %+v", read, err, bumped)
		}
	}
}

// TestUnreachable checks that a server which is gone counts as unreachable where its address is said to be that of the
// only one, that a call which ran out of time never does, and that the error says what to do elsewhere.
func TestUnreachable(t *testing.T) { onEach(t, testUnreachable) }

func testUnreachable(t *testing.T, on *kind) {
	server := on.start(t)
	db, direct := on.mustOpenOn(t, server, outbox.Config{Direct: true})
	elsewhere := on.mustMake(t, outbox.Config{DB: db})
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, _, err := direct.Read(late, 0); !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("the only server, late: %v, want DeadlineExceeded and not ErrUnreachable", err)
	}
	if _, _, err := elsewhere.Read(late, 0); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that may be one of many, late: %v, want an error that is no proof of silence", err)
	}
	server.Kill()
	if _, _, err := direct.Read(t.Context(), 0); !errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("the only server, gone: %v, want ErrUnreachable", err)
	}
	_, _, err := elsewhere.Read(t.Context(), 0)
	if err == nil || errors.Is(err, ledger.ErrUnreachable) || !strings.Contains(err.Error(), "set Direct") {
		t.Errorf("a server that may be one of many, gone: %v, want an error that names Direct, not ErrUnreachable", err)
	}
}

// TestUncached checks that a writer without a cache takes no time while nobody caches, and invalidates in those that
// do.
func TestUncached(t *testing.T) { onEach(t, testUncached) }

func testUncached(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	const lease = 6 * time.Second // Settle has four of them: a machine may stall in each for two seconds
	uncached := outbox.Uncached{Outbox: box, Lease: lease}
	if id := inTx(t, db, true, uncached.Record, "toy:7"); id != 0 {
		t.Errorf("a record %d was made though nobody caches", id)
	}
	if err := uncached.Settle(0); err != nil {
		t.Error(err)
	}
	before, _, err := box.Read(t.Context(), 0) // a replica that caches
	if err != nil {
		t.Fatal(err)
	}
	id := inTx(t, db, true, uncached.Record, "toy:7")
	if id == 0 {
		t.Fatal("no record was made though somebody caches")
	}
	began := time.Now()
	if err := uncached.Settle(id); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < lease {
		t.Errorf("the write was acknowledged after %v, before a lease was over", took)
	}
	after, left, err := box.Read(t.Context(), 0)
	if err != nil || after.Epoch <= before.Epoch || len(left) != 0 {
		t.Errorf("epoch %d after %d, %d records, %v; want a later one and none", after.Epoch, before.Epoch, len(left),
			err)
	}
}

// TestAnUnreadableRecord checks that a record which says nothing is no reason not to read the epoch, and that
// everything is taken for invalidated by it.
func TestAnUnreadableRecord(t *testing.T) { onEach(t, testAnUnreadableRecord) }

func testAnUnreadableRecord(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	before, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO toys_outbox (id, tags, recorded_us) VALUES (1, '[\"cut', 1)"); err != nil {
		t.Fatal(err)
	}
	id := inTx(t, db, true, box.Record, "toy:7")
	if _, left, err := box.Read(t.Context(), 0); err != nil || len(left) != 1 || left[0].ID != id {
		t.Errorf("records: %v, %v; want the good one", left, err)
	}
	after, left, err := box.Read(t.Context(), 0)
	if err != nil || after.Epoch != before.Epoch+1 || len(left) != 1 {
		t.Errorf("epoch %d after %d, records %v, %v; want the next, and the good record alone", after.Epoch,
			before.Epoch, left, err)
	}
}

// TestALostClaim checks that a claim to cache is renewed when it is gone, as after a fail-over to a copy of the
// database that lagged.
func TestALostClaim(t *testing.T) { onEach(t, testALostClaim) }

func testALostClaim(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
	for range 2 {
		if _, _, err := box.Read(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if id := inTx(t, db, true, uncached.Record, "toy:7"); id == 0 {
			t.Error("a writer was told that nobody caches, after a replica had read the epoch")
		}
		if _, err := db.Exec("UPDATE toys_cache SET used_until_us = 0"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheFirstCacheWaitsForUncachedWriters checks that a replica does not begin to cache before a writer has committed
// that read that nobody caches.
func TestTheFirstCacheWaitsForUncachedWriters(t *testing.T) {
	onEach(t, testTheFirstCacheWaitsForUncachedWriters)
}

func testTheFirstCacheWaitsForUncachedWriters(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if id, err := uncached.Record(t.Context(), tx, "toy:7"); id != 0 || err != nil {
		t.Fatal(id, err)
	}
	read := make(chan error, 1)
	go func() {
		_, _, err := box.Read(context.Background(), 0)
		read <- err
	}()
	select {
	case err := <-read:
		t.Fatalf("a replica began to cache beside a write that does not know of it (%v)", err)
	case <-time.After(200 * time.Millisecond):
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// TestRecordsByAnotherClock reads a record that was made by a server whose clock is ahead: by the one that has followed
// it its age is unknown. Nodes of a cluster make records side by side.
func TestRecordsByAnotherClock(t *testing.T) { onEach(t, testRecordsByAnotherClock) }

func testRecordsByAnotherClock(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	id := inTx(t, db, true, box.Record, "toy:7")
	handed, err := box.HandOver(t.Context(), []string{"toy:8"})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Remove(t.Context(), []int64{handed.ID}, ""); err != nil { // it is carried out: of no age
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE toys_outbox SET recorded_us = recorded_us + 30000000"); err != nil {
		t.Fatal(err)
	}
	_, left, err := box.Read(t.Context(), time.Hour)
	if err != nil || len(left) != 1 || left[0].ID != id || left[0].Waited {
		t.Errorf("records of the future: %+v, %v; want the one that a writer made", left, err)
	}
	box.AmongNodes()
	if _, left, err := box.Read(t.Context(), time.Hour); err != nil || len(left) != 0 {
		t.Errorf("records of the future, in a cluster: %+v, %v; want none", left, err)
	}
}

// TestRemoveByAnotherClock removes a record that was made by another node of a cluster, whose clock is ahead.
func TestRemoveByAnotherClock(t *testing.T) { onEach(t, testRemoveByAnotherClock) }

func testRemoveByAnotherClock(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	id := inTx(t, db, true, box.Record, "toy:7")
	if _, err := db.Exec("UPDATE toys_outbox SET recorded_us = recorded_us + 10000000"); err != nil {
		t.Fatal(err)
	}
	if err := box.Remove(t.Context(), []int64{id}, ""); err != nil {
		t.Fatal(err)
	}
	if n := mustCount(t, db, "SELECT COUNT(*) FROM toys_outbox"); n != 0 {
		t.Errorf("%d records are left, want none", n)
	}
}
