package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

const (
	// triesAtOnce is how many tries, and renewals of sessions, a replica has in the database at once. They come from
	// anybody, and it has few connections, which the whole shop is to use.
	triesAtOnce = 2
	// refusedAtOnce is how many of them may be tries that are most likely refused: a flood of those leaves room.
	refusedAtOnce = 1
	// gateWait is how long one waits for its turn.
	gateWait = time.Second
)

// gate lets few into the database at once.
type gate struct{ all, refused *slots.Slots }

func newGate() gate {
	return gate{slots.New(triesAtOnce, gateWait), slots.New(refusedAtOnce, gateWait)}
}

// do calls f when it is its turn, and returns its error, or Busy where that does not come.
func (g gate) do(ctx context.Context, likelyRefused bool, f func() error) error {
	if likelyRefused {
		if err := g.refused.Acquire(ctx); err != nil {
			return busyAtGate(err)
		}
		defer g.refused.Release()
	}
	if err := g.all.Acquire(ctx); err != nil {
		return busyAtGate(err)
	}
	defer g.all.Release()
	return f()
}

func busyAtGate(err error) error {
	if !errors.Is(err, slots.ErrBusy) {
		return err
	}
	return &shop.Error{
		Kind: shop.Busy, Err: err, RetryAfter: 2 * time.Second,
		Detail: "Many sign in at the moment; try again in a little while.",
	}
}

// StoreSlots returns the slots of tries and renewals in the database.
func (s *Service) StoreSlots() *slots.Slots { return s.gate.all }

// try counts a try as failed. It returns TooMany where it has to wait, without the database where that has said so
// before, and Busy where too many try.
func (s *Service) try(ctx context.Context, t *trying) error {
	if err := s.remembered(t); err != nil {
		return err
	}
	likely, keys := false, t.keys()
	for _, key := range keys {
		likely = likely || s.refused.wait(key, s.now()) > 0
	}
	return s.gate.do(ctx, likely, func() error {
		if err := s.remembered(t); err != nil { // by now
			return err
		}
		err := s.store.Try(ctx, keys, t.allow)
		if shop.KindOf(err) == shop.TooMany {
			s.refused.add(t.waits, s.now())
		}
		return err
	})
}

// mayTry is try, for a password of an account that may have been signed in with too often: then it is refused too,
// where that is remembered.
func (s *Service) mayTry(ctx context.Context, t *trying, name string) error {
	if err := s.remembered(hashing(name, s.now())); err != nil {
		return err
	}
	return s.try(ctx, t)
}

// remembered returns TooMany where a try is known to be refused.
func (s *Service) remembered(t *trying) error {
	if wait := s.refused.wait(t.self, s.now()); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

// succeeded forgets that a try was refused.
func (s *Service) succeeded(t *trying) {
	s.refused.forget(t.self)
	for _, key := range t.good().Proved {
		s.refused.forget(key)
	}
}

// takeBack uncounts a try whose password was not checked, and returns why it was not.
func (s *Service) takeBack(ctx context.Context, try *trying, err error) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.gate.do(bounded, false, func() error { return s.store.TakeBack(bounded, try.keys()) }) // or it counts
	return err
}

// renewSession is Store.RenewSession, when it is its turn.
func (s *Service) renewSession(ctx context.Context, family Hash, judge func(HeldSession) Renewal) (
	held HeldSession, err error,
) {
	err = s.gate.do(ctx, false, func() (err error) {
		held, err = s.store.RenewSession(ctx, family, judge)
		return err
	})
	return held, err
}
