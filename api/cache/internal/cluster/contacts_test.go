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
		unreachable bool    // by the last of them
		unbroken    bool    // since 1000
	}{
		{"it answers", []error{nil, nil}, false, true},
		{"it refuses connections", []error{nil, refused}, true, false},
		{"it refused connections", []error{refused, nil}, false, false},
		{"it is there, with an error", []error{nil, broken}, false, true},
		{"it has only errors", []error{broken, broken}, false, false},
		{"it is slow", []error{nil, late, late, late, late, late}, false, true},
		{"it is silent for more than five leases", []error{nil, late, late, late, late, late, late}, true, false},
		{"it has said something in between", []error{nil, late, late, broken, late, late, late}, false, true},
		{"it answers after it was silent", []error{nil, late, late, late, late, late, late, nil}, false, false},
	} {
		c := &contacts{}
		var unreachable bool
		for i, err := range row.errs {
			unreachable = c.note(int64(1000+lease*i), err, lease)
		}
		if unreachable != row.unreachable || c.unbroken(1000) != row.unbroken {
			t.Errorf("%s: unreachable %v, unbroken %v; want %v, %v", row.what, unreachable, c.unbroken(1000), row.unreachable, row.unbroken)
		}
	}
}
