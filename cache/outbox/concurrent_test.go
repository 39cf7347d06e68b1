package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// isolations are what a database's default may be, above READ COMMITTED: each is what a session is begun with.
var isolations = map[outbox.Dialect][]string{
	outbox.MySQL: {"", "&tx_isolation='READ-COMMITTED'", "&tx_isolation='SERIALIZABLE'"},
	outbox.Postgres: {
		"", "&default_transaction_isolation=repeatable%20read", "&default_transaction_isolation=serializable",
	},
}

// onEachIsolation runs a test with each default that a database may have for its transactions.
func onEachIsolation(t *testing.T, test func(t *testing.T, on *kind, db *sql.DB, box *outbox.Outbox)) {
	onEach(t, func(t *testing.T, on *kind) {
		for _, isolation := range isolations[on.dialect] {
			t.Run(isolation, func(t *testing.T) {
				dsn := servertest.MustMakeDatabase(t, on.shared)
				if on.dialect == outbox.MySQL && isolation != "" {
					isolation = "?" + isolation[1:]
				}
				db := on.mustConnect(t, dsn+isolation)
				box := on.mustMake(t, outbox.Config{DB: db})
				if err := box.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				test(t, on, db, box)
			})
		}
	})
}

// TestBumpsAtOnce checks that replicas which bump the epoch at the same time each get a bump of their own, that is
// known afterwards.
func TestBumpsAtOnce(t *testing.T) {
	onEachIsolation(t, func(t *testing.T, _ *kind, _ *sql.DB, box *outbox.Outbox) {
		before, err := box.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const replicas, each = 6, 5
		var mu sync.Mutex
		var tokens []string
		var group sync.WaitGroup
		for range replicas {
			group.Go(func() {
				for range each {
					state, err := box.Bump(t.Context(), ledger.State{})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					tokens = append(tokens, state.Token)
					mu.Unlock()
					if looked, err := box.Look(t.Context()); err != nil || !looked.Follows(state) {
						t.Errorf("after a bump to %s a look finds %s, %v", state.Name(), looked.Name(), err)
					}
				}
			})
		}
		group.Wait()
		after, err := box.Look(t.Context())
		if err != nil || after.Epoch != before.Epoch+replicas*each {
			t.Errorf("epoch %d after %d and %d bumps, %v", after.Epoch, before.Epoch, replicas*each, err)
		}
		for _, token := range tokens { // a reading after a bump may be of a later one
			if has, err := box.HasBump(t.Context(), token); !has || err != nil {
				t.Errorf("bump %s: there %v, %v", token, has, err)
			}
		}
	})
}

// TestTransactionsOfEachIsolation checks that records written at each isolation level are found once they are
// committed.
func TestTransactionsOfEachIsolation(t *testing.T) {
	onEachIsolation(t, func(t *testing.T, _ *kind, db *sql.DB, box *outbox.Outbox) {
		if _, _, err := box.Read(t.Context(), 0); err != nil { // a replica that caches
			t.Fatal(err)
		}
		uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
		var want []int64
		for _, isolation := range []sql.IsolationLevel{
			sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable,
		} {
			tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: isolation})
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			one, err := box.Record(t.Context(), tx, "toy:7")
			if err != nil {
				t.Fatal(err)
			}
			other, err := uncached.Record(t.Context(), tx, "toy:8")
			if err != nil || other == 0 {
				t.Fatalf("a writer without a cache: record %d, %v", other, err)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			want = append(want, one, other)
		}
		_, left, err := box.Read(t.Context(), 0)
		var got []int64
		for _, record := range left {
			got = append(got, record.ID)
		}
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("records %d, %v; want %d", got, err, want)
		}
	})
}

// TestAnOldSnapshotHidesNoCache checks a writer without a cache whose transaction's snapshot is older than the first
// replica that caches: it makes a record, or gets an error.
func TestAnOldSnapshotHidesNoCache(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		db, box := on.mustOpen(t)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if err := tx.QueryRow("SELECT COUNT(*) FROM toys_outbox").Scan(new(int)); err != nil { // its snapshot
			t.Fatal(err)
		}
		if _, _, err := box.Read(t.Context(), 0); err != nil { // the first replica that caches
			t.Fatal(err)
		}
		uncached := outbox.Uncached{Outbox: box, Lease: time.Second}
		if record, err := uncached.Record(t.Context(), tx, "toy:7"); record == 0 && err == nil {
			t.Error("the writer is told that nobody caches")
		}
	})
}

// TestAFailedTransaction checks that a transaction in which a statement failed leaves no record, and that its writer
// gets an error, from COMMIT at the latest.
func TestAFailedTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		db, box := on.mustOpen(t)
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("INSERT INTO nothing VALUES (1)"); err == nil {
			t.Fatal("a statement does not fail")
		}
		_, err = box.Record(t.Context(), tx, "toy:7")
		if errors.Is(err, outbox.ErrReadOnly) {
			t.Errorf("a transaction that failed: %v, which is ErrReadOnly", err)
		}
		if on.dialect == outbox.Postgres && err == nil {
			t.Error("a transaction that cannot commit has a record")
		}
		tx.Rollback()
		if _, left, err := box.Read(t.Context(), 0); len(left) != 0 || err != nil {
			t.Errorf("records %v, %v; want none", left, err)
		}
	})
}

// TestAConnectionThatIsGone checks that the ledger is read although its connections have ended, as after a restart.
func TestAConnectionThatIsGone(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		server := on.start(t)
		_, box := on.mustOpenOn(t, server, outbox.Config{Direct: true})
		if _, err := box.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.Kill()
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := box.Read(t.Context(), 0); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// TestMigrateAtOnce checks that replicas which create the tables at the same time end with one ledger.
func TestMigrateAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		dsn := servertest.MustMakeDatabase(t, on.shared)
		states := make([]ledger.State, 8)
		var group sync.WaitGroup
		for i := range states {
			box := on.mustMake(t, outbox.Config{DB: on.mustConnect(t, dsn)})
			group.Go(func() {
				err := box.Migrate(t.Context())
				if err == nil {
					states[i], err = box.Look(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if states[0].Ledger == "" || len(slices.Compact(states)) != 1 {
			t.Errorf("ledgers %+v, want one", states)
		}
	})
}

// TestALockInTheWay checks that a bump which waits for a lock for longer than MySQL's limit is tried again.
func TestALockInTheWay(t *testing.T) {
	dsn := servertest.MustMakeDatabase(t, onMySQL.shared)
	box := onMySQL.mustMake(t, outbox.Config{DB: onMySQL.mustConnect(t, dsn+"?innodb_lock_wait_timeout=1")})
	if err := box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx, err := onMySQL.mustConnect(t, dsn).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE toys_cache SET run = 'held'"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(1500*time.Millisecond, func() { tx.Rollback() })
	if bumped, err := box.Bump(t.Context(), ledger.State{}); err != nil || bumped.Epoch != 2 {
		t.Errorf("bumped to %d, %v; want 2", bumped.Epoch, err)
	}
}
