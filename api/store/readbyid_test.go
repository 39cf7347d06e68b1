package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// gate is a store.Config.Follow that stops reads of products by their ids while it is shut: each when it is about to be
// sent, and again when it has been replied to. One that several callers share is stopped for each of them.
type gate struct {
	shut  atomic.Bool
	stops chan stop
	seen  sync.Map // the callers on whose behalf such reads were sent: true
}

// stop is a read at the gate.
type stop struct {
	moment string
	goOn   chan struct{}
}

type callerKey struct{}

func newGate() *gate { return &gate{stops: make(chan stop, 1000)} }

func (g *gate) follow(ctx context.Context, statement string) (end func(err error)) {
	if !strings.Contains(statement, "FROM product WHERE id IN") {
		return nil
	}
	g.seen.Store(ctx.Value(callerKey{}), true)
	g.pass(aboutToBeSent)
	return func(error) { g.pass(repliedTo) }
}

const (
	aboutToBeSent = "about to be sent"
	repliedTo     = "replied to"
)

func (g *gate) pass(moment string) {
	if g.shut.Load() {
		s := stop{moment, make(chan struct{})}
		g.stops <- s
		<-s.goOn
	}
}

// mustStop waits until a read is at the gate.
func (g *gate) mustStop(t *testing.T, moment string) stop {
	t.Helper()
	select {
	case s := <-g.stops:
		if s.moment != moment {
			t.Fatalf("a read is %s, want one %s", s.moment, moment)
		}
		return s
	case <-time.After(time.Minute):
		t.Fatalf("no read is %s within a minute", moment)
		return stop{}
	}
}

// open lets go all that came, and all that come.
func (g *gate) open(stops ...stop) {
	g.shut.Store(false)
	for _, s := range stops {
		close(s.goOn)
	}
	for {
		select {
		case s := <-g.stops:
			close(s.goOn)
		case <-time.After(100 * time.Millisecond): // one that found it shut is on its way
			return
		}
	}
}

// read is what a read of a product came to.
type read struct {
	product shop.Product
	err     error
}

// goRead reads a product in the background.
func goRead(ctx context.Context, s *store.Store, id int64) <-chan read {
	done := make(chan read, 1)
	go func() {
		p, err := s.Product(ctx, id)
		done <- read{p, err}
	}()
	return done
}

// mustFill occupies all workers, each with a read that stops at the gate.
func mustFill(t *testing.T, s *store.Store, g *gate) (stops []stop, reads []<-chan read) {
	t.Helper()
	g.shut.Store(true)
	for range s.ReadWorkers() {
		reads = append(reads, goRead(t.Context(), s, 1))
		stops = append(stops, g.mustStop(t, aboutToBeSent))
	}
	return stops, reads
}

// TestReadsShareAStatement checks that callers who come while all workers are busy are served by one statement, each
// with what it asked for.
func TestReadsShareAStatement(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		g := newGate()
		cfg.Follow = g.follow
		s := mustOpen(t, cfg)
		train := mustAdd(t, s, "Train")
		stops, first := mustFill(t, s, g)
		var callers sync.WaitGroup
		const calls = 30
		for i := range calls {
			callers.Go(func() {
				ctx, by := noted(t)
				ctx = context.WithValue(ctx, callerKey{}, i)
				id := []int64{train.ID, 1, 1 << 40}[i%3]
				p, err := s.Product(ctx, id)
				if by.Load() == "" {
					t.Errorf("nobody is noted for caller %d", i)
				}
				if absent := id == 1<<40; absent != (shop.KindOf(err) == shop.NotFound) || !absent && p.ID != id {
					t.Errorf("product %d = %+v, %v", id, p, err)
				}
				if id == train.ID && p != train {
					t.Errorf("read %+v, want %+v", p, train)
				}
			})
		}
		leaving, leave := context.WithCancel(t.Context())
		left := goRead(leaving, s, 1)
		await(t, func() bool { return s.ReadsWaiting() == calls+1 })
		leave()
		if r := <-left; !errors.Is(r.err, context.Canceled) {
			t.Errorf("a caller that left: %v", r.err)
		}
		if n := s.ReadsWaiting(); n != calls {
			t.Errorf("%d reads wait, want %d", n, calls)
		}
		before := statements(s)
		g.open(stops...)
		callers.Wait()
		for _, r := range first {
			if r := <-r; r.err != nil || r.product.ID != 1 {
				t.Errorf("read alone: %+v, %v", r.product, r.err)
			}
		}
		if n := statements(s) - before; n != int64(s.ReadWorkers()+1) {
			t.Errorf("%d statements, want %d, and one for all who waited", n, s.ReadWorkers())
		}
		for i := range calls {
			if _, ok := g.seen.Load(i); !ok {
				t.Errorf("no statement was sent on behalf of caller %d", i)
			}
		}
	})
}

