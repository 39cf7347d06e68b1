package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// watch is this replica's part in the ledger: it reads the epoch and the outbox at every beat, and bumps the epoch.
type watch struct {
	part
	lease *lease // each contact with the database extends it
	gate  *gate  // another epoch shuts it
	// moved is called when there is another epoch, and left with the records that dead writers left.
	moved func()
	left  func([]Record)

	poked chan struct{} // the ledger is to be read now

	reading  sync.Mutex // held while the ledger is read
	contacts contacts
	logged   string // the last error that was logged

	mu    sync.Mutex
	state State // the highest that this replica knows
	known bool  // it is that of the ledger: false before the ledger was read, and when the ledger has gone back
}

func newWatch(p part, lease *lease, gate *gate) *watch {
	return &watch{part: p, lease: lease, gate: gate, poked: make(chan struct{}, 1)}
}

// current returns the highest state that this replica has seen, and whether it is the ledger's, by the last reading.
func (w *watch) current() (state State, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state, w.known
}

// run reads the ledger at every beat.
func (w *watch) run() {
	ticker := time.NewTicker(w.beat())
	defer ticker.Stop()
	for w.ctx.Err() == nil {
		w.read()
		select {
		case <-w.ctx.Done():
		case <-ticker.C:
		case <-w.poked:
		}
	}
}

// poke requests a reading of the ledger soon.
func (w *watch) poke() {
	select {
	case w.poked <- struct{}{}:
	default:
	}
}

// read learns the epoch, and has carried out what dead writers left. A contact with the database counts from when it
// was asked: a replica that bumps the epoch later waits that long before it acknowledges its write. A database that is
// unreachable counts the same, for nothing can be changing then.
//
// Where the contact had lapsed, a writer may have bumped the epoch and acknowledged its write meanwhile, and the
// database have lost the bump since. What it has not lost then is the record: a reading that brings any is no contact
// before they have been carried out. The database may be another server by then, with another clock: Ledger.Read brings
// what is of the future by that one, too.
func (w *watch) read() {
	w.reading.Lock()
	defer w.reading.Unlock()
	asked := w.Now()
	timeout := w.Lease / 2
	if w.contacts.silent(asked, w.Lease) {
		timeout = w.Lease / 4 // so that each reading extends the lease of the one before
	}
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	state, left, err := w.Ledger.Read(ctx, w.grace())
	if err == nil && !w.follows(state) {
		w.contacts.broken = asked
		state, err = w.pass(ctx, state)
	}
	cancel()
	if w.ctx.Err() != nil {
		return
	}
	now := w.Now() // when it came, however long that took
	held := w.lease.hasDatabase(now) || broken.Lapse
	unreachable := w.contacts.note(asked, now, held, err, w.Lease)
	w.say(err)
	if _, known := w.current(); err != nil && known && state != (State{}) && w.follows(state) {
		w.learn(state) // another epoch ends the session; none begins by what is no contact
	}
	if err == nil {
		w.learn(state)
		w.gate.passBy(asked, w.contacts.broken)
	}
	if _, known := w.current(); err == nil && (held || !leftByTheDead(left)) || unreachable && known {
		w.lease.extendDatabase(asked + w.usable())
	}
	if len(left) > 0 && !broken.Outbox {
		w.left(left)
	}
}

// leftByTheDead reports whether there is a record that its writer should have carried out by now. One that was handed
// over is not: its writer waits.
func leftByTheDead(left []Record) bool {
	return slices.ContainsFunc(left, func(r Record) bool { return !r.Waited })
}

// say logs what is new.
func (w *watch) say(err error) {
	message := ""
	if err != nil {
		message = err.Error()
	}
	if message != w.logged && err != nil {
		w.Logger.Warn("cache: read the ledger", "err", err)
	}
	w.logged = message
}

// learn takes over the ledger's state. Another epoch ends the session, and with it everything that is near. The gate
// is shut first: nobody may begin a session of the new epoch, and acknowledge a write in it, before.
func (w *watch) learn(state State) {
	before, known := w.current()
	if known && state == before {
		return
	}
	if before != (State{}) {
		w.Logger.Info("cache: another epoch", "epoch", state.Epoch, "before", before.Epoch)
		w.gate.shut()
	}
	w.mu.Lock()
	w.state, w.known = state, true
	w.mu.Unlock()
	w.moved()
}

var errEpoch = errors.New("the epoch has moved")
