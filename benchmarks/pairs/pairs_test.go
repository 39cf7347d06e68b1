package pairs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/pairs"
)

func TestRatioAndItsInterval(t *testing.T) {
	a, b := make([]float64, 10), make([]float64, 10)
	for i := range a {
		a[i], b[i] = float64(i+1), 1
	}
	got := pairs.Of(a, b)
	// For ten pairs the sign test leaves one out at each end: ranks 2 to 9 hold the median with 97.9%.
	if want := (pairs.Ratio{Median: 5.5, Low: 2, High: 9, Pairs: 10}); got != want {
		t.Errorf("ratio = %+v, want %+v", got, want)
	}
}

func TestTooFewPairsPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("five pairs have no 95% interval, and Of made one")
		}
	}()
	pairs.Of(make([]float64, 5), make([]float64, 5))
}

func TestInterleaving(t *testing.T) {
	var order strings.Builder
	measure := func(name string) func() (float64, error) {
		return func() (float64, error) { order.WriteString(name); return 1, nil }
	}
	as, bs, err := pairs.Interleave(4, measure("A"), measure("B"))
	if got, want := order.String(), "ABBAABBA"; got != want || len(as) != 4 || len(bs) != 4 || err != nil {
		t.Errorf("order %s, %d and %d values, %v; want %s, 4 and 4", got, len(as), len(bs), err, want)
	}
}

func TestInterleavingStopsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	_, _, err := pairs.Interleave(4, func() (float64, error) { return 1, nil }, func() (float64, error) {
		calls++
		return 0, broken
	})
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("%d calls, %v; want one and its error", calls, err)
	}
}
