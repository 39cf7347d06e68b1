package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustOpenApart opens a migrated store that writes at the first node and reads at the second, and returns a store at
// the first node alone.
func (c *cluster) mustOpenApart(t *testing.T, cfg store.Config) (apart, first *store.Store, dsns []string) {
	t.Helper()
	dsns = c.mustMakeDatabase(t)
	cfg.DSN, cfg.ReadDSN = dsns[0], dsns[1]
	return mustOpen(t, cfg), mustOpen(t, store.Config{DSN: dsns[0]}), dsns
}

// noted returns a context that notes whose reply it had last.
func noted(t *testing.T) (ctx context.Context, by *atomic.Value) {
	by = &atomic.Value{}
	by.Store("")
	return shop.NoteDatabase(t.Context(), func(name string) { by.Store(name) }), by
}

// testPlaces holds every call of the store to the node that it is to be made at.
func testPlaces(t *testing.T, c *cluster) {
	s, _, _ := c.mustOpenApart(t, store.Config{})
	s.SetReaderPatience(time.Minute) // a busy node does not count as away
	p := mustAdd(t, s, "Robot")
	o := newOrder("Robot")
	for _, call := range []struct {
		what, node string
		do         func(ctx context.Context) error
	}{
		{"add", "node1", func(ctx context.Context) error { _, err := s.AddProduct(ctx, "Train"); return err }},
		{"add once", "node1", func(ctx context.Context) error {
			_, err := s.AddProductOnce(ctx, "Train", "k")
			return err
		}},
		{"by key", "node1", func(ctx context.Context) error { _, err := s.ProductByKey(ctx, "k"); return err }},
		{"product", "node2", func(ctx context.Context) error { _, err := s.Product(ctx, p.ID); return err }},
		{"absent", "node2", func(ctx context.Context) error { return wantNotFound(s.Product(ctx, 1e6)) }},
		{"page", "node2", func(ctx context.Context) error { _, err := s.Products(ctx, 0, 5); return err }},
		{"last", "node2", func(ctx context.Context) error { _, err := s.Last(ctx); return err }},
		{"last at the primary", "node1", func(ctx context.Context) error {
			_, err := s.Last(shop.AtPrimary(ctx))
			return err
		}},
		{"sold", "node1", func(ctx context.Context) error { _, err := s.ProductNamed(ctx, "Robot"); return err }},
		{"order", "node1", func(ctx context.Context) error { _, err := s.AddOrder(ctx, o, "k"); return err }},
		{"order's key", "node1", func(ctx context.Context) error { _, err := s.OrderByKey(ctx, "k"); return err }},
		{"items", "node1", func(ctx context.Context) error { _, err := reserve(ctx, s, "", item(p, 1)); return err }},
		{"cancel", "node1", func(ctx context.Context) error { _, err := s.CancelOrder(ctx, o.ID, nil); return err }},
		{"status", "node2", func(ctx context.Context) error { _, err := s.Order(ctx, o.ID); return err }},
		{"probe", "node2", func(ctx context.Context) error { _, err := s.Probe(ctx, "p"); return err }},
		{"write a probe", "node1", func(ctx context.Context) error {
			_, err := s.WriteProbe(ctx, "p")
			return err
		}},
		{"rename", "node1", func(ctx context.Context) error {
			_, err := s.RenameProduct(ctx, p.ID, "Zebra", nil)
			return err
		}},
		{"refused", "node1", func(ctx context.Context) error {
			_, err := s.RenameProduct(ctx, p.ID, "Zebra", onlyVersion(7))
			if shop.KindOf(err) == shop.Changed {
				return nil
			}
			return err
		}},
		{"delete", "node1", func(ctx context.Context) error { return s.DeleteProduct(ctx, p.ID, nil) }},
	} {
		ctx, by := noted(t)
		if err := call.do(ctx); err != nil || by.Load() != call.node {
			t.Errorf("%s: made at %q, %v; want %s", call.what, by.Load(), err, call.node)
		}
	}
	counts := s.Replies()
	for reply := range counts {
		if reply.Node != "node1" && reply != (store.Reply{Node: "node2", For: store.ForRead}) {
			t.Errorf("counted %v", reply)
		}
	}
	if counts[store.Reply{Node: "node2", For: store.ForRead}] != 6 {
		t.Errorf("counted %v, want 6 reads at node2", counts)
	}
}

func wantNotFound[T any](_ T, err error) error {
	if shop.KindOf(err) == shop.NotFound {
		return nil
	}
	return errors.Join(errors.New("it is there"), err)
}

