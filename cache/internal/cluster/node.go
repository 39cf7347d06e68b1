// Package cluster keeps the caches of several replicas right: with Redis as their shared layer and their
// bus, and the database as the only truth. PROTOCOL.md, two folders up, has the protocol and the
// arguments; the names here are its names.
package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Node is one replica's part in the cluster. It is safe for concurrent use.
//
// It only wires what does the work, from the top of PROTOCOL.md to its end. Where two of them are locked at once, the
// order is membership before watch before lease and gate.
type Node struct {
	part
	cancel context.CancelFunc

	lease   *lease      // whether this replica may answer from a cache
	gate    *gate       // whether a write may be acknowledged
	watch   *watch      // the ledger: the epoch and the outbox
	members *membership // the sessions with Redis: membership, renewals, bus
	records *records    // records of the outbox that are being carried out
	writes  *writes     // announces writes in batches
	clears  *clears     // clears of everything
	fills   *fills      // lookups, and fills by one replica for all
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
	n := newNode(part{Config: &cfg, metrics: newMetrics(), ctx: ctx, tasks: &sync.WaitGroup{}})
	n.cancel = cancel
	n.tasks.Go(n.watch.run)
	n.tasks.Go(n.writes.run)
	n.tasks.Go(n.records.run)
	n.tasks.Go(n.members.run)
	return n, nil
}

// newNode wires a Node, and begins nothing.
func newNode(p part) *Node {
	waits := newWaits()
	n := &Node{part: p, lease: &lease{}, gate: newGate(p), records: newRecords(p)}
	n.watch = newWatch(p, n.lease, n.gate)
	n.members = newMembership(p, n.watch, n.lease, n.gate, waits.wake)
	n.writes = newWrites(p, n.watch, n.members, n.gate, n.records)
	n.clears = &clears{part: p, watch: n.watch, writes: n.writes}
	n.fills = &fills{part: p, members: n.members, waits: waits}
	n.watch.moved, n.watch.left = n.members.moved, n.writes.carryOutLeft
	return n
}

// Live reports whether this replica may answer from a cache at a time by the clock Now, which must be
// read after the request has come. A read that begins while it is, and looks at the fences after,
// sees the mark of every write that was acknowledged before it began.
func (n *Node) Live(now int64) bool { return n.lease.holds(now) }

// Lookup looks a key up in Redis, in one round trip.
func (n *Node) Lookup(key string) layer.Lookup { return n.fills.lookup(key) }

// LookupMany is like Lookup, for several keys, in as few round trips as there can be.
func (n *Node) LookupMany(keys []string) []layer.Lookup { return n.fills.lookupMany(keys) }

// TryFetch is like Fetch, for several keys, in as few round trips as there can be, and waits for no other replica: of
// keys that one of them fills, or has filled, it returns that they are Busy.
func (n *Node) TryFetch(asks []layer.Ask) []layer.Tried { return n.fills.tryFetch(asks) }

// Fetch looks a key up in Redis, or goes on from a Lookup that found nothing. Where there is nothing that may
// be served, or only the value whose ID is old, one replica is to fill it: it gets the FillLease, and all others
// wait for it to finish and look again. It returns neither when this replica cannot use Redis, when it waited
// again and again for fills that brought nothing, or when ctx ended: then the caller loads for itself.
func (n *Node) Fetch(
	ctx context.Context, key string, old layer.Token, from *layer.Lookup,
) (*layer.Found, layer.Lease) {
	return n.fills.fetch(ctx, key, old, from)
}

// Settle carries out the invalidation of a write that has committed, and has its record removed then, if
// it has one: if record is not 0. When it returns nil, no replica serves what the write made wrong, and the
// write may be acknowledged. That takes one round over the bus; at the worst, with a replica or Redis away,
// the acknowledgement's bound and a lease. An error means that neither Redis nor the database could be told:
// the write must not be acknowledged.
// Settle does not end with ctx, which is for the Tracer.
func (n *Node) Settle(ctx context.Context, record int64, tags []string) error {
	return n.writes.settle(ctx, record, tags)
}

// Clear leaves behind all that any replica keeps, near and in Redis, by a bump of the epoch. When it returns nil, no
// replica serves what was read before it was called. Where ctx ends first it goes on, and the error reports that.
func (n *Node) Clear(ctx context.Context) error { return n.clears.clear(ctx) }

// Close ends the replica's part: writes that are being carried out first, then the membership, so that
// no writer has to wait for it.
func (n *Node) Close() {
	n.writes.close()
	n.cancel()
	n.tasks.Wait()
}

// bounded returns a context for one command to Redis.
func (c *Config) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.Timeout)
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
