package outbox_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

// mustBe fails the test unless a record that was handed over is in this state.
func mustBe(t *testing.T, box *outbox.Outbox, record ledger.Record, want ledger.Progress) {
	t.Helper()
	if got, err := box.Progress(t.Context(), record); err != nil || got != want {
		t.Fatalf("record %d: %v, %v; want %v", record.ID, got, err, want)
	}
}

func mustCount(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHandOver follows a record that was handed over, which several replicas carry out, to its end.
func TestHandOver(t *testing.T) { onEach(t, testHandOver) }

func testHandOver(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	record, err := box.HandOver(t.Context(), []string{"toys", "toy:7", "toys"})
	if err != nil {
		t.Fatal(err)
	}
	mustBe(t, box, record, ledger.Waiting)
	_, left, err := box.Read(t.Context(), time.Hour)
	if err != nil || len(left) != 1 || !left[0].Waited || left[0].ID != record.ID ||
		!slices.Equal(left[0].Tags, []string{"toy:7", "toys"}) {
		t.Fatalf("records older than an hour: %+v, %v; want the one that was handed over", left, err)
	}
	for range 2 {
		if err := box.Take(t.Context(), []int64{record.ID, 12345}); err != nil {
			t.Fatal(err)
		}
		mustBe(t, box, record, ledger.Taken)
	}
	if _, left, err = box.Read(t.Context(), time.Hour); len(left) != 1 || !left[0].Waited || err != nil {
		t.Errorf("a record that was taken: %+v, %v; want it there for the others, should its taker die", left, err)
	}
	own := inTx(t, db, true, box.Record, "toy:8")
	for range 2 {
		if err := box.Remove(t.Context(), []int64{record.ID, own}, ""); err != nil {
			t.Fatal(err)
		}
		if err := box.Take(t.Context(), []int64{record.ID}); err != nil { // a replica that is slow
			t.Fatal(err)
		}
	}
	if _, left, err = box.Read(t.Context(), 0); len(left) != 0 || err != nil {
		t.Errorf("after it was carried out: %+v, %v; want none", left, err)
	}
	for range 2 {
		mustBe(t, box, record, ledger.CarriedOut)
	}
	if err := box.Withdraw(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if n := mustCount(t, db, "SELECT COUNT(*) FROM toys_outbox"); n != 0 {
		t.Errorf("%d records are left when its writer has withdrawn it", n)
	}
}

// TestAHandOverWhoseWriterDied checks that a record which was carried out does not stay for ever when nobody asks for
// it.
func TestAHandOverWhoseWriterDied(t *testing.T) { onEach(t, testAHandOverWhoseWriterDied) }

func testAHandOverWhoseWriterDied(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	record, err := box.HandOver(t.Context(), []string{"toy:7"})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Remove(t.Context(), []int64{record.ID}, ""); err != nil {
		t.Fatal(err)
	}
	// An hour later.
	if _, err := db.Exec("UPDATE toys_outbox SET recorded_us = recorded_us - 3600000000"); err != nil {
		t.Fatal(err)
	}
	_, left, err := box.Read(t.Context(), time.Second)
	if err != nil || len(left) != 1 || left[0].Waited {
		t.Errorf("records: %+v, %v; want it once more, like any other", left, err)
	}
	if err := box.Remove(t.Context(), []int64{record.ID}, ""); err != nil {
		t.Fatal(err)
	}
	if n := mustCount(t, db, "SELECT COUNT(*) FROM toys_outbox"); n != 0 {
		t.Errorf("%d records are left", n)
	}
}

// TestManyHandOvers checks that records which were handed over, however many, hide none that a writer left who is gone.
func TestManyHandOvers(t *testing.T) { onEach(t, testManyHandOvers) }

func testManyHandOvers(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	dead := inTx(t, db, true, box.Record, "toy:8")
	for range 150 {
		if _, err := box.HandOver(t.Context(), []string{"toy:7"}); err != nil {
			t.Fatal(err)
		}
	}
	_, left, err := box.Read(t.Context(), 0)
	found := slices.ContainsFunc(left, func(r ledger.Record) bool { return r.ID == dead && !r.Waited })
	if err != nil || !found || len(left) != 101 {
		t.Errorf("%d records are left (%v), the dead writer's among them: %v; want it and a hundred",
			len(left), err, found)
	}
}

// TestALostHandOver checks that a record which the database has lost does not count as carried out, whatever has its
// number by then.
func TestALostHandOver(t *testing.T) { onEach(t, testALostHandOver) }

func testALostHandOver(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	record, err := box.HandOver(t.Context(), []string{"toy:7"})
	if err != nil {
		t.Fatal(err)
	}
	const insert = "INSERT INTO toys_outbox (id, tags, recorded_us) VALUES "
	for what, statement := range map[string]string{
		"gone":               "DELETE FROM toys_outbox",
		"a write's":          insert + `(?, '["toy:7"]', 1700000000000000)`,
		"another's":          insert + `(?, '["toy:8"]', 9000000000000000)`,
		"one of another age": `INSERT INTO toys_outbox (id, tags, recorded_us) VALUES (?, 'cut', 9000000000000000)`,
	} {
		if _, err := db.Exec("DELETE FROM toys_outbox"); err != nil {
			t.Fatal(err)
		}
		if what != "gone" {
			if _, err := db.Exec(on.sql(statement), record.ID); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := box.Progress(t.Context(), record); err == nil {
			t.Errorf("%s: %v, want an error", what, got)
		}
		if err := box.Withdraw(t.Context(), record); err == nil {
			t.Errorf("%s: it was withdrawn, want an error", what)
		}
	}
}

// TestUncachedHandsOver checks that a writer without a cache bumps no epoch while a replica carries its writes out.
func TestUncachedHandsOver(t *testing.T) { onEach(t, testUncachedHandsOver) }

func testUncachedHandsOver(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	before, _, err := box.Read(t.Context(), 0) // a replica that caches
	if err != nil {
		t.Fatal(err)
	}
	uncached := outbox.Uncached{Outbox: box, Lease: 20 * time.Second}
	id := inTx(t, db, true, uncached.Record, "toy:7")
	settled := make(chan error, 1)
	go func() { settled <- uncached.Settle(id) }()
	carryOut := func(ctx context.Context) {
		_, left, err := box.Read(ctx, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range left {
			if !slices.Equal(record.Tags, []string{"toy:7"}) {
				t.Errorf("tags %v were handed over", record.Tags)
			}
			if err := box.Remove(ctx, []int64{record.ID}, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	for done := false; !done; {
		select {
		case err := <-settled:
			if err != nil {
				t.Error(err)
			}
			done = true
		case <-time.After(10 * time.Millisecond):
			carryOut(t.Context())
		}
	}
	after, left, err := box.Read(t.Context(), 0)
	if err != nil || after != before || len(left) != 0 {
		t.Errorf("%+v after %+v, %d records, %v; want the same epoch, and none", after, before, len(left), err)
	}
	if n := mustCount(t, db, "SELECT COUNT(*) FROM toys_outbox"); n != 0 {
		t.Errorf("%d records are left", n)
	}
}