// testReadsAreCausal reads at one node what was just written at another.
func testReadsAreCausal(t *testing.T, c *cluster) {
	s, _, _ := c.mustOpenApart(t, store.Config{})
	p := mustAdd(t, s, "Robot")
	for version := int64(2); version < 300; version++ {
		if _, err := s.RenameProduct(t.Context(), p.ID, "Robot", nil); err != nil {
			t.Fatal(err)
		}
		if now, err := s.Product(t.Context(), p.ID); err != nil || now.Version != version {
			t.Fatalf("read version %d, %v, after %d was written", now.Version, err, version)
		}
	}
}

// testSharedReadsAreCausal checks the same of many readers, who share statements, while others write.
func testSharedReadsAreCausal(t *testing.T, c *cluster) {
	s, first, _ := c.mustOpenApart(t, store.Config{})
	s.SetReaderPatience(time.Minute)
	mustNotBeOld(t, s, first)
}

// testReadsAtThePrimaryWaitForNobody checks that a read that asks for the writer is made there while all workers are
// busy at the readers.
func testReadsAtThePrimaryWaitForNobody(t *testing.T, c *cluster) {
	g := newGate()
	s, _, _ := c.mustOpenApart(t, store.Config{Follow: g.follow})
	s.SetReaderPatience(time.Minute)
	stops, _ := mustFill(t, s, g)
	g.shut.Store(false)
	ctx, by := noted(t)
	if _, err := s.Product(shop.AtPrimary(ctx), 1); err != nil || by.Load() != "node1" {
		t.Errorf("read at %q, %v; want node1", by.Load(), err)
	}
	g.open(stops...)
}

// mustReadSoon reads a product, which must be of a version, from a node and in time.
func mustReadSoon(t *testing.T, s *store.Store, want shop.Product, node string, within time.Duration) {
	t.Helper()
	ctx, by := noted(t)
	began := time.Now()
	now, err := s.Product(ctx, want.ID)
	if took := time.Since(began); err != nil || now != want || by.Load() != node || took > within {
		t.Fatalf("read %v, %v, by %s, after %v; want %v by %s within %v",
			now, err, by.Load(), took, want, node, within)
	}
}

// awaitReader reads a product until a node replies.
func awaitReader(t *testing.T, s *store.Store, id int64, node string) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(50 * time.Millisecond) {
		ctx, by := noted(t)
		if _, err := s.Product(ctx, id); err == nil && by.Load() == node {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not read again", node)
		}
	}
}

// slack is how late a busy machine may be.
const slack = 15 * time.Second

// testAReaderLags makes the reader apply nothing for a while, and checks that reads are made by the writer, and none is
// old.
func testAReaderLags(t *testing.T, c *cluster) {
	s, first, dsns := c.mustOpenApart(t, store.Config{})
	p := mustAdd(t, s, "Robot")
	awaitReader(t, s, p.ID, "node2")
	lock, err := mustOpenDB(t, dsns[1]).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil {
		t.Fatal(err)
	}
	if p, err = first.RenameProduct(t.Context(), p.ID, "Train", nil); err != nil {
		t.Fatal(err)
	}
	mustReadSoon(t, s, p, "node1", store.ReaderPatience+slack)
	mustReadSoon(t, s, p, "node1", store.ReaderPatience+slack)
	if _, err := lock.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	awaitReader(t, s, p.ID, "node2")
}

// testAReaderIsPaused silences the reader, and checks that the first reads wait for it, and others only while those do.
func testAReaderIsPaused(t *testing.T, c *cluster) {
	s, _, _ := c.mustOpenApart(t, store.Config{Pool: 2, SlowQuery: 20 * time.Millisecond})
	p := mustAdd(t, s, "Robot")
	awaitReader(t, s, p.ID, "node2")
	if err := c.Nodes[1].Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer c.mustMend(t)
	defer c.Nodes[1].Signal(syscall.SIGCONT)
	began := time.Now()
	var running sync.WaitGroup
	for range 40 {
		running.Go(func() {
			if now, err := s.Product(t.Context(), p.ID); err != nil || now != p {
				t.Errorf("read %v, %v", now, err)
			}
		})
	}
	running.Go(func() {
		if last, err := s.Last(t.Context()); err != nil || last.Product.ID != p.ID {
			t.Errorf("read %v, %v", last, err)
		}
	})
	running.Wait()
	// 41 reads share two connections: one after the other they would take twenty times as long.
	if took := time.Since(began); took > store.ReaderPatience+slack {
		t.Errorf("the reads took %v, want about %v", took, store.ReaderPatience)
	}
	if err := c.Nodes[1].Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	awaitReader(t, s, p.ID, "node2")
}

