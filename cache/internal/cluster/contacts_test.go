package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestContacts checks which readings of the ledger mean that nobody can be writing, and which that a bumped epoch can
// have been read by all.
func TestContacts(t *testing.T) {
	const lease, beat = 500, 100
	refused, late := fmt.Errorf("dial: %w", ErrUnreachable), fmt.Errorf("read: %w", context.DeadlineExceeded)
	silent := fmt.Errorf("read: %w", ErrSilent)
	broken := errors.New("no such table")
	times := func(n int, err error) []error { return slices.Repeat([]error{err}, n) }
	for _, row := range []struct {
		what        string
		errs        []error // of readings at 1000, 1100, ..., the first of them answered
		lapsed      bool    // the contact did not hold when they came
		unreachable bool    // by the last of them
		unbroken    bool    // since 1000
	}{
		{"it answers", times(1, nil), false, false, true},
		{"it answers, two beats later", []error{nil, errSkipped, nil}, false, false, false},
		{"it refuses connections", times(1, refused), false, false, false},
		{"it goes on refusing", times(3, refused), false, true, false},
		{"it refused connections", []error{refused, nil}, false, false, false},
		{"it refuses when the contact has lapsed", times(3, refused), true, false, false},
		{"it refuses for more than five leases", times(27, refused), true, true, false},
		{"it refuses, and has been slow in between", []error{refused, late, refused}, false, false, false},
		{"it is there, with an error", times(1, broken), false, false, true},
		{"it is slow", times(24, late), false, false, true},
		{"it is silent for more than five leases", times(26, late), false, true, false},
		{"it has said something in between", slices.Concat(times(5, late), times(1, broken), times(24, late)),
			false, false, true},
		{"its proxy refuses", times(24, silent), true, false, true},
		{"its proxy refuses for more than five leases", times(26, silent), true, true, false},
		{"its proxy refuses, and then none replies", append(times(13, silent), times(13, late)...), true, true, false},
		{"its proxy has led to it in between", slices.Concat(times(25, silent), times(1, nil), times(1, silent)),
			true, false, false},
		{"it answers after it was silent", append(times(26, late), nil), false, false, false},
	} {
		c := &contacts{answered: 900}
		c.note(1000, 1000, true, nil, lease)
		var unreachable bool
		for i, err := range row.errs {
			if at := int64(1100 + beat*i); err != errSkipped {
				unreachable = c.note(at, at, !row.lapsed, err, lease)
			}
		}
		if unreachable != row.unreachable || c.unbroken(1000) != row.unbroken {
			t.Errorf("%s: unreachable %v, unbroken %v; want %v, %v",
				row.what, unreachable, c.unbroken(1000), row.unreachable, row.unbroken)
		}
	}
}

// errSkipped is a reading that was not made.
var errSkipped = errors.New("skipped")
