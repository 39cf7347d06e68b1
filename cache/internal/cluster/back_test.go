package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestNothingIsLearntDownwards checks that a replica which reads a lower epoch than it knows, or another of the same
// number, bumps the epoch past both, and takes neither for a contact before it has.
func TestNothingIsLearntDownwards(t *testing.T) {
	known := State{Epoch: 7, Token: "known", Wire: Wire, Run: "run"}
	for what, read := range map[string]State{
		"a lower epoch":              {Epoch: 5, Token: "known"},
		"another of the same number": {Epoch: 7, Token: "other", Wire: Wire, Run: "run"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ledger := &fakeLedger{state: known}
			w, called, _ := mustWatch(t, ledger)
			time.Sleep(time.Hour / 2)
			w.read()
			ledger.state = read
			ledger.bumpErr = ErrUnreachable
			held := w.lease.until.Load()
			w.read()
			if state, isKnown := w.current(); isKnown || state != known {
				t.Errorf("%s, and no bump: %+v, known %v; want the highest, and nothing known", what, state, isKnown)
			}
			if w.lease.until.Load() > held || len(*called) != 2 {
				t.Errorf("%s, and no bump: it counts as a contact, or nobody was told (%v)", what, *called)
			}
			ledger.bumpErr = nil
			w.read()
			state, isKnown := w.current()
			if !isKnown || state != ledger.state || state.Epoch != 8 || state.Wire != Wire || state.Token == "known" {
				t.Errorf("%s: %+v, known %v; want an epoch past the highest", what, state, isKnown)
			}
			if w.gate.until == 0 || len(*called) != 3 {
				t.Errorf("%s: the gate is open, or nobody was told (%v)", what, *called)
			}
		})
	}
}

// TestABumpIsLost makes the database lose a bump while its writer waits for it to be known. It checks that the writer
// waits for a lease from the next bump on, since another replica may have read the epoch before.
func TestABumpIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := State{Epoch: 1, Token: "before"}
		ledger := &fakeLedger{state: before}
		w, _, stop := mustWatch(t, ledger)
		time.Sleep(w.Lease)
		w.tasks.Go(w.run)
		defer w.tasks.Wait()
		defer stop()
		time.Sleep(time.Millisecond) // and it has been read
		bumped, err := w.bump(State{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(w.Lease/2, func() { ledger.set(before) })
		known, err := w.awaitBumped(bumped)
		if err != nil {
			t.Error(err)
		}
		if state, _ := w.current(); state.Epoch <= bumped.Epoch || !known.SameEpoch(state) {
			t.Errorf("the epoch is %d after %d was lost", state.Epoch, bumped.Epoch)
		}
		if took := time.Since(began); took < w.Lease*3/2 {
			t.Errorf("the bump counted as known after %v, less than a lease after it was lost", took)
		}
	})
}

// TestABumpIsLostAndItsNumberTaken makes the database lose a bump, and another replica bump the epoch past it before
// the writer reads it again. It checks that the writer does not go by the number: whoever read the epoch before still
// has a lease.
func TestABumpIsLostAndItsNumberTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1, Token: "before"}}
		w, _, stop := mustWatch(t, ledger)
		time.Sleep(w.Lease)
		w.tasks.Go(w.run)
		defer w.tasks.Wait()
		defer stop()
		time.Sleep(time.Millisecond) // and it has been read
		bumped, err := w.bump(State{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(w.Lease/2, func() {
			ledger.mu.Lock()
			defer ledger.mu.Unlock()
			ledger.tokens = nil
			ledger.state = State{Epoch: bumped.Epoch + 1, Token: "another's", Wire: Wire}
			ledger.tokens = append(ledger.tokens, ledger.state.Token)
		})
		known, err := w.awaitBumped(bumped)
		if err != nil || known.Token != "another's" {
			t.Errorf("known everywhere is %+v, %v; want the other's bump", known, err)
		}
		if took := time.Since(began); took < 2*w.Lease {
			t.Errorf("it counted as known after %v, less than a lease after the other was found", took)
		}
	})
}

// TestTwoEpochsOfOneNumber starts a replica on a Redis whose state is of another epoch with the same number, and checks
// that it does not take that for its own: each was bumped to in a database that knew nothing of the other.
func TestTwoEpochsOfOneNumber(t *testing.T) {
	server := servertest.MustStartRedis(t)
	start := func(ledger *fakeLedger) *Node {
		n := mustStartNode(t, server, ledger, func(cfg *Config) {
			cfg.Lease, cfg.Timeout = 5*time.Second, 10*time.Second
		})
		mustAwait(t, "a lease", func() bool { return n.Live(n.Now()) })
		return n
	}
	one := &fakeLedger{state: State{Epoch: 4}}
	first, _ := start(one).members.current()
	other := &fakeLedger{state: one.get()}
	other.state.Token = "other"
	second, _ := start(other).members.current()
	if first.inc == second.inc || other.get().Epoch <= one.get().Epoch {
		t.Errorf("sessions of %s and %s; want another incarnation and a later epoch",
			first.epoch.Name(), second.epoch.Name())
	}
}
