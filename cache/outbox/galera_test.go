package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// lentNodes is the variable by which a build without a rule is lent the nodes of this one.
const lentNodes = "OUTBOXTEST_NODES"

// nodes is a Galera cluster of two nodes, both of which take writes. The first has the majority where they lose each
// other.
type nodes struct {
	*servers.Galera
	first, second *servers.GaleraNode
}

// TestLongGalera runs the tests of what nodes of a Galera cluster do, on one cluster. Those that do it harm come last.
func TestLongGalera(t *testing.T) {
	t.Parallel()
	g := mustStartNodes(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, nodes)
	}{
		{"NodeBehind", testNodeBehind}, {"BumpsByTwoNodes", testBumpsByTwoNodes},
		{"HandOversByTwoNodes", testHandOversByTwoNodes}, {"MigrateByTwoNodes", testMigrateByTwoNodes},
		{"UncachedByTwoNodes", testUncachedByTwoNodes}, {"UncachedAlone", testUncachedAlone},
		{"ClaimRanOut", testClaimRanOutByTwoNodes}, {"NeedsItsRules", testNeedsItsRules},
		{"NodeIsCutOff", testNodeIsCutOff}, {"NodeIsSilent", testNodeIsSilent},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, g) })
	}
}

func mustStartNodes(t *testing.T) nodes {
	t.Helper()
	if lent := os.Getenv(lentNodes); lent != "" {
		first, second, _ := strings.Cut(lent, ":")
		g := servers.BorrowGalera(first, second)
		return nodes{g, g.Nodes[0], g.Nodes[1]}
	}
	g := servertest.MustStartGalera(t, 2)
	n := nodes{g, g.Nodes[0], g.Nodes[1]}
	if err := n.first.SetProvider("pc.weight=2"); err != nil {
		t.Fatal(err)
	}
	for _, node := range g.Nodes { // it is the outbox that is to try again
		if _, err := mustOpenNode(t, node, "").Exec("SET GLOBAL wsrep_retry_autocommit = 0"); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// mustMakeDatabase returns the name of an empty database.
func (n nodes) mustMakeDatabase(t *testing.T) string {
	t.Helper()
	made, err := mysql.ParseDSN(servertest.MustMakeDatabase(t, n.first.MariaDB))
	if err != nil {
		t.Fatal(err)
	}
	return made.DBName
}

// mustOpenNode returns a pool of connections to a database of a node.
func mustOpenNode(t *testing.T, n *servers.GaleraNode, database string) *sql.DB {
	t.Helper()
	return onMySQL.mustConnect(t, n.DSN(database))
}

// mustOpenBoth makes an outbox in a new database, and returns both by way of each node.
func (n nodes) mustOpenBoth(t *testing.T) (boxes []*outbox.Outbox, dbs []*sql.DB) {
	t.Helper()
	database := n.mustMakeDatabase(t)
	for _, node := range n.Nodes {
		db := mustOpenNode(t, node, database)
		boxes, dbs = append(boxes, onMySQL.mustMake(t, outbox.Config{DB: db})), append(dbs, db)
	}
	if err := boxes[0].Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return boxes, dbs
}

// mustHold keeps a node from applying anything until release is called.
func mustHold(t *testing.T, n *servers.GaleraNode) (release func()) {
	t.Helper()
	lock, err := mustOpenNode(t, n, "").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	return func() {
		t.Helper()
		if _, err := lock.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
	}
}

// testNodeBehind changes at one node what another, which is behind and takes writes too, is asked for, and checks that
// nothing comes back that it has from before.
func testNodeBehind(t *testing.T, n nodes) {
	boxes, _ := n.mustOpenBoth(t)
	here, there := boxes[0], boxes[1]
	record, err := here.HandOver(t.Context(), []string{"toy:7"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := there.Read(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	others, dbs := n.mustOpenBoth(t) // beside whom nobody caches yet
	if _, err := others[1].Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	release := mustHold(t, n.second)
	bumped, err := here.Bump(t.Context(), ledger.State{})
	if err == nil {
		err = here.Take(t.Context(), []int64{record.ID})
	}
	if err == nil {
		_, _, err = others[0].Read(t.Context(), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	uncached := outbox.Uncached{Outbox: others[1], Lease: 250 * time.Millisecond}
	left := inTx(t, dbs[0], true, uncached.Record, "toy:7")
	var group sync.WaitGroup
	for what, ask := range map[string]func(context.Context) (any, error){
		"a look": func(ctx context.Context) (any, error) { return there.Look(ctx) },
		"a reading": func(ctx context.Context) (any, error) {
			state, _, err := there.Read(ctx, 0)
			return state, err
		},
		"asking for the bump":   func(ctx context.Context) (any, error) { return there.HasBump(ctx, bumped.Token) },
		"asking for the record": func(ctx context.Context) (any, error) { return there.Progress(ctx, record) },
		"the look for caches":   func(context.Context) (any, error) { return "none", uncached.Settle(left) },
	} {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if found, err := ask(ctx); err == nil {
				t.Errorf("%s by a node that is behind found %+v, and the epoch is %s", what, found, bumped.Name())
			}
		})
	}
	group.Wait()
	release()
	if state, err := there.Look(t.Context()); err != nil || state != bumped {
		t.Errorf("a look by a node that has caught up found %+v, %v; want %+v", state, err, bumped)
	}
	mustBe(t, there, record, ledger.Taken)
}

// socketOf returns where a node is reached, for a wire.
func socketOf(t *testing.T, n *servers.GaleraNode) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(n.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Addr
}

// testNodeIsCutOff checks that when a node loses the majority, a connection to it is dropped, and its statement is sent
// again where the address leads by then; as long as it leads nowhere else, that node's errors count as silence.
func testNodeIsCutOff(t *testing.T, n nodes) {
	database := n.mustMakeDatabase(t)
	wire, dsn, err := n.second.StartWire(n.second.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	proxied := onMySQL.mustMake(t, outbox.Config{DB: onMySQL.mustConnect(t, dsn), Cluster: true})
	db := mustOpenNode(t, n.second, database)
	direct := onMySQL.mustMake(t, outbox.Config{DB: db, Direct: true})
	cluster := onMySQL.mustMake(t, outbox.Config{DB: db, Cluster: true})
	for _, box := range []*outbox.Outbox{direct, cluster, proxied} {
		if err := box.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.second.Isolate(true); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(servers.Patience); ; {
		_, _, err := cluster.Read(t.Context(), 0)
		if err != nil {
			mustBeSilence(t, "a node without the majority", err)
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a node that is cut off does not know it")
		}
	}
	_, err = cluster.Bump(t.Context(), ledger.State{})
	mustBeSilence(t, "a bump by it", err)
	if _, _, err := direct.Read(t.Context(), 0); err == nil || errors.Is(err, ledger.ErrUnreachable) ||
		errors.Is(err, ledger.ErrSilent) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with Direct: %v, want an error that is no proof of anything", err)
	}
	wire.Retarget(socketOf(t, n.first))
	if _, err := proxied.Bump(t.Context(), ledger.State{}); err != nil {
		t.Errorf("a bump, when the proxy leads to a node that is of the majority: %v", err)
	}
	if err := errors.Join(n.second.Isolate(false), n.AwaitWhole()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cluster.Read(t.Context(), 0); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

func mustBeSilence(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, ledger.ErrSilent) || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("%s: %v, want ErrSilent and not ErrUnreachable", what, err)
	}
}

// testNodeIsSilent pauses a node, and then kills it, behind a proxy that does not lead elsewhere, and behind one that
// takes connections and ends them, as HAProxy does without a server.
func testNodeIsSilent(t *testing.T, n nodes) {
	database := n.mustMakeDatabase(t)
	wire, dsn, err := n.second.StartWire(n.second.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	box := onMySQL.mustMake(t, outbox.Config{DB: onMySQL.mustConnect(t, dsn), Cluster: true})
	direct := onMySQL.mustMake(t, outbox.Config{DB: mustOpenNode(t, n.second, database), Direct: true})
	for _, box := range []*outbox.Outbox{box, direct} {
		if err := box.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.second.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, _, err = box.Read(ctx, 0)
	mustBeSilence(t, "a node that is paused", err)
	n.second.Kill()
	_, _, err = box.Read(t.Context(), 0)
	mustBeSilence(t, "a proxy that ends connections", err)
	wire.Close()
	_, _, err = box.Read(t.Context(), 0)
	mustBeSilence(t, "no proxy", err)
	if _, _, err := direct.Read(t.Context(), 0); err == nil || errors.Is(err, ledger.ErrUnreachable) {
		t.Errorf("a node that is gone, while another takes writes: %v, want an error that is not ErrUnreachable", err)
	}
}
