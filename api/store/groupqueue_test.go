package store

import (
	"testing"

	"github.com/woodytoys/woodytoys/api/shop"
)

// TestARefusalStands checks which refusals stand after a transaction that ended with an error: only one that may be
// committed refused rightly, and the first use of a key may have been in any.
func TestARefusalStands(t *testing.T) {
	soldOut := &shop.Error{Kind: shop.SoldOut}
	for _, row := range []struct {
		what           string
		refused, ended error
		want           bool
	}{
		{"sold out, disk full", soldOut, &shop.Error{Kind: shop.Full}, false},
		{"sold out, database away", soldOut, &shop.Error{Kind: shop.Unavailable}, false},
		{"sold out, nobody knows", soldOut, &shop.Error{Kind: shop.Uncertain}, true},
		{"key used, nobody knows", errKeyUsed, &shop.Error{Kind: shop.Uncertain}, false},
	} {
		if got := stands(row.refused, row.ended); got != row.want {
			t.Errorf("%s: stands is %v, want %v", row.what, got, row.want)
		}
	}
}

// TestAGroupEnds takes groups that end before what does not fit, and has what fits nowhere be a group of its own.
func TestAGroupEnds(t *testing.T) {
	q := newQueue[int](1, 3)
	for _, size := range []int{9, 1, 2, 3, 1, 1, 1, 1} {
		q.add(size)
	}
	for _, want := range [][]int{{9}, {1, 2}, {3, 1}, {1, 1, 1}, {}} {
		sum := 0
		got := q.takeWhile(func(size int) bool { sum += size; return sum <= 4 })
		if len(got) != len(want) {
			t.Errorf("a group of %v, want %v", got, want)
		}
	}
}
