// Package health reports whether this replica may be sent requests.
package health

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

const (
	watchEvery  = time.Second
	pingTimeout = 3 * time.Second
)

// Database is what is known of the database.
type Database int32

const (
	// Awaited is a database that was not reached yet.
	Awaited Database = iota
	// Up is a database that responds.
	Up
	// Full is a database that responds and has no room for writes.
	Full
	// Down is a database that does not respond.
	Down
)

var databaseWords = [...]string{"awaited", "up", "full", "down"}

// String returns "awaited", "up", "full" or "down".
func (d Database) String() string { return databaseWords[d] }

// Health is a replica's state. The zero value is a replica that is starting.
type Health struct {
	started  atomic.Bool
	draining atomic.Bool
	database atomic.Int32
}

// Start records that the database has been reached and migrated.
func (h *Health) Start() {
	h.database.Store(int32(Up))
	h.started.Store(true)
}

// Drain records that the replica is about to end.
func (h *Health) Drain() { h.draining.Store(true) }

// Started reports whether Start was called.
func (h *Health) Started() bool { return h.started.Load() }

// Draining reports whether Drain was called.
func (h *Health) Draining() bool { return h.draining.Load() }

// Ready reports whether the replica wants requests: after Start and before Drain. A database that is
// lost in between does not change it, since a proxy would then find no replica at all.
func (h *Health) Ready() bool { return h.Started() && !h.Draining() }

// Database returns how the database was when it was last asked.
func (h *Health) Database() Database { return Database(h.database.Load()) }

// DatabaseUp reports whether the database answered when it was last asked, with room or without.
func (h *Health) DatabaseUp() bool { return h.Database() == Up || h.Database() == Full }

// WatchDatabase checks the database every second, until ctx ends. ping returns nil if
// it does, or a shop.Full error if it does and has no room. WatchDatabase calls changed, if that is not
// nil, when the database is not as before, with what ping returned.
func (h *Health) WatchDatabase(ctx context.Context, ping func(context.Context) error, changed func(err error)) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		bounded, cancel := context.WithTimeout(ctx, pingTimeout)
		err := ping(bounded)
		cancel()
		if ctx.Err() != nil {
			return
		}
		now := databaseBy(err)
		if was := Database(h.database.Swap(int32(now))); was != now && changed != nil {
			changed(err)
		}
	}
}

func databaseBy(err error) Database {
	switch {
	case err == nil:
		return Up
	case shop.KindOf(err) == shop.Full:
		return Full
	}
	return Down
}
