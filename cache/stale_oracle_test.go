package cache_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

var staleOracleReads = flag.Int("stale-oracle-reads", 10_000,
	"how many values the oracle checks while loads fail, for each kind of cache")

// TestStaleOracle runs TestOracle while the database goes away and comes back at random, and loads stall: values expire
// after a millisecond and may stand in for loads for an hour. In a cluster the ledger goes away too, now and then, for
// longer than a lease.
func TestStaleOracle(t *testing.T) {
	t.Run("one process", func(t *testing.T) { newStaleOracle(t, 0, false).run(t) })
	t.Run("near and Redis", func(t *testing.T) { newStaleOracle(t, 2, false).run(t) })
	t.Run("Redis alone", func(t *testing.T) { newStaleOracle(t, 2, true).run(t) })
}

// oracleOptions are the options of each cache's loaders: without timeouts, with them, and with refreshes ahead of
// expiry.
var oracleOptions = []cache.Options{
	{Name: "patient", TTL: time.Millisecond, MaxStale: time.Hour, RetryAfter: 2 * time.Millisecond},
	{
		Name: "timed", TTL: time.Millisecond, MaxStale: time.Hour, RetryAfter: time.Millisecond,
		SoftTimeout: time.Millisecond, HardTimeout: 3 * time.Millisecond, LateTimeout: 10 * time.Millisecond,
	},
	{Name: "ahead", TTL: 50 * time.Millisecond, RefreshAhead: 0.1},
}

// staleOracle is a database of few rows, and the replicas that read and write it.
type staleOracle struct {
	rows         [4]truth
	acknowledged [4]atomic.Int64
	away         atomic.Bool // the database
	ledgerAway   atomic.Bool // too

	caches  []*cache.Cache
	loaders []*cache.Loader[int64]
	done    chan struct{}

	reads, writes atomic.Int64 // writes that were acknowledged
	stale, old    atomic.Int64 // reads of values whose time was over, and of those that a write had made wrong
	errs          atomic.Int64
}

// newStaleOracle makes an oracle of several replicas on a Redis, or of one process.
func newStaleOracle(t *testing.T, replicas int, noNear bool) *staleOracle {
	t.Helper()
	o := &staleOracle{done: make(chan struct{})}
	if replicas == 0 {
		o.caches = append(o.caches, mustNew(t, cache.Config{}))
	} else {
		server, ledger := servertest.MustStartRedis(t), &awayLedger{&fakeLedger{}, &o.ledgerAway}
		for range replicas {
			c := mustNew(t, cache.Config{NoNear: noNear, Cluster: &cluster.Config{
				Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}, Ledger: ledger, Lease: oracleLease,
			}})
			t.Cleanup(c.Close)
			o.caches = append(o.caches, c)
		}
	}
	for _, c := range o.caches {
		for _, options := range oracleOptions {
			o.loaders = append(o.loaders, mustLoader[int64](t, c, options))
		}
	}
	return o
}

const oracleLease = 500 * time.Millisecond

func (o *staleOracle) run(t *testing.T) {
	var writing, reading sync.WaitGroup
	for range 2 {
		writing.Go(o.write)
	}
	writing.Go(o.goAwayAndComeBack)
	for range 48 {
		reading.Go(func() {
			for o.reads.Load() < int64(*staleOracleReads) && o.old.Load() == 0 {
				o.read(t)
			}
		})
	}
	reading.Wait()
	close(o.done)
	writing.Wait()
	var soft, hard, ahead uint64
	for _, c := range o.caches {
		for _, s := range c.Stats().Loaders {
			soft, hard, ahead = soft+s.SoftTimeouts, hard+s.HardTimeouts, ahead+s.Refreshes
		}
	}
	t.Logf("%d callers left after SoftTimeout, %d after HardTimeout; %d refreshes", soft, hard, ahead)
	t.Logf("%d values, %d of them stale; %d errors; %d writes",
		o.reads.Load(), o.stale.Load(), o.errs.Load(), o.writes.Load())
	if n := o.old.Load(); n > 0 {
		t.Errorf("%d values were older than a write that had been acknowledged", n)
	}
	if o.stale.Load() == 0 || o.errs.Load() == 0 || soft == 0 || hard == 0 || ahead == 0 {
		t.Error("not all was put to the test")
	}
}

