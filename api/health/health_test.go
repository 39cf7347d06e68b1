package health_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/api/health"
	"github.com/woodytoys/woodytoys/api/shop"
)

func TestReadyFromStartToDrain(t *testing.T) {
	var h health.Health
	if h.Ready() {
		t.Error("ready before Start")
	}
	h.Start()
	if !h.Ready() || !h.DatabaseUp() {
		t.Error("not ready after Start")
	}
	h.Drain()
	if h.Ready() {
		t.Error("ready after Drain")
	}
}

func TestALostDatabaseIsSeenAndStaysReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h health.Health
		h.Start()
		gone := errors.New("gone")
		var down, full atomic.Bool
		ping := func(context.Context) error {
			switch {
			case down.Load():
				return gone
			case full.Load():
				return &shop.Error{Kind: shop.Full}
			}
			return nil
		}
		var reported []error
		ctx, cancel := context.WithCancel(t.Context())
		go h.WatchDatabase(ctx, ping, func(err error) { reported = append(reported, err) })

		step := func() { time.Sleep(1100 * time.Millisecond); synctest.Wait() }
		down.Store(true)
		step()
		if h.DatabaseUp() || !h.Ready() {
			t.Errorf("database up %v, ready %v; want down and still ready", h.DatabaseUp(), h.Ready())
		}
		step()
		down.Store(false)
		step()
		if !h.DatabaseUp() {
			t.Error("the database came back unnoticed")
		}
		full.Store(true)
		step()
		step()
		if got := h.Database(); got != health.Full || got.String() != "full" || !h.DatabaseUp() || !h.Ready() {
			t.Errorf("the database is %v, want full, answering, and the replica ready", got)
		}
		full.Store(false)
		down.Store(true)
		step()
		if got := h.Database(); got != health.Down {
			t.Errorf("the database is %v, want down", got)
		}
		if len(reported) != 4 || shop.KindOf(reported[2]) != shop.Full || reported[3] != gone {
			t.Errorf("told %v, want each change once", reported)
		}
		reported = reported[:2]
		if len(reported) != 2 || reported[0] == nil || reported[1] != nil {
			t.Errorf("told %v, want once of the loss and once of the return", reported)
		}
		cancel()
	})
}
