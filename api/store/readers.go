package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// Where each transaction reads, where there are servers to read from (Config.ReadDSN) beside the one that takes writes.
// That one is the writer here; the others are the readers. All are nodes of a Galera cluster. Each read, and each
// BEGIN, waits until its node has what was committed before on any node (wsrep_sync_wait). So no place is wrong: what
// is read is never older than what was acknowledged before the read began. The places are chosen for what is to go on
// while a node is away.
//
//	what                                     reads at  why
//	Product, Products, Last, Order, Probe    readers   callers' reads and the cache's fills: most of the work
//	the same, with shop.AtPrimary            writer    the caller asks for it; few slow ones at a time (Last)
//	the same, when the reader is away        writer    when the reader was silent for readerTimeout; then both in
//	                                                   turn, for outageBridged after the last read that succeeded
//	ProductNamed (before an order)           writer    the order is written there next: one node is enough to order
//	ProductByKey, OrderByKey                 writer    a repeated write: its first try was made there, and it is
//	                                                   settled there once more (resettle)
//	AddGoods, AddOrder, CancelOrder,         writer    a transaction reads where it writes; rows that it has read and
//	ChangeProduct, DeleteProduct, WriteProbe           not written are not certified, so what it decides by is
//	                                                   written by it too
//	ClaimOrders, FinishOrder, ReleaseOrder,  writer    claims: as for writes
//	IsSold, LapseOrders
//	all that accounts.Store has              writer    it decides who may do what
//	Backlog, Ping, the look for room         writer    health is that of the database that takes writes
//	Upkeep                                   writer    writes
//	Migrate                                  writer    writes; one replica at a time, see migrationclaim.go
//	the cache's ledger (cache/outbox)        writer    the epoch is bumped where writes are made
//
// Reads of a product or an order by its id share statements when many come at once, see readbyid.go; those with
// shop.AtPrimary do not, where the writer is elsewhere. What is said of a read here is true of a statement that several
// share: it is sent after each of them began, so its node waits for what was committed before any of them. When its
// reader is away, the writer reads for all of them.
//
// For a moment two nodes may be the writer, of different replicas: proxies do not move at the same time. Row locks,
// SKIP LOCKED and GET_LOCK are a node's own then. What holds is certification: of two transactions that write the same
// row at two nodes the first to commit wins, and the other is rolled back (error 1213) and made again, when it reads
// what the first has written:
//
//   - New products get the same id at both nodes: the second is made again, under the next id (insertProduct finds an
//     id taken that came meanwhile). wsrep_auto_increment_control is to be OFF for that: with ON each node has ids of
//     its own, and the highest one need not be the newest product's.
//   - The tally's row has the number of a connection, which two nodes may have given: the second count is made again.
//   - Orders that are served write the rows of the stock that they take: the second group finds less left, and is
//     served anew. One that is refused writes nothing: it was refused by what its node had, which had been waited for.
//   - The end of a reservation writes the order's row: the second finds that the order has ended, and returns nothing.
//   - A rename, another stock or price, or a delete writes the row that its condition was checked on: the
//     second finds it changed.
//   - An idempotency key is a primary key, written in the transaction of what it makes.
//   - A claim writes the orders that it takes.
//   - The tally is folded, and keys are forgotten, by deleting rows: the second finds none.
//   - A new session, and the end of all of an account's, write the account's row; so do another password, another role
//     and its deletion. Who is to be an administrator no more writes the rows of all of them: the second of two finds
//     himself the last.
//   - A try to sign in writes the rows that it is counted in.
//   - How many probes there are is read and not written: two nodes may make one each where there was room for one.

const (
	// readerTimeout is how long a read waits for a reader, the simulated slow query not counted, before it is made by
	// the writer.
	readerTimeout = 2 * time.Second
	// readersLeft is how long the readers are left alone when one has been silent for that long: reads would wait for
	// it one after the other, until the proxy before it has noticed too.
	readersLeft = time.Second
	// outageBridged is for how long after the last read that succeeded reads are made again that no server replied to.
	// A cluster that loses a node takes up to four seconds to agree on that; until then nobody replies. After it, reads
	// fail at once.
	outageBridged = 5 * time.Second
	// bridgeEvery is the pause between two tries.
	bridgeEvery = 100 * time.Millisecond
)

