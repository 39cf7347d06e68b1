// Package health knows whether this replica may be sent requests.
package health

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	watchEvery   = time.Second
	pingPatience = 3 * time.Second
)

// Health is a replica's state. The zero value is a replica that is starting.
type Health struct {
	started  atomic.Bool
	draining atomic.Bool
	database atomic.Bool
}

// Start says that the database has been reached and migrated.
func (h *Health) Start() {
	h.database.Store(true)
	h.started.Store(true)
}

// Drain says that the replica is about to end.
func (h *Health) Drain() { h.draining.Store(true) }

// Started tells whether Start was called.
func (h *Health) Started() bool { return h.started.Load() }

// Draining tells whether Drain was called.
func (h *Health) Draining() bool { return h.draining.Load() }

// Ready tells whether the replica wants requests: after Start and before Drain. A database that is
// lost in between does not change it, since a proxy would then find no replica at all.
func (h *Health) Ready() bool { return h.Started() && !h.Draining() }

// DatabaseUp tells whether the database answered when it was last asked.
func (h *Health) DatabaseUp() bool { return h.database.Load() }

// WatchDatabase asks the database every second whether it answers, until ctx ends. It calls
// changed, if that is not nil, when the answer is another than before; err is nil when the
// database came back.
func (h *Health) WatchDatabase(ctx context.Context, ping func(context.Context) error, changed func(err error)) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		bounded, cancel := context.WithTimeout(ctx, pingPatience)
		err := ping(bounded)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if was := h.database.Swap(err == nil); was != (err == nil) && changed != nil {
			changed(err)
		}
	}
}
