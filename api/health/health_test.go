package health_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/api/health"
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
		var down atomic.Bool
		ping := func(context.Context) error {
			if down.Load() {
				return gone
			}
			return nil
		}
		var told []error
		ctx, cancel := context.WithCancel(t.Context())
		go h.WatchDatabase(ctx, ping, func(err error) { told = append(told, err) })

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
		if len(told) != 2 || told[0] == nil || told[1] != nil {
			t.Errorf("told %v, want once of the loss and once of the return", told)
		}
		cancel()
	})
}
