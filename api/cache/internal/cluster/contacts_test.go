package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// TestContacts holds which readings of the ledger mean that nobody can be writing, and which that a bumped epoch can
// have been read by all.
func TestContacts(t *testing.T) {
	const lease = 100
	refused, late := fmt.Errorf("dial: %w", ErrUnreachable), fmt.Errorf("read: %w", context.DeadlineExceeded)
	broken := errors.New("no such table")
	for _, row := range []struct {
		what        string
		errs        []error // of readings at 1000, 1100, ...
		lapsed      bool    // the contact did not hold when they were begun
		unreachable bool    // by the last of them
		unbroken    bool    // since 1000
	}{
		{"it answers", []error{nil, nil}, false, false, true},
		{"it refuses connections", []error{nil, refused}, false, true, false},
		{"it refused connections", []error{refused, nil}, false, false, false},
		{"it refuses when the contact has lapsed", []error{nil, refused, refused}, true, false, false},
		{"it refuses for more than five leases", []error{refused, refused, refused, refused, refused, refused, refused}, true, true, false},
		{"it is there, with an error", []error{nil, broken}, false, false, true},
		{"it has only errors", []error{broken, broken}, false, false, false},
		{"it is slow", []error{nil, late, late, late, late, late}, false, false, true},
		{"it is silent for more than five leases", []error{nil, late, late, late, late, late, late}, false, true, false},
		{"it has said something in between", []error{nil, late, late, broken, late, late, late}, false, false, true},
		{"it answers after it was silent", []error{nil, late, late, late, late, late, late, nil}, false, false, false},
	} {
		c := &contacts{answered: 900}
		var unreachable bool
		for i, err := range row.errs {
			unreachable = c.note(int64(1000+lease*i), !row.lapsed, err, lease)
		}
		if unreachable != row.unreachable || c.unbroken(1000) != row.unbroken {
			t.Errorf("%s: unreachable %v, unbroken %v; want %v, %v", row.what, unreachable, c.unbroken(1000), row.unreachable, row.unbroken)
		}
	}
}