// readers are where callers' reads are made.
type readers struct {
	*pool
	// writer is the pool of the server that takes writes, where that is another one; else nil.
	writer *pool
	// readTimeout is how long a read waits for a reader.
	readTimeout time.Duration
	// left is until when the readers are left alone, by the link's clock.
	left atomic.Int64
	// succeeded is when the last read did, by the link's clock; zero before the first.
	succeeded atomic.Int64

	log    *slog.Logger
	warned sync.Once // that they are no nodes
}

// newReaders returns the readers of a pool, which has a writer beside it.
func newReaders(p, writer *pool, log *slog.Logger) *readers {
	r := &readers{pool: p, writer: writer, readTimeout: min(readerTimeout, p.timeout/2), log: log}
	p.rests = func() bool { return p.link.now() < r.left.Load() }
	return r
}

// behind returns the pool that reads where writes are made.
func (r *readers) behind() *pool {
	if r.writer != nil {
		return r.writer
	}
	return r.pool
}

func (r *readers) read(ctx context.Context, f func(ctx context.Context, r *reading) error) error {
	return r.readFor(ctx, 0, f)
}

// readFor calls f, which takes so much longer than a read does, with a connection to a reader. Where none replies, or
// none has caught up in time, it calls f again, with one to the writer, and so on while an outage is bridged.
func (r *readers) readFor(
	ctx context.Context, longer time.Duration, f func(ctx context.Context, r *reading) error,
) error {
	if r.writer == nil {
		return r.pool.readFor(ctx, r.timeout+longer, f)
	}
	for {
		err := r.readOnce(ctx, longer, f)
		switch {
		case err == nil:
			r.succeeded.Store(r.link.now())
			return nil
		case ctx.Err() != nil, !isSilence(err), r.link.now() > r.succeeded.Load()+int64(outageBridged):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(bridgeEvery):
		}
	}
}

// readOnce asks a reader, and then the writer.
func (r *readers) readOnce(
	ctx context.Context, longer time.Duration, f func(ctx context.Context, r *reading) error,
) error {
	if !shop.WantsPrimary(ctx) {
		err := r.pool.readFor(ctx, r.readTimeout+longer, func(ctx context.Context, rd *reading) error {
			if err := rd.mustBeCausal(); err != nil {
				return err
			}
			return f(ctx, rd)
		})
		if ctx.Err() != nil || !r.areAway(err) {
			return err
		}
	}
	return r.writer.readFor(ctx, r.writer.timeout+longer, f)
}

// areAway reports whether the writer may do better than the readers, whose error this is. They are left alone for a
// while where each read would wait for them in vain.
func (r *readers) areAway(err error) bool {
	if !isSilence(err) {
		return false
	}
	foreign := errors.Is(err, errNotCausal)
	if foreign {
		r.warned.Do(func() { r.log.Warn("reads are made by the database that takes writes", "err", err) })
	}
	if foreign || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errBehind) {
		r.left.Store(r.link.now() + int64(readersLeft))
	}
	return true
}

// isSilence reports whether an error is of a server that did not do what it was asked, and not for want of a slot here.
func isSilence(err error) bool {
	kind := shop.KindOf(err)
	return (kind == shop.Unavailable || kind == shop.Busy) && !errors.Is(err, slots.ErrBusy)
}

// errResting is a reader that is not asked.
var errResting = &shop.Error{Kind: shop.Unavailable, RetryAfter: awayFor, Detail: failures[away].Detail}

// errNotCausal is a server to read from that is no node of a cluster: what it has may be of any age.
var errNotCausal = errors.New("the address to read from (WOODY_DB_READ_DSN) leads to a server that is not a node of " +
	"a Galera cluster, and may lack what was written: let it lead to one, or leave it out")

func (r *reading) mustBeCausal() error {
	if r.linked.node.galera {
		return nil
	}
	return errNotCausal
}

// row reads one row into dest; it returns sql.ErrNoRows when there is none.
func (r *readers) row(ctx context.Context, query string, args []any, dest ...any) error {
	return row(ctx, r.read, query, args, dest...)
}
