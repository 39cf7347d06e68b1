package outbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

// eachAtOnce calls f for each of the outboxes, by so many callers at once.
func eachAtOnce(t *testing.T, callers int, boxes []*outbox.Outbox, f func(i int, box *outbox.Outbox) error) {
	t.Helper()
	var group sync.WaitGroup
	for i, box := range boxes {
		for range callers {
			group.Go(func() {
				if err := f(i, box); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

// testBumpsByTwoNodes bumps the epoch at two nodes at once, and checks that no bump is lost to another, and that each
// is there for all when it has returned.
func testBumpsByTwoNodes(t *testing.T, n nodes) {
	boxes, _ := n.mustOpenBoth(t)
	here, there := boxes[0], boxes[1]
	eachAtOnce(t, 1, boxes, func(_ int, box *outbox.Outbox) error { // both claim to cache
		_, _, err := box.Read(t.Context(), 0)
		return err
	})
	before, err := here.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const callers, each = 2, 10
	eachAtOnce(t, callers, boxes, func(i int, box *outbox.Outbox) error {
		for range each {
			bumped, err := box.Bump(t.Context(), ledger.State{})
			if err != nil {
				return err
			}
			for _, asked := range []*outbox.Outbox{box, boxes[1-i]} {
				if has, err := asked.HasBump(t.Context(), bumped.Token); !has || err != nil {
					return fmt.Errorf("a bump to %s is there: %v, %v", bumped.Name(), has, err)
				}
				if state, err := asked.Look(t.Context()); err != nil || !state.Follows(bumped) {
					return fmt.Errorf("after a bump to %s a look finds %s, %v", bumped.Name(), state.Name(), err)
				}
			}
		}
		return nil
	})
	after, err := there.Look(t.Context())
	if want := before.Epoch + 2*callers*each; err != nil || after.Epoch != want {
		t.Errorf("epoch %d, %v; want %d", after.Epoch, err, want)
	}
}

// testHandOversByTwoNodes hands over, takes, notes and withdraws the same records at two nodes at once.
func testHandOversByTwoNodes(t *testing.T, n nodes) {
	boxes, _ := n.mustOpenBoth(t)
	here, there := boxes[0], boxes[1]
	const each = 10
	var mu sync.Mutex
	var records []ledger.Record
	var ids []int64
	eachAtOnce(t, 1, boxes, func(i int, box *outbox.Outbox) error {
		for j := range each {
			record, err := box.HandOver(t.Context(), []string{fmt.Sprint("toy:", i*each+j)})
			if err != nil {
				return err
			}
			mu.Lock()
			records, ids = append(records, record), append(ids, record.ID)
			mu.Unlock()
		}
		return nil
	})
	for _, box := range boxes {
		if _, left, err := box.Read(t.Context(), time.Hour); len(left) != 2*each || err != nil {
			t.Fatalf("%d records are found, %v; want %d", len(left), err, 2*each)
		}
	}
	eachAtOnce(t, 2, boxes, func(_ int, box *outbox.Outbox) error { return box.Take(t.Context(), ids) })
	mustBe(t, there, records[0], ledger.Taken)
	eachAtOnce(t, 2, boxes, func(_ int, box *outbox.Outbox) error { return box.Remove(t.Context(), ids, "") })
	for i, record := range records {
		mustBe(t, boxes[i%2], record, ledger.CarriedOut)
	}
	eachAtOnce(t, 1, boxes, func(i int, box *outbox.Outbox) error {
		for j := i; j < len(records); j += 2 {
			if err := box.Withdraw(t.Context(), records[j]); err != nil {
				return err
			}
		}
		return nil
	})
	if _, left, err := here.Read(t.Context(), 0); len(left) != 0 || err != nil {
		t.Errorf("%d records are left, %v; want none", len(left), err)
	}
}

// testMigrateByTwoNodes makes the tables by two nodes at once, and checks that there is one ledger.
func testMigrateByTwoNodes(t *testing.T, n nodes) {
	database := n.mustMakeDatabase(t)
	var boxes []*outbox.Outbox
	for range 2 {
		for _, node := range n.Nodes {
			boxes = append(boxes, onMySQL.mustMake(t, outbox.Config{DB: mustOpenNode(t, node, database)}))
		}
	}
	states := make([]ledger.State, len(boxes))
	eachAtOnce(t, 1, boxes, func(i int, box *outbox.Outbox) (err error) {
		if err = box.Migrate(t.Context()); err == nil {
			states[i], err = box.Look(t.Context())
		}
		return err
	})
	if states[0].Ledger == "" || len(slices.Compact(states)) != 1 {
		t.Errorf("ledgers %+v, want one", states)
	}
}

// testUncachedByTwoNodes lets a writer without a cache begin at one node before a replica begins to cache at another,
// which does not see the writer's locks, and commit after it. It checks that the write is handed over to that replica.
func testUncachedByTwoNodes(t *testing.T, n nodes) {
	boxes, dbs := n.mustOpenBoth(t)
	uncached := outbox.Uncached{Outbox: boxes[0], Lease: 20 * time.Second}
	tx, err := dbs[0].Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	id, err := uncached.Record(t.Context(), tx, "toy:7")
	if err != nil || id == 0 {
		t.Fatalf("a writer's record is %d, %v; want one", id, err)
	}
	before, _, err := boxes[1].Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	settled := make(chan error, 1)
	go func() { settled <- uncached.Settle(id) }()
	carried := 0
	for done := false; !done; {
		select {
		case err := <-settled:
			if err != nil {
				t.Error(err)
			}
			done = true
		case <-time.After(10 * time.Millisecond):
			carried += mustCarryOut(t, boxes[1])
		}
	}
	after, left, err := boxes[1].Read(t.Context(), 0)
	if err != nil || carried == 0 || after != before || len(left) != 0 {
		t.Errorf("%d records were handed over, %+v after %+v, %d left, %v; want one, the same epoch, and none", carried,
			after, before, len(left), err)
	}
}

// mustCarryOut carries out what was handed over, and returns how many records that were.
func mustCarryOut(t *testing.T, box *outbox.Outbox) (carried int) {
	t.Helper()
	_, left, err := box.Read(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range left {
		if err := box.Remove(t.Context(), []int64{record.ID}, ""); err != nil {
			t.Fatal(err)
		}
	}
	return len(left)
}

// testUncachedAlone checks that writers without a cache make a record while nobody caches, also where the outbox has
// not used the database before, which is removed once its writer has looked. Where one dies before, it is left for
// others.
func testUncachedAlone(t *testing.T, n nodes) {
	boxes, dbs := n.mustOpenBoth(t)
	before := mustCount(t, dbs[0], "SELECT epoch FROM toys_cache")
	for _, cfg := range []outbox.Config{{DB: dbs[1]}, {DB: dbs[1], Cluster: true}} {
		uncached := outbox.Uncached{Outbox: onMySQL.mustMake(t, cfg), Lease: 20 * time.Second}
		id := inTx(t, dbs[1], true, uncached.Record, "toy:7")
		if id == 0 {
			t.Fatal("a writer in a cluster of several nodes has no record")
		}
		if err := uncached.Settle(id); err != nil {
			t.Error(err)
		}
		if n := mustCount(t, dbs[1], "SELECT COUNT(*) FROM toys_outbox"); n != 0 {
			t.Errorf("%d records are left of a writer beside whom nobody caches", n)
		}
	}
	if after := mustCount(t, dbs[1], "SELECT epoch FROM toys_cache"); after != before {
		t.Errorf("the epoch is %d, want %d still", after, before)
	}
	dying := outbox.Uncached{Outbox: boxes[1], Lease: time.Second}
	dead := inTx(t, dbs[1], true, dying.Record, "toy:8")
	if _, left, err := boxes[0].Read(t.Context(), 0); len(left) != 1 || left[0].ID != dead || err != nil {
		t.Errorf("records %+v, %v; want that of the writer who died", left, err)
	}
}

// testClaimRanOutByTwoNodes runs TestAClaimRanOut with replicas that come back by two nodes.
func testClaimRanOutByTwoNodes(t *testing.T, n nodes) {
	boxes, dbs := n.mustOpenBoth(t)
	testClaimRanOut(t, boxes, dbs[1], func() int64 {
		uncached := outbox.Uncached{Outbox: boxes[1], Lease: 20 * time.Second}
		if err := uncached.Settle(inTx(t, dbs[1], true, uncached.Record, "toy:7")); err != nil {
			t.Error(err)
		}
		return int64(mustCount(t, dbs[1], "SELECT COUNT(*) FROM toys_outbox"))
	})
}

// testNeedsItsRules runs tests of these on a build that can switch rules off, and wants each to fail without the rule
// that it is about, and to pass with all of them.
func testNeedsItsRules(t *testing.T, n nodes) {
	program := filepath.Join(t.TempDir(), "broken.test")
	if out, err := exec.Command("go", "test", "-c", "-tags", "broken", "-o", program,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, row := range []struct {
		test, rule string
		fails      bool
	}{
		{"NodeBehind", "none", false}, {"NodeBehind", "causal", true}, {"ClaimRanOut", "epoch", true},
	} {
		cmd := exec.Command(program, "-test.run", "^TestLongGalera$/^"+row.test+"$", "-test.timeout", "60s")
		cmd.Env = append(os.Environ(), "CACHE_BROKEN="+row.rule, lentNodes+"="+n.first.Data()+":"+n.second.Data())
		out, err := cmd.CombinedOutput()
		failed := strings.Contains(string(out), "--- FAIL: TestLongGalera/"+row.test+" ")
		if failed != row.fails || (err != nil) != row.fails {
			t.Errorf("%s without %s fails: %v (%v), want %v\n%s", row.test, row.rule, failed, err, row.fails, out)
		}
	}
}
