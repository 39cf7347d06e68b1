package oracle_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func TestCount(t *testing.T) {
	var count oracle.Count
	count.Added(3)
	floor := count.Floor()
	count.Added(1) // acknowledged while the read is under way
	for answer, want := range map[int64]oracle.Verdict{2: oracle.Stale, 3: oracle.Good, 4: oracle.Good,
		5: oracle.Good} {
		if got := count.Judge(floor, answer); got != want {
			t.Errorf("%d of 3: %v, want %v", answer, got, want)
		}
	}
	count.Deleting() // begins while the read is under way
	for answer, want := range map[int64]oracle.Verdict{1: oracle.Stale, 2: oracle.Good, 3: oracle.Good} {
		if got := count.Judge(floor, answer); got != want {
			t.Errorf("%d of 3, one of which may be deleted: %v, want %v", answer, got, want)
		}
	}
}
