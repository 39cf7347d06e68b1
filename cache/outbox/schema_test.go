package outbox_test

import (
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestMigrateAReleaseBefore checks that tables of a release that knew no tokens get what they lack, also where several
// replicas see to it at once, and that such a release goes on with them.
func TestMigrateAReleaseBefore(t *testing.T) {
	on := onMySQL
	db := on.mustConnect(t, servertest.MustMakeDatabase(t, on.shared))
	mustExec := func(statement string) {
		t.Helper()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	mustExec(`CREATE TABLE toys_cache (id TINYINT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, wire INT NOT NULL,
		run VARCHAR(64) NOT NULL DEFAULT '', used_until_us BIGINT NOT NULL DEFAULT 0) ENGINE = InnoDB`)
	mustExec("INSERT INTO toys_cache (id, epoch, wire) VALUES (1, 41, 1)")
	box := on.mustMake(t, outbox.Config{DB: db})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := box.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	first, _, err := box.Read(t.Context(), 0)
	if err != nil || first.Epoch != 41 || first.Token != "" || first.Ledger == "" {
		t.Errorf("read %+v, %v; want the epoch that was there, of a ledger with a name", first, err)
	}
	mustExec("INSERT IGNORE INTO toys_cache (id, epoch, wire) VALUES (1, 1, 1)")
	mustExec("UPDATE toys_cache SET epoch = LAST_INSERT_ID(epoch + 1)")
	second, _, err := box.Read(t.Context(), 0)
	if err != nil || second.Epoch != 42 || second.Ledger != first.Ledger || !second.Follows(first) ||
		first.Follows(second) {
		t.Errorf("read %+v, %v; want the epoch that the release before bumped to", second, err)
	}
}

// TestEachDatabaseHasItsEpochs checks that the first epochs of two databases are two.
func TestEachDatabaseHasItsEpochs(t *testing.T) { onEach(t, testEachDatabaseHasItsEpochs) }

func testEachDatabaseHasItsEpochs(t *testing.T, on *kind) {
	_, one := on.mustOpen(t)
	_, other := on.mustOpen(t)
	a, _, err := one.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := other.Read(t.Context(), 0)
	if err != nil || a.Epoch != b.Epoch || a.SameEpoch(b) || a.Ledger == b.Ledger {
		t.Errorf("the epochs %s and %s of ledgers %s and %s, %v; want two of one number", a.Name(), b.Name(), a.Ledger,
			b.Ledger, err)
	}
}

// TestALedgerHasAName checks that a ledger keeps its name, and that one whose name was taken, as in a copy of a
// database that is to be another's, is not heard until it has another.
func TestALedgerHasAName(t *testing.T) { onEach(t, testALedgerHasAName) }

func testALedgerHasAName(t *testing.T, on *kind) {
	db, box := on.mustOpen(t)
	first, _, err := box.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, _, err := box.Read(t.Context(), 0); err != nil || again != first {
		t.Errorf("after another start: %+v, %v; want %+v", again, err, first)
	}
	if _, err := db.Exec("UPDATE toys_cache SET ledger = ''"); err != nil {
		t.Fatal(err)
	}
	if state, _, err := box.Read(t.Context(), 0); err == nil {
		t.Errorf("a ledger without a name says %+v", state)
	}
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if renamed, _, err := box.Read(t.Context(), 0); err != nil || renamed.Ledger == first.Ledger {
		t.Errorf("it is called %q again, %v", renamed.Ledger, err)
	}
}
