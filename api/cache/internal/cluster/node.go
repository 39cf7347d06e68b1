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
	part

	lease   *lease     // may this replica answer from a cache?
	gate    *gate      // may a write be acknowledged?
	evicted *evictions // members who may still have a lease
	records *records   // of the outbox

	// away tells that Redis did not answer the last command; a renewal that comes through ends it.
	away atomic.Bool

	reading  sync.Mutex // of the ledger, one at a time
	answered int64      // when the ledger was asked last that answered
	heard    int64      // when it was asked last that said anything, an error too
	wasAway  int64      // when it was asked last that counted as away
	said     string     // what was last logged of it

	tookOver int64 // when this replica last raised the epoch for its run of Redis

	mu      sync.Mutex
	session *session      // nil while there is none
	changed chan struct{} // closed, and made anew, when session or state changes
	state   State
	known   bool // the ledger was read at least once
	lastInc Token
	batch   *batch
	writing int       // writes that are being carried out
	written sync.Cond // on mu: one has been
	closing bool

	poked   chan struct{} // the ledger is to be read now
	pending chan struct{} // there is a batch
	waits   waits

	cancel context.CancelFunc
}

// part is what each part of a Node has.
type part struct {
	*Config
	metrics *metrics
	ctx     context.Context // ends when the replica closes
	tasks   *sync.WaitGroup // what has to end before the replica is closed
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
	ctx, cancel := context.WithCancel(context.Background())
	p := part{Config: &cfg, metrics: newMetrics(), ctx: ctx, tasks: &sync.WaitGroup{}}
	n := &Node{
		part: p, cancel: cancel, lease: &lease{}, gate: &gate{now: cfg.Now, lease: cfg.Lease},
		evicted: &evictions{now: cfg.Now, lease: cfg.Lease, seen: map[string]int64{}}, records: newRecords(p),
		changed: make(chan struct{}), waits: waits{byKey: map[string]chan struct{}{}},
		poked: make(chan struct{}, 1), pending: make(chan struct{}, 1),
	}
	n.written.L = &n.mu
	if err := n.observe(); err != nil {
		cancel()
		return nil, err
	}
	n.tasks.Go(n.watch)
	n.tasks.Go(n.carry)
	n.tasks.Go(n.records.run)
	n.tasks.Go(n.keepSession)
	return n, nil
}

// Live reports whether this replica may answer from a cache at a time by the clock Now, which must be
// read after the request has come. A read that begins while it is, and looks at the fences after,
// sees the mark of every write that was acknowledged before it began.
func (n *Node) Live(now int64) bool { return n.lease.holds(now) }

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
