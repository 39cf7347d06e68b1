// Package cluster keeps the caches of several replicas right: with Redis as their shared layer and their
// bus, and the database as the only truth. PROTOCOL.md, two folders up, has the protocol and the
// arguments; the names here are its names.
package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// Wire is the version of the names, messages and values that replicas share.
const Wire = 1

// The names of what all replicas share, whatever the epoch.
const (
	stateKey   = "woody:1:state"
	membersKey = "woody:1:members"
)

// Node is one replica's part in the cluster. It is safe for concurrent use.
type Node struct {
	Config
	metrics *metrics

	// until is when this replica's word from Redis, and that from the database, are too old to answer
	// from a cache: zero while it has none.
	until atomic.Int64
	// away tells that Redis did not answer the last command; a renewal that comes through ends it.
	away atomic.Bool

	reading  sync.Mutex // of the ledger, one at a time
	answered int64      // when the ledger was asked last that answered
	heard    int64      // when it was asked last that said anything, an error too
	wasAway  int64      // when it was asked last that counted as away
	said     string     // what was last logged of it

	tookOver int64 // when this replica last raised the epoch for its run of Redis

	mu       sync.Mutex
	session  *session      // nil while there is none
	changed  chan struct{} // closed, and made anew, when session or state changes
	state    State
	known    bool  // the ledger was read at least once
	dbUntil  int64 // how long the last word from the database counts
	busUntil int64 // how long the last word from Redis counts
	gate     int64 // no write is acknowledged before
	lastInc  Token
	batch    *batch
	carrying map[int64]bool   // records that are being carried out here
	struckAt map[string]int64 // when each struck member was first seen so
	writing  int              // writes that are being carried out
	written  sync.Cond        // on mu: one has been
	closing  bool

	poked   chan struct{} // the ledger is to be read now
	pending chan struct{} // there is a batch
	removed chan int64    // records that were carried out
	waits   waits

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// Start begins a replica's part. It waits for nothing: until Redis and the database have been reached,
// the replica is not Live.
func Start(cfg Config) (*Node, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	n := &Node{
		Config: cfg, changed: make(chan struct{}), carrying: map[int64]bool{}, struckAt: map[string]int64{}, waits: waits{byKey: map[string]chan struct{}{}},
		poked: make(chan struct{}, 1), pending: make(chan struct{}, 1), removed: make(chan int64, 1024),
	}
	n.written.L = &n.mu
	var err error
	if n.metrics, err = newMetrics(n); err != nil {
		return nil, err
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.tasks.Go(n.watch)
	n.tasks.Go(n.carry)
	n.tasks.Go(n.remove)
	n.tasks.Go(n.keepSession)
	return n, nil
}

// Live tells whether this replica may answer from a cache at a time by the clock Now, which must be
// read after the request has come. A read that begins while it is, and looks at the fences after,
// sees the mark of every write that was acknowledged before it began.
func (n *Node) Live(now int64) bool {
	return now < n.until.Load() || broken.Lease && n.metrics.sessions.Load() > 0
}

// Close ends the replica's part: writes that are being carried out first, then the membership, so that
// no writer has to wait for it.
func (n *Node) Close() {
	n.mu.Lock()
	n.closing = true
	for n.writing > 0 {
		n.written.Wait()
	}
	n.mu.Unlock()
	n.cancel()
	n.tasks.Wait()
}

// current is the session, and what is closed when there is another or the epoch has moved.
func (n *Node) current() (*session, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.session, n.changed
}

// changeLocked tells those who wait on current.
func (n *Node) changeLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// extendLocked makes until of the two words that it depends on.
func (n *Node) extendLocked() {
	if n.session == nil {
		n.until.Store(0)
		return
	}
	n.until.Store(min(n.dbUntil, n.busUntil))
}

// poke has the ledger read soon.
func (n *Node) poke() {
	select {
	case n.poked <- struct{}{}:
	default:
	}
}

// bounded is a context for one command to Redis.
func (n *Node) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, n.Timeout)
}

// failed takes note of a command of a session that Redis did not answer. An answer that refuses a command
// is counted too, as is a wait for a free connection, and they say nothing of Redis.
func (n *Node) failed(s *session, err error) {
	n.metrics.errors.Inc()
	var refusal redis.Error
	if errors.Is(err, errLost) || errors.As(err, &refusal) || errors.Is(err, context.Canceled) || errors.Is(err, redis.ErrPoolTimeout) {
		return
	}
	if now, _ := n.current(); now == s {
		n.away.Store(true)
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
