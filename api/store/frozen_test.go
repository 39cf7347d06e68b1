package store_test

import (
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/store"
)

// TestAFrozenReplicaHoldsNoRows stops a replica in the middle of a write for longer than others wait. It checks that
// the server rolls its transaction back, that another replica can write the same product meanwhile, and that the
// stopped one repeats its write when it goes on.
func TestAFrozenReplicaHoldsNoRows(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t), Timeout: time.Minute}
	other := mustOpen(t, cfg)
	p := mustAdd(t, other, "Robot")
	journal := &heldJournal{letGo: make(chan struct{})}
	cfg.Journal = journal
	frozen := mustOpen(t, cfg)
	ended := make(chan error, 1)
	go func() {
		_, err := frozen.RenameProduct(t.Context(), p.ID, "Lost", nil)
		ended <- err
	}()
	await(t, func() bool { return journal.records.Load() == 1 })
	if got, err := other.RenameProduct(t.Context(), p.ID, "Train", nil); err != nil || got.Name != "Train" {
		t.Errorf("renamed to %q, %v", got.Name, err)
	}
	close(journal.letGo)
	// What it had written was rolled back. It makes the write again, on top of the other one.
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if now, err := other.Product(t.Context(), p.ID); err != nil || now.Name != "Lost" || now.Version != p.Version+2 {
		t.Errorf("it is %+v, %v; want both writes, one after the other", now, err)
	}
}