// testAReaderIsCutOff cuts the reader off from the others, who go on, and checks that nothing is read from it.
func testAReaderIsCutOff(t *testing.T, c *cluster) {
	s, first, _ := c.mustOpenApart(t, store.Config{})
	p := mustAdd(t, s, "Robot")
	awaitReader(t, s, p.ID, "node2")
	if err := c.Nodes[1].Isolate(true); err != nil {
		t.Fatal(err)
	}
	defer c.mustMend(t)
	defer c.Nodes[1].Isolate(false)
	var err error
	if p, err = first.RenameProduct(t.Context(), p.ID, "Train", nil); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		mustReadSoon(t, s, p, "node1", store.ReaderPatience+slack)
	}
	if err := c.Nodes[1].Isolate(false); err != nil {
		t.Fatal(err)
	}
	awaitReader(t, s, p.ID, "node2")
}

// hook is a journal that calls a function before each commit.
type hook struct{ before func() }

func (h *hook) Record(context.Context, *sql.Tx, []string) (int64, error) {
	if h.before != nil {
		h.before()
	}
	return 1, nil
}

func (*hook) Settle(context.Context, int64, []string) error { return nil }

// testACommitHearsNothing pauses the writer before a COMMIT is sent: it is waited for until the bound.
func testACommitHearsNothing(t *testing.T, c *cluster) {
	const bound = 3 * time.Second
	journal := &hook{}
	dsns := c.mustMakeDatabase(t)
	cfg, err := mysql.ParseDSN(dsns[0])
	if err != nil {
		t.Fatal(err)
	}
	cfg.ReadTimeout = time.Hour // it is not what bounds COMMIT
	s := mustOpen(t, store.Config{DSN: cfg.FormatDSN(), ReadDSN: dsns[1], Timeout: bound, Journal: journal})
	p := mustAdd(t, s, "Robot")
	defer c.mustMend(t)
	defer c.Nodes[0].Signal(syscall.SIGCONT)
	journal.before = func() {
		if err := c.Nodes[0].Signal(syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
	}
	began := time.Now()
	_, err = s.RenameProduct(t.Context(), p.ID, "Train", nil)
	if took := time.Since(began); shop.KindOf(err) != shop.Uncertain || took > bound+slack {
		t.Errorf("renamed: %v after %v, want it uncertain within %v", err, took, bound)
	}
	began = time.Now()
	if now, err := s.Product(t.Context(), p.ID); err != nil || now.ID != p.ID || time.Since(began) > slack+bound {
		t.Errorf("read %v, %v while the writer is paused", now, err)
	}
}

// testTheWriterIsCutOff cuts the writer off from the others. It checks that writes are refused, or uncertain, that no
// error is a fault of ours, and that what was acknowledged is there afterwards.
func testTheWriterIsCutOff(t *testing.T, c *cluster) {
	s, _, dsns := c.mustOpenApart(t, store.Config{Timeout: 5 * time.Second})
	acknowledged := mustAdd(t, s, "Robot")
	if err := c.Nodes[0].Isolate(true); err != nil {
		t.Fatal(err)
	}
	defer c.mustMend(t)
	defer c.Nodes[0].Isolate(false)
	refused := 0
	for deadline := time.Now().Add(servers.Patience); refused < 3; {
		p, err := s.AddProduct(t.Context(), "Robot")
		switch kind := shop.KindOf(err); {
		case err == nil:
			acknowledged = p
		case kind == shop.Unavailable:
			refused++
		case kind != shop.Uncertain && kind != shop.Busy:
			t.Fatalf("added: %v (%d)", err, kind)
		}
		if time.Now().After(deadline) {
			t.Fatal("a node without the others takes writes")
		}
	}
	if p, err := s.Product(t.Context(), acknowledged.ID); err != nil || p != acknowledged {
		t.Errorf("read %v, %v; want %v", p, err, acknowledged)
	}
	if err := c.Nodes[0].Isolate(false); err != nil {
		t.Fatal(err)
	}
	c.mustMend(t)
	there := fmt.Sprintf("SELECT COUNT(*) FROM product WHERE id = %d AND name = 'Robot'", acknowledged.ID)
	if n := mustNumber(t, dsns[2], there); n != 1 {
		t.Errorf("product %d is gone, which was acknowledged", acknowledged.ID)
	}
	mustAdd(t, s, "Train")
}

// testReadsBridgeAnOutage cuts the writer off from the others while many read. Until the others agree on that, no node
// replies; it checks that the reads that were made then succeed afterwards.
func testReadsBridgeAnOutage(t *testing.T, c *cluster) {
	s, _, _ := c.mustOpenApart(t, store.Config{})
	p := mustAdd(t, s, "Robot")
	awaitReader(t, s, p.ID, "node2")
	if err := c.Nodes[0].Isolate(true); err != nil {
		t.Fatal(err)
	}
	defer c.mustMend(t)
	defer c.Nodes[0].Isolate(false)
	began := time.Now()
	var reads sync.WaitGroup
	for i := range 40 {
		reads.Go(func() {
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			if now, err := s.Product(t.Context(), p.ID); err != nil || now != p {
				t.Errorf("what is asked %v after the cut is answered %v after it: %v, %v", time.Duration(i)*100*
					time.Millisecond, time.Since(began).Round(time.Millisecond), now, err)
			}
		})
	}
	reads.Wait()
}

// testTheWriterMoves points the address of the writer at another node, as a proxy does, when the one before is cut off
// from the others, and checks that the first write that finds that is made at the other one.
func testTheWriterMoves(t *testing.T, c *cluster) {
	dsns := c.mustMakeDatabase(t)
	wire, through, err := c.Nodes[0].StartWire(dsns[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	s := mustOpen(t, store.Config{DSN: through, ReadDSN: dsns[1]})
	mustAdd(t, s, "Robot")
	if err := c.Nodes[0].Isolate(true); err != nil {
		t.Fatal(err)
	}
	defer c.mustMend(t)
	defer c.Nodes[0].Isolate(false)
	db := mustOpenDB(t, dsns[0])
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(20 * time.Millisecond) {
		_, err := db.Exec("SELECT COUNT(*) FROM product")
		if my := (*mysql.MySQLError)(nil); errors.As(err, &my) && my.Number == 1047 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a node that is cut off still replies")
		}
	}
	other, err := mysql.ParseDSN(dsns[2])
	if err != nil {
		t.Fatal(err)
	}
	wire.Retarget(other.Addr)
	ctx, by := noted(t)
	if _, err := s.AddProduct(ctx, "Train"); err != nil || by.Load() != "node3" {
		t.Errorf("added at %s: %v; want it at node3", by.Load(), err)
	}
	if last := mustLast(t, s); last.Count != 4 {
		t.Errorf("%d products, want 4", last.Count)
	}
}

// testTheReadersAreGone ends the reader: reads are made by the writer at once.
func testTheReadersAreGone(t *testing.T, c *cluster) {
	s, _, _ := c.mustOpenApart(t, store.Config{})
	p := mustAdd(t, s, "Robot")
	awaitReader(t, s, p.ID, "node2")
	c.Nodes[1].Kill()
	for range 10 {
		mustReadSoon(t, s, p, "node1", slack)
	}
	mustAdd(t, s, "Train")
}

// TestReadersThatAreNoNodes checks that nothing is read from WOODY_DB_READ_DSN when that leads to a server that may be
// behind, and that this is logged once.
func TestReadersThatAreNoNodes(t *testing.T) {
	dsn, other := mustDatabase(t), mustDatabase(t)
	mustOpen(t, store.Config{DSN: other})
	log := &lines{}
	s := mustOpen(t, store.Config{DSN: dsn, ReadDSN: other, Logger: slog.New(slog.NewTextHandler(log, nil))})
	p := mustAdd(t, s, "Robot")
	for range 3 {
		if now, err := s.Product(t.Context(), p.ID); err != nil || now != p {
			t.Errorf("read %v, %v; want %v", now, err, p)
		}
	}
	if n := log.count("WOODY_DB_READ_DSN"); n != 1 {
		t.Errorf("it is logged %d times, want once", n)
	}
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, b...)
	return len(b), nil
}

// count returns how often the log has some words.
func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(string(l.all), words)
}

// TestRepliesAreCounted counts by the database that replied, and notes it.
func TestRepliesAreCounted(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		ctx, by := noted(t)
		p, err := s.AddProduct(ctx, "Robot")
		if err != nil {
			t.Fatal(err)
		}
		node := by.Load().(string)
		if node == "" {
			t.Error("nobody is noted for a write")
		}
		by.Store("")
		if _, err := s.Product(ctx, p.ID); err != nil || by.Load() != node {
			t.Errorf("the read was by %q, %v; want %q", by.Load(), err, node)
		}
		for purpose, want := range map[string]int64{store.ForRead: 1, store.ForWrite: 1} {
			if n := s.Replies()[store.Reply{Node: node, For: purpose}]; n != want {
				t.Errorf("%d replies for %s, want %d", n, purpose, want)
			}
		}
	})
}
