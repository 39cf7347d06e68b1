package main

import "testing"

func TestPathDataComesBack(t *testing.T) {
	const data = "M10 20L30.5 40C1 2 3 4 5 6Z"
	if got := outline("M10 20 L30.5,40 C1 2 3 4 5 6 Z").data(); got != data {
		t.Errorf("data = %q, want %q", got, data)
	}
}

func TestBadPathDataPanics(t *testing.T) {
	for _, data := range []string{"M10", "M1 2 L3 x", "X1 2"} {
		t.Run(data, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("outline(%q) did not panic", data)
				}
			}()
			outline(data)
		})
	}
}

// TestCoverage paints a square of 2.5 by 1.5 pixels and counts what it covers.
func TestCoverage(t *testing.T) {
	square := outline("M1 1 L3.5 1 L3.5 2.5 L1 2.5 Z").flatten(1)
	row := make([]int, 8)
	for y, want := range [][]int{{0, 0, 0, 0}, {0, 256, 256, 128}, {0, 128, 128, 64}, {0, 0, 0, 0}} {
		clear(row)
		square.coverage(y, 6, row, nil)
		for x := range want {
			if row[x] != want[x] {
				t.Errorf("pixel (%d, %d) is covered %d/256, want %d", x, y, row[x], want[x])
			}
		}
	}
}

func TestHoleStaysOpen(t *testing.T) {
	disc := ring(10, 10, 8, 4).flatten(1)
	row := make([]int, 22)
	disc.coverage(10, 20, row, nil)
	if row[4] != 256 || row[10] != 0 {
		t.Errorf("the ring covers %d of its rim and %d of its hole, want 256 and 0", row[4], row[10])
	}
}
