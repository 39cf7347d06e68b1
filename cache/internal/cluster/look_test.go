package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestOneLookServesAllBefore checks that a look is sent after whoever asked for it, and serves all who did.
func TestOneLookServesAllBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{}
		sent, states := 0, make(chan State)
		ledger.look = func() (State, error) {
			sent++
			return <-states, nil
		}
		p, _ := newPart(t, ledger)
		l := &looks{part: p}
		first := l.begin()
		synctest.Wait()
		second, third := l.begin(), l.begin()
		synctest.Wait()
		if second == first || second != third || sent != 1 {
			t.Errorf("while one look was under way, %d were sent; want the others to share the next", sent)
		}
		states <- State{Epoch: 1}
		states <- State{Epoch: 2}
		for look, want := range map[*look]uint64{first: 1, second: 2} {
			if state, err := l.await(look); err != nil || state.Epoch != want {
				t.Errorf("the look found %+v, %v; want epoch %d", state, err, want)
			}
		}
		p.tasks.Wait()
		if sent != 2 {
			t.Errorf("%d looks were sent, want 2", sent)
		}
	})
}

// TestALookThatFails checks that a look is taken again, for a lease, and that nothing is found out then.
func TestALookThatFails(t *testing.T) {
	failure := errors.New("no such table")
	for _, row := range []struct {
		what  string
		lasts time.Duration
		err   error
	}{
		{"for a while", time.Second / 2, nil},
		{"for long", time.Hour, failure},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &fakeLedger{state: State{Epoch: 1}}
			began := time.Now()
			ledger.look = func() (State, error) {
				if time.Since(began) < row.lasts {
					return State{}, failure
				}
				return ledger.state, nil
			}
			p, _ := newPart(t, ledger)
			l := &looks{part: p}
			state, err := l.await(l.begin())
			if !errors.Is(err, row.err) || err == nil && state != ledger.state {
				t.Errorf("%s: %+v, %v; want error %v", row.what, state, err, row.err)
			}
			if took := time.Since(began); took > p.Lease+p.Lease/10 {
				t.Errorf("%s: %v, want a lease at most", row.what, took)
			}
		})
	}
}

// TestNoAcknowledgementWithoutALook checks that a write which all members have heard of is refused while the database
// does not say whether that was under its epoch, and that its record is left.
func TestNoAcknowledgementWithoutALook(t *testing.T) {
	server := servertest.MustStartRedis(t)
	failure := errors.New("no such table")
	ledger := &fakeLedger{state: State{Epoch: 1}, look: func() (State, error) { return State{}, failure }}
	n := mustStartNode(t, server, ledger, func(cfg *Config) { cfg.Timeout = 10 * time.Second })
	for deadline := time.Now().Add(30 * time.Second); n.members.ready() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the replica has no session")
		}
	}
	if err := n.Settle(context.Background(), 7, []string{"toy:7"}); !errors.Is(err, failure) {
		t.Errorf("the write: %v, want %v", err, failure)
	}
	if !n.records.claim(7) {
		t.Error("its record counts as carried out")
	}
}
