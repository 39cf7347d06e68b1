package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAContactThatLapsed checks what begins a contact with the database again: a reading that shows nothing left by the
// dead. A writer may have bumped the epoch meanwhile and died, and the database have lost the bump. And no refusal: it
// may have taken writes until a moment ago.
func TestAContactThatLapsed(t *testing.T) {
	for _, row := range []struct {
		what    string
		records []Record
		err     error
		contact bool
	}{
		{"nothing is left", nil, nil, true},
		{"a record is left", []Record{{ID: 7, Tags: []string{"toy:7"}}}, nil, false},
		{"a record was handed over", []Record{{ID: 7, Tags: []string{"toy:7"}, Waited: true}}, nil, true},
		{"it refuses", nil, ErrUnreachable, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &fakeLedger{state: State{Epoch: 1}}
			w, _, stop := mustWatch(t, ledger)
			defer stop()
			time.Sleep(10 * w.Lease)
			w.read()
			if !w.lease.hasDatabase(w.Now()) {
				t.Fatalf("%s: no contact to begin with", row.what)
			}
			ledger.mu.Lock()
			ledger.records, ledger.err = row.records, row.err
			ledger.mu.Unlock()
			w.read()
			if time.Sleep(w.Lease / 2); !w.lease.hasDatabase(w.Now()) {
				t.Errorf("%s: a contact that holds is not held on", row.what)
			}
			time.Sleep(2 * w.Lease)
			if w.read(); w.lease.hasDatabase(w.Now()) != row.contact {
				t.Errorf("%s: a contact %v after it had lapsed, want %v", row.what, !row.contact, row.contact)
			}
		})
	}
}