// read reads a row on some replica.
func (o *staleOracle) read(t *testing.T) {
	k := rand.IntN(len(o.rows))
	floor := o.acknowledged[k].Load()
	tag := fmt.Sprint("row:", k)
	named, late := []string{tag}, k%2 == 0 // a load that fails has not said what it depends on
	if late {
		named = nil
	}
	loader := o.loaders[rand.IntN(len(o.loaders))]
	got, info, err := loader.Get(context.Background(), loader.Key(fmt.Sprint(k)), named,
		func(ctx context.Context, fill *cache.Fill) (int64, error) {
			v, err := o.load(ctx, k)
			if late && err == nil {
				fill.Tag(tag)
			}
			return v, err
		})
	switch {
	case errors.Is(err, errAway), errors.Is(err, cache.ErrLate):
		o.errs.Add(1)
		time.Sleep(50 * time.Microsecond)
		return
	case err != nil:
		t.Error(err)
	}
	o.reads.Add(1)
	if rand.IntN(20) == 0 {
		time.Sleep(20 * time.Microsecond) // that there are writes among the hits
	}
	if info.Stale {
		o.stale.Add(1)
	}
	if got < floor {
		o.old.Add(1)
	}
}

// load reads a row from the database. It may be slow, find the database away before that or after, and lose its
// connection.
func (o *staleOracle) load(ctx context.Context, k int) (int64, error) {
	if o.away.Load() {
		return 0, errAway
	}
	v := o.rows[k].read()
	for range rand.IntN(100) {
		runtime.Gosched()
	}
	if rand.IntN(3) == 0 {
		select {
		case <-time.After(time.Duration(rand.IntN(5)) * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if o.away.Load() || rand.IntN(3) == 0 {
		return 0, errAway
	}
	return v, nil
}

// write writes rows while the database is there. What could not be invalidated is not acknowledged.
func (o *staleOracle) write() {
	for !o.isDone() {
		if o.away.Load() {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		k := rand.IntN(len(o.rows))
		version := o.rows[k].write()
		runtime.Gosched()
		if o.caches[rand.IntN(len(o.caches))].Invalidate(fmt.Sprint("row:", k)) == nil {
			raise(&o.acknowledged[k], version)
			o.writes.Add(1)
		}
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) // that values may expire in between
	}
}

// goAwayAndComeBack makes the database unavailable about half of the time: for some milliseconds, and in a cluster once
// in a hundred and fifty times for longer than a lease, with the ledger.
func (o *staleOracle) goAwayAndComeBack() {
	for !o.isDone() {
		o.away.Store(!o.away.Load())
		pause := time.Duration(rand.IntN(8)) * time.Millisecond
		if len(o.caches) > 1 && o.away.Load() && rand.IntN(150) == 0 {
			o.ledgerAway.Store(true)
			pause = oracleLease * 3 / 2
		}
		time.Sleep(pause)
		o.ledgerAway.Store(false)
	}
}

func (o *staleOracle) isDone() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// awayLedger is a ledger in a database that may be away.
type awayLedger struct {
	*fakeLedger
	away *atomic.Bool
}

func (l *awayLedger) Read(ctx context.Context, grace time.Duration) (ledger.State, []ledger.Record, error) {
	if l.away.Load() {
		return ledger.State{}, nil, errAway
	}
	return l.fakeLedger.Read(ctx, grace)
}

func (l *awayLedger) Look(ctx context.Context) (ledger.State, error) {
	if l.away.Load() {
		return ledger.State{}, errAway
	}
	return l.fakeLedger.Look(ctx)
}

func (l *awayLedger) Bump(ctx context.Context, least ledger.State) (ledger.State, error) {
	if l.away.Load() {
		return ledger.State{}, errAway
	}
	return l.fakeLedger.Bump(ctx, least)
}
