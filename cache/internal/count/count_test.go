package count

import (
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	h := NewHistogram(time.Millisecond, 10, 3)
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 100 * time.Millisecond, time.Second} {
		h.Observe(d)
	}
	got := h.Load()
	if want := []time.Duration{1e6, 1e7, 1e8}; !slices.Equal(got.Bounds, want) {
		t.Errorf("the bounds are %v, want %v", got.Bounds, want)
	}
	if want := []uint64{2, 1, 1, 1}; !slices.Equal(got.Counts, want) {
		t.Errorf("the counts are %v, want %v: a bound belongs to what is below it", got.Counts, want)
	}
	if want := 1102*time.Millisecond + 1; got.Sum != want || got.Count() != 5 {
		t.Errorf("the sum is %v of %d, want %v of 5", got.Sum, got.Count(), want)
	}
}
