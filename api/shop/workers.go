package shop

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	// pollEvery is how often idle workers look for orders that other replicas took in.
	pollEvery = 500 * time.Millisecond
	// leaseMargin is how much longer than its validation a claim lasts.
	leaseMargin = 5 * time.Second
	// releaseTime is how long giving claims back at the end may take.
	releaseTime = 2 * time.Second
)

// Workers validate orders until ctx ends, n at a time, and then give back what they hold. With n
// zero or less this process leaves the orders to others and Workers only waits for the end.
//
// An order is claimed for a while, validated, and ended under that claim. A worker that dies
// leaves a claim that lapses; one that is only late finds its claim gone and drops its result, so
// that no order reaches two ends.
func (s *Shop) Workers(ctx context.Context, n int, log *slog.Logger) {
	if n <= 0 {
		<-ctx.Done()
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	idle := make(chan struct{}, n)
	for range n {
		idle <- struct{}{}
	}
	failing := false
	for {
		free := takeIdle(ctx, idle)
		if free == 0 {
			return
		}
		claims, err := s.store.ClaimOrders(ctx, free, s.heavyDelay+leaseMargin)
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing: // log the first failure, not every one
			log.Warn("claim orders", "err", err)
			failing = true
		case err == nil && failing:
			log.Info("orders are claimed again")
			failing = false
		}
		for range free - len(claims) {
			idle <- struct{}{}
		}
		for _, claim := range claims {
			running.Go(func() {
				s.validate(ctx, claim, log)
				idle <- struct{}{}
			})
		}
		if len(claims) == 0 && !s.awaitOrders(ctx) {
			return
		}
	}
}

// takeIdle waits for at least one idle worker and takes all that are idle. It returns 0 when ctx
// ended first.
func takeIdle(ctx context.Context, idle <-chan struct{}) int {
	select {
	case <-idle:
	case <-ctx.Done():
		return 0
	}
	for n := 1; ; n++ {
		select {
		case <-idle:
		default:
			return n
		}
	}
}

// awaitOrders waits until there may be orders again, and returns false when ctx has ended.
func (s *Shop) awaitOrders(ctx context.Context) bool {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-s.placed:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// validate takes the heavy delay over an order and ends it: Success if its product exists.
func (s *Shop) validate(ctx context.Context, claim Claim, log *slog.Logger) {
	log = log.With("order", claim.OrderID, "request", claim.Origin.Request, "trace", claim.Origin.TraceID())
	if s.follow != nil {
		followed, end := s.follow(ctx, claim)
		err := s.end(followed, claim)
		end(err)
		s.ended(ctx, claim, err, log)
		return
	}
	s.ended(ctx, claim, s.end(ctx, claim), log)
}

// ended gives back the claim of an order that could not be ended.
func (s *Shop) ended(ctx context.Context, claim Claim, err error, log *slog.Logger) {
	if err == nil {
		log.Debug("order validated")
		return
	}
	if !errors.Is(err, context.Canceled) {
		log.Warn("validate order", "err", err)
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := s.store.ReleaseOrder(late, claim); err != nil {
		log.Warn("release order, its claim lapses", "err", err)
	}
}

func (s *Shop) end(ctx context.Context, claim Claim) error {
	if err := sleep(ctx, s.heavyDelay); err != nil {
		return err
	}
	sold, err := s.store.IsSold(ctx, claim)
	if err != nil {
		return err
	}
	end := Failed
	if sold {
		end = Success
	}
	_, err = s.store.FinishOrder(ctx, claim, end)
	return err
}
