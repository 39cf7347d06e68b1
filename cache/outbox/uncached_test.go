package outbox_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/handover"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestUncachedWithoutGalera checks a writer without a cache on a MariaDB that has no variables of Galera's.
func TestUncachedWithoutGalera(t *testing.T) {
	db, box := onMySQL.mustOpen(t)
	box.ForgetGalera()
	uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
	if id := inTx(t, db, true, uncached.Record, "toy:7"); id != 0 {
		t.Errorf("record %d while nobody caches, want none", id)
	}
	if _, _, err := box.Read(t.Context(), 0); err != nil { // a replica that caches
		t.Fatal(err)
	}
	if id := inTx(t, db, true, uncached.Record, "toy:7"); id == 0 {
		t.Error("no record, while a replica caches")
	}
}

// TestUncachedAndAnOutage silences the database while a writer without a cache waits for its bump to be known, for so
// long that others may have taken it for unreachable. It checks that the writer waits for a lease from there.
func TestUncachedAndAnOutage(t *testing.T) { onEach(t, testUncachedAndAnOutage) }

func testUncachedAndAnOutage(t *testing.T, on *kind) {
	wire, dsn, err := on.shared.StartWire(servertest.MustMakeDatabase(t, on.shared))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	db := on.mustConnect(t, dsn)
	box := on.mustMake(t, outbox.Config{DB: db})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const lease = 8 * time.Second // for which a busy machine has the ledger read in time
	uncached := outbox.Uncached{Outbox: box, Lease: lease}
	before, _, err := box.Read(t.Context(), 0) // a replica that caches
	if err != nil {
		t.Fatal(err)
	}
	id := inTx(t, db, true, uncached.Record, "toy:7")
	settled := make(chan error)
	go func() { settled <- uncached.Settle(id) }()
	for state := before; state.Epoch == before.Epoch; time.Sleep(lease / 100) {
		if state, err = box.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(lease / 10)
	wire.Hang()
	time.Sleep(handover.Overlap(lease) + lease/20)
	began := time.Now()
	wire.Mend()
	if err := <-settled; err != nil || time.Since(began) < lease {
		t.Errorf("%v after %v, want it acknowledged a lease after the outage", err, time.Since(began))
	}
}

// TestUncachedSharesBumps has more writers settle than the database remembers bumps, while nobody takes what is handed
// over, and checks that each is acknowledged and that they share their bumps.
func TestUncachedSharesBumps(t *testing.T) { onEach(t, testUncachedSharesBumps) }

func testUncachedSharesBumps(t *testing.T, on *kind) {
	db := on.mustConnect(t, servertest.MustMakeDatabase(t, on.shared))
	db.SetMaxOpenConns(20) // of a server that other tests use too
	db.SetMaxIdleConns(20)
	box := on.mustMake(t, outbox.Config{DB: db})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const lease = 6 * time.Second // for which a busy machine has the ledger read in time
	uncached := outbox.Uncached{Outbox: box, Lease: lease}
	before, _, err := box.Read(t.Context(), 0) // a replica that caches
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i := range 90 {
		id := inTx(t, db, true, uncached.Record, fmt.Sprint("toy:", i))
		writers.Go(func() {
			if err := uncached.Settle(id); err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	writers.Wait()
	after, err := box.Look(t.Context())
	if bumps := after.Epoch - before.Epoch; err != nil || bumps < 1 || bumps > 8 {
		t.Errorf("90 writers at once have made %d bumps, %v; want some for all", bumps, err)
	}
}
