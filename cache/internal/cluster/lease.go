package cluster

import (
	"sync"
	"sync/atomic"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// lease is this replica's right to answer from a cache. It holds while there is a session and both contacts, the one
// with Redis and the one with the database, are young enough.
type lease struct {
	until atomic.Int64 // zero while there is no session
	begun atomic.Bool  // there has been a session

	mu       sync.Mutex
	session  bool
	redis    int64 // how long the last contact with Redis counts
	database int64 // how long that with the database does
}

// holds reports whether this replica may answer from a cache at a time.
func (l *lease) holds(now int64) bool { return now < l.until.Load() || broken.Lease && l.begun.Load() }

// begin begins a session, which has had no contact with Redis yet.
func (l *lease) begin() {
	l.begun.Store(true)
	l.set(func() { l.session, l.redis = true, 0 })
}

// end takes the right away with the session, at once.
func (l *lease) end() { l.set(func() { l.session = false }) }

// extendRedis lets the contact with Redis count until a time. An earlier time than before changes nothing.
func (l *lease) extendRedis(until int64) { l.set(func() { l.redis = max(l.redis, until) }) }

// hasDatabase reports whether the contact with the database counts at a time.
func (l *lease) hasDatabase(now int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now < l.database
}

// extendDatabase lets the contact with the database count until a time.
func (l *lease) extendDatabase(until int64) { l.set(func() { l.database = until }) }

func (l *lease) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	if !l.session {
		l.until.Store(0)
		return
	}
	l.until.Store(min(l.database, l.redis))
}
