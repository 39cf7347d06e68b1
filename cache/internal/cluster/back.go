package cluster

import (
	"context"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// follows reports whether a reading of the ledger may be learnt: nothing is learnt downwards.
func (w *watch) follows(read State) bool {
	highest, _ := w.current()
	return read.Follows(highest) || broken.Back
}

// pass bumps the epoch past the highest that this replica has seen, for a ledger that has gone back: the database was
// restored, or another has taken its place, that had not been told of the last bump. What is kept under the epoch that
// was read may be older than writes that were acknowledged after the bump. Until the epoch has been bumped, this
// replica knows none: no session, no contact.
func (w *watch) pass(ctx context.Context, read State) (State, error) {
	w.mu.Lock()
	highest, known := w.state, w.known
	w.known = false
	w.mu.Unlock()
	if known {
		w.Logger.Warn("cache: the database has gone back to an earlier epoch", "epoch", read.Name(), "known",
			highest.Name())
		w.moved()
	}
	return w.bumpPast(ctx, State{Wire: Wire})
}
