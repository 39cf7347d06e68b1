package oracle_test

import (
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func TestFindings(t *testing.T) {
	var findings oracle.Findings
	if got := findings.Add(oracle.Good, "fine"); got != oracle.Good || findings.Any() {
		t.Errorf("a good answer: %v, and any is %t", got, findings.Any())
	}
	for _, verdict := range []oracle.Verdict{oracle.Stale, oracle.Stale, oracle.Wrong, oracle.Lost} {
		if got := findings.Add(verdict, "an answer is %v", verdict); got != verdict {
			t.Errorf("%v is passed on as %v", verdict, got)
		}
	}
	want := []string{"an answer is stale", "an answer is stale", "an answer is wrong", "an answer is lost"}
	for range 2 {
		if got := findings.Sum(); got.Stale != 2 || got.Wrong != 1 || got.Lost != 1 || got.All() != 4 ||
			!slices.Equal(got.Examples, want) {
			t.Errorf("sum %+v", got)
		}
	}
	if !findings.Any() {
		t.Error("any is false, though there are four")
	}
	if got := findings.Take(); got.All() != 4 {
		t.Errorf("took %+v, want all four", got)
	}
	if got := findings.Take(); got.All() != 0 || len(got.Examples) != 0 || findings.Any() {
		t.Errorf("took %+v, want nothing that was taken before", got)
	}
}

// TestManyFindings checks that all findings are counted, and that the first of them have a description.
func TestManyFindings(t *testing.T) {
	var findings oracle.Findings
	for range 1000 {
		findings.Add(oracle.Stale, "again")
	}
	if got := findings.Sum(); got.Stale != 1000 || len(got.Examples) != 100 {
		t.Errorf("%d, %d of them in words; want 1000, 100 in words", got.Stale, len(got.Examples))
	}
}