// statements returns how many reads a store's databases have replied to.
func statements(s *store.Store) (n int64) {
	for reply, count := range s.Replies() {
		if reply.For == store.ForRead {
			n += count
		}
	}
	return n
}

// TestAReadJoinsNoStatementUnderWay renames a product at each moment of the reads that keep all workers busy, and then
// reads it. It checks that the reader gets the new name, though others have asked for the same before.
func TestAReadJoinsNoStatementUnderWay(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		g := newGate()
		cfg.Follow = g.follow
		s := mustOpen(t, cfg)
		for _, moment := range []struct {
			name string
			come func() (held []stop)
		}{
			{"reads alone are about to be sent", func() []stop {
				stops, _ := mustFill(t, s, g)
				return stops
			}},
			{"reads alone are replied to", func() []stop {
				stops, _ := mustFill(t, s, g)
				for i := range stops {
					close(stops[i].goOn)
					stops[i] = g.mustStop(t, repliedTo)
				}
				return stops
			}},
			{"a group is about to be sent", func() []stop { return mustGroup(t, s, g) }},
			{"a group is replied to", func() []stop {
				stops := mustGroup(t, s, g)
				close(stops[0].goOn)
				stops[0] = g.mustStop(t, repliedTo)
				return stops
			}},
		} {
			held := moment.come()
			renamed, err := s.RenameProduct(t.Context(), 1, moment.name, nil)
			if err != nil {
				t.Fatal(err)
			}
			read := goRead(t.Context(), s, 1)
			await(t, func() bool { return s.ReadsWaiting() == 1 })
			g.open(held...)
			if r := <-read; r.err != nil || r.product != renamed {
				t.Errorf("%s: read %+v, %v after %+v was acknowledged", moment.name, r.product, r.err, renamed)
			}
		}
	})
}

// mustGroup brings a worker that serves all who wait to where it is about to send their read. It returns the stops of
// all workers, that one's first.
func mustGroup(t *testing.T, s *store.Store, g *gate) (held []stop) {
	t.Helper()
	stops, _ := mustFill(t, s, g)
	goRead(t.Context(), s, 1)
	await(t, func() bool { return s.ReadsWaiting() == 1 })
	close(stops[0].goOn)
	close(g.mustStop(t, repliedTo).goOn)
	stops[0] = g.mustStop(t, aboutToBeSent)
	return stops
}

// TestSharedReadsAreNotOld renames products while many read them, some of whom leave.
func TestSharedReadsAreNotOld(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		mustNotBeOld(t, s, s)
	})
}

