package outbox_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// TestABumpThatIsLost checks that the database knows a bump until it loses it, whatever number it comes to again, and
// that records which were carried out by one are removed only while it does.
func TestABumpThatIsLost(t *testing.T) { onEach(t, testABumpThatIsLost) }

func testABumpThatIsLost(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	first, err := box.Bump(t.Context(), ledger.State{})
	if err != nil {
		t.Fatal(err)
	}
	lost := inTx(t, db, true, box.Record, "toy:7")
	other := inTx(t, db, true, box.Record, "toy:7")
	for range 63 { // as many others as are remembered
		if _, err := box.Bump(t.Context(), ledger.State{}); err != nil {
			t.Fatal(err)
		}
	}
	if has, err := box.HasBump(t.Context(), first.Token); !has || err != nil {
		t.Errorf("the bump of 63 bumps ago is there: %v, %v", has, err)
	}
	if err := box.Remove(t.Context(), []int64{other}, first.Token); err != nil {
		t.Error(err)
	}
	const lose = "UPDATE toys_cache SET bumps = REPLACE(bumps, ?, '')"
	if _, err := db.Exec(on.sql(lose), first.Token); err != nil {
		t.Fatal(err)
	}
	if has, err := box.HasBump(t.Context(), first.Token); has || err != nil {
		t.Errorf("a bump that was lost is there: %v, %v", has, err)
	}
	if err := box.Remove(t.Context(), []int64{lost}, first.Token); err != nil {
		t.Error(err)
	}
	var left int64
	if err := db.QueryRowContext(t.Context(), "SELECT MAX(id) FROM toys_outbox").Scan(&left); err != nil ||
		left != lost {
		t.Errorf("record %d is left (%v), want %d, whose bump was lost", left, err, lost)
	}
}
