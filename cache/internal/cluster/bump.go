package cluster

import (
	"context"
	"fmt"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// bump bumps the epoch, and shuts the gate until every replica has heard of it or has lost its right to answer
// from a cache. It tries for a lease: the database may be starting again.
func (w *watch) bump(least State) (State, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), w.Lease)
	defer cancel()
	for {
		state, err := w.bumpOnce(ctx, least)
		if err == nil {
			return state, nil
		}
		if sleep(ctx, w.Lease/20); ctx.Err() != nil {
			return State{}, fmt.Errorf("the epoch could not be bumped: %w", err)
		}
	}
}

func (w *watch) bumpOnce(ctx context.Context, least State) (State, error) {
	w.reading.Lock() // so that no older reading is learnt after it
	defer w.reading.Unlock()
	state, err := w.bumpPast(ctx, least)
	if err == nil {
		w.learn(state)
		w.gate.shut()
	}
	return state, err
}

// bumpPast bumps the epoch past the highest that this replica has seen.
func (w *watch) bumpPast(ctx context.Context, least State) (State, error) {
	highest, _ := w.current()
	least.Epoch, least.Wire = max(least.Epoch, highest.Epoch+1), max(least.Wire, highest.Wire)
	state, err := w.Ledger.Bump(ctx, least)
	if err != nil {
		return State{}, err
	}
	w.metrics.bumped.Inc()
	if state.Epoch <= highest.Epoch {
		return State{}, fmt.Errorf("the epoch was bumped to %s, which does not come after %s",
			state.Name(), highest.Name())
	}
	return state, nil
}

// has reports whether the database has a bump that this replica waits for. The epoch's number proves nothing: the bump
// may have been lost, and another one have taken its number.
func (w *watch) has(bumped State) bool {
	if broken.Bumps {
		state, _ := w.current()
		return state.Follows(bumped)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), w.Lease/2)
	defer cancel()
	has, err := w.Ledger.HasBump(ctx, bumped.Token)
	return err == nil && has
}

// wasThere reads the ledger, and reports whether the database has been there since began, as far as readings show. The
// last one has to be answered: it shows how long there was none before.
func (w *watch) wasThere(began int64) bool {
	asked := w.Now()
	w.read()
	w.reading.Lock()
	defer w.reading.Unlock()
	return w.contacts.answered >= asked && w.contacts.unbroken(began)
}

// passGate waits until the gate has been shut for a lease through which the database was there. Had it been
// unreachable, that would have counted as a contact for members of an epoch before, who have not read of another.
func (w *watch) passGate() error {
	err := AwaitBumped(func() bool {
		until := w.gate.await(w.poke)
		if w.gate.isPassed(until) || broken.Outage {
			return true
		}
		if !w.wasThere(until - int64(w.Lease)) {
			w.gate.shut() // once more
			return false
		}
		w.gate.pass(until)
		return true
	})
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// awaitBumped implements AwaitBumped, by the readings that run makes at every beat, and one at the end.
// It returns the bump that is known everywhere: a later one, where the database has lost the one given.
func (w *watch) awaitBumped(bumped State) (known State, err error) {
	err = AwaitBumped(func() bool {
		began := w.Now()
		w.gate.await(w.poke)
		known := w.wasThere(began)
		if known = known && w.has(bumped); !known {
			bumped, _ = w.current() // a later one leaves as much behind
			w.gate.shut()           // once more
		}
		return known
	})
	if err != nil {
		return State{}, fmt.Errorf("cache: %w", err)
	}
	return bumped, nil
}