// mustNotBeOld reads with one store what another writes.
func mustNotBeOld(t *testing.T, reads, writes *store.Store) {
	t.Helper()
	ids := []int64{1, 2, mustAdd(t, writes, "Robot").ID}
	versions := make([]atomic.Int64, len(ids)) // acknowledged
	before := statements(reads)
	var done atomic.Bool
	var writers, readers sync.WaitGroup
	for i, id := range ids {
		writers.Go(func() {
			for range 100 {
				p, err := writes.RenameProduct(t.Context(), id, "Robot", nil)
				if err != nil {
					t.Errorf("rename: %v", err)
					return
				}
				versions[i].Store(p.Version)
			}
		})
	}
	var got atomic.Int64
	for range 32 {
		readers.Go(func() {
			for !done.Load() && !t.Failed() {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if rand.N(40) == 0 {
					ctx, cancel = context.WithTimeout(ctx, rand.N(2*time.Millisecond))
				}
				i := rand.N(len(ids))
				acknowledged := versions[i].Load()
				p, err := reads.Product(ctx, ids[i])
				switch {
				case err != nil && ctx.Err() == nil:
					t.Errorf("read: %v", err)
				case err == nil && (p.ID != ids[i] || p.Version < acknowledged):
					t.Errorf("read %+v of product %d, of which version %d was acknowledged", p, ids[i], acknowledged)
				case err == nil:
					got.Add(1)
				}
				cancel()
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	if n := statements(reads) - before; n >= got.Load() {
		t.Errorf("%d reads took %d statements: none shared one", got.Load(), n)
	}
}

// ending is the context of a caller whose time is over when a test says so.
type ending struct {
	context.Context
	over chan struct{}
}

func (e ending) Done() <-chan struct{} { return e.over }

func (e ending) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestCallersOfASharedRead makes the database hold reads back. It checks that a caller whose time is over, and one who
// leaves, do not take the others with them, and that nothing is read once all have left.
func TestCallersOfASharedRead(t *testing.T) {
	t.Parallel()
	dsn := mustDatabase(t)
	s := mustOpen(t, store.Config{DSN: dsn})
	lock, err := mustOpenDB(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := lock.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	// hold starts reads that the database holds back, those of some callers by one statement.
	hold := func(callers ...context.Context) (reads []<-chan read) {
		t.Helper()
		do("LOCK TABLES product WRITE")
		alone, leave := context.WithCancel(t.Context())
		var first []<-chan read
		for i := range s.ReadWorkers() {
			first = append(first, goRead(alone, s, 1))
			await(t, func() bool { return s.Slots().InUse() == i+1 })
		}
		for _, ctx := range callers {
			reads = append(reads, goRead(ctx, s, 1))
		}
		await(t, func() bool { return s.ReadsWaiting() == len(callers) })
		leave()
		for _, r := range first {
			<-r
		}
		await(t, func() bool { return s.ReadsWaiting() == 0 && s.Slots().InUse() == 1 })
		return reads
	}
	leaving, leave := context.WithCancel(t.Context())
	late := ending{t.Context(), make(chan struct{})}
	reads := hold(leaving, late, t.Context())
	leave()
	if r := <-reads[0]; !errors.Is(r.err, context.Canceled) {
		t.Errorf("who left: %v", r.err)
	}
	close(late.over)
	if r := <-reads[1]; !errors.Is(r.err, context.DeadlineExceeded) {
		t.Errorf("whose time is over: %v", r.err)
	}
	do("UNLOCK TABLES")
	if r := <-reads[2]; r.err != nil || r.product.ID != 1 {
		t.Errorf("who stayed read %+v, %v", r.product, r.err)
	}

	leaving, leave = context.WithCancel(t.Context())
	reads = hold(leaving, leaving, leaving)
	leave()
	for _, r := range reads {
		if r := <-r; !errors.Is(r.err, context.Canceled) {
			t.Errorf("who left: %v", r.err)
		}
	}
	await(t, func() bool { return s.Slots().InUse() == 0 })
	do("UNLOCK TABLES")
}

// TestSharedReadsOfAReadOnlyServer checks that of callers who share a statement on a server that takes no writes, only
// those who accept that get what was read.
func TestSharedReadsOfAReadOnlyServer(t *testing.T) {
	t.Parallel()
	server, dsn := mustStartMariaDB(t)
	g := newGate()
	s := mustOpen(t, store.Config{DSN: dsn, Follow: g.follow})
	stops, _ := mustFill(t, s, g)
	var used atomic.Int64
	accepting := shop.AcceptReadOnly(t.Context(), func() { used.Add(1) })
	accepted, plain := goRead(accepting, s, 1), goRead(t.Context(), s, 1)
	absent := goRead(accepting, s, 1<<40)
	await(t, func() bool { return s.ReadsWaiting() == 3 })
	if _, err := mustOpenDB(t, server.DSN("")).Exec("SET GLOBAL read_only = ON"); err != nil {
		t.Fatal(err)
	}
	g.open(stops...)
	if r := <-accepted; r.err != nil || r.product.ID != 1 {
		t.Errorf("who accepts it read %+v, %v", r.product, r.err)
	}
	if r := <-absent; shop.KindOf(r.err) != shop.NotFound {
		t.Errorf("what is not there: %v", r.err)
	}
	if r := <-plain; shop.KindOf(r.err) != shop.Unavailable {
		t.Errorf("who does not read %+v, %v", r.product, r.err)
	}
	if used.Load() != 2 {
		t.Errorf("the two who accept it were told %d times", used.Load())
	}
}

// TestSharedReadsWithoutADatabase checks that every caller gets Unavailable, where the database never was there, and
// where it dies while they wait.
func TestSharedReadsWithoutADatabase(t *testing.T) {
	t.Parallel()
	nowhere, err := store.Open(store.Config{DSN: "root@unix(/nowhere)/shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	server, dsn := mustStartMariaDB(t)
	g := newGate()
	s := mustOpen(t, store.Config{DSN: dsn, Follow: g.follow})
	stops, reads := mustFill(t, s, g)
	for range 50 {
		reads = append(reads, goRead(t.Context(), s, 1), goRead(t.Context(), nowhere, 1))
	}
	await(t, func() bool { return s.ReadsWaiting() == 50 })
	server.Kill()
	g.open(stops...)
	for _, r := range reads {
		if r := <-r; shop.KindOf(r.err) != shop.Unavailable {
			t.Errorf("without a database: %v, want Unavailable", r.err)
		}
	}
}

// TestWaitingToShareIsBounded checks that callers get Busy when no worker gets a connection in time.
func TestWaitingToShareIsBounded(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, store.Config{
		DSN: mustDatabase(t), Pool: 2, Wait: time.Second, SlowQuery: time.Hour,
	})
	ctx, cancel := context.WithCancel(t.Context())
	var slow sync.WaitGroup
	for range s.Slots().Size() {
		slow.Go(func() { _, _ = s.Last(ctx) })
	}
	await(t, func() bool { return s.Slots().InUse() == s.Slots().Size() })
	var reads []<-chan read
	for range 50 {
		reads = append(reads, goRead(t.Context(), s, 1))
	}
	for _, r := range reads {
		if r := <-r; shop.KindOf(r.err) != shop.Busy {
			t.Errorf("a read with all connections taken: %v, want Busy", r.err)
		}
	}
	cancel()
	slow.Wait()
	if _, err := s.Product(t.Context(), 1); err != nil {
		t.Errorf("with the connections free again: %v", err)
	}
}

// TestSharedOrders reads orders by ids of which one differs only in its letters' case.
func TestSharedOrders(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		o := newOrder("Yoyo")
		if _, err := s.AddOrder(t.Context(), o, ""); err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if got, err := s.Order(t.Context(), o.ID); err != nil || !reflect.DeepEqual(got, o) {
					t.Errorf("read %+v, %v", got, err)
				}
			})
			callers.Go(func() {
				if err := wantNotFound(s.Order(t.Context(), strings.ToUpper(o.ID))); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
	})
}

// TestASharedReadGoesWhereTheAddressLeads moves the primary while a worker's connection is being made. It checks that a
// read that comes afterwards and joins that worker's is not served by the old primary, though the connection is newer
// than what the worker began with, and though the caller would accept a server that takes no writes.
func TestASharedReadGoesWhereTheAddressLeads(t *testing.T) {
	t.Parallel()
	pair, wire := mustStartPair(t)
	s := mustOpen(t, store.Config{DSN: pair.DSN(wire.Addr), Pool: 1})
	wire.Hang()
	leaving, leave := context.WithCancel(t.Context())
	left := goRead(leaving, s, 1)
	await(t, func() bool { return s.Slots().InUse() == 1 })
	goRead(t.Context(), s, 1)
	await(t, func() bool { return s.ReadsWaiting() == 1 })
	leave() // the other's worker begins
	<-left
	await(t, func() bool { return s.Slots().InUse() == 1 })
	time.Sleep(100 * time.Millisecond) // its connection is on its way to the old primary
	mustMove(t, pair, wire)
	primary := mustOpen(t, store.Config{DSN: pair.DSN(pair.Primary.Addr)})
	renamed, err := primary.RenameProduct(t.Context(), 1, "Zebra", nil)
	if err != nil {
		t.Fatal(err)
	}
	late := goRead(shop.AcceptReadOnly(t.Context(), func() {}), s, 1)
	await(t, func() bool { return s.ReadsWaiting() == 2 })
	wire.Mend()
	if r := <-late; shop.KindOf(r.err) != shop.Unavailable && (r.err != nil || r.product != renamed) {
		t.Errorf("read %+v, %v after %+v was acknowledged", r.product, r.err, renamed)
	} else {
		t.Logf("read %+v, %v", r.product, r.err)
	}
}
