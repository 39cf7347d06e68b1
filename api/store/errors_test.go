package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// session is one connection that a test provokes errors on.
type session struct {
	t    *testing.T
	conn *sql.Conn
}

func mustSession(t *testing.T, db *sql.DB) session {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return session{t, conn}
}

// last runs statements and returns the error of the last one; those before it must work.
func (s session) last(statements ...string) error {
	s.t.Helper()
	for i, statement := range statements {
		_, err := s.conn.ExecContext(s.t.Context(), statement)
		if i == len(statements)-1 {
			return err
		}
		if err != nil {
			s.t.Fatalf("%s: %v", statement, err)
		}
	}
	return nil
}

func mustDB(t *testing.T, dsn, user string) *sql.DB {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		cfg.User = user
	}
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(-1) // each session is a new connection
	t.Cleanup(func() { db.Close() })
	return db
}

// wantError fails the test unless a real server's error has the number, and the table its meaning.
func wantError(t *testing.T, err error, number uint16, want any) {
	t.Helper()
	var my *mysql.MySQLError
	if !errors.As(err, &my) || my.Number != number {
		t.Errorf("%v, want error %d", err, number)
		return
	}
	if got := store.MeaningOf(err); any(got) != want {
		t.Errorf("error %d means %v, want %v", number, got, want)
	}
}

// TestErrorsOfARealServer provokes those errors of the table that a single MariaDB can be brought to.
func TestErrorsOfARealServer(t *testing.T) {
	server, dsn := mustStartMariaDB(t, "--max-user-connections=20", "--max-connections=30")
	db := mustDB(t, dsn, "")
	admin := mustSession(t, db)
	if err := admin.last(
		"CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB", "INSERT INTO t VALUES (1, 0), (2, 0)",
		"CREATE TRIGGER there BEFORE DELETE ON t FOR EACH ROW SET @gone = 1",
		"CREATE USER guest", "GRANT SELECT, INSERT, UPDATE ON *.* TO guest",
		"CREATE USER single WITH MAX_USER_CONNECTIONS 1",
	); err != nil {
		t.Fatal(err)
	}

	wantError(t, admin.last("INSERT INTO t VALUES (1, 1)"), 1062, store.Duplicate)
	wantError(t, admin.last("CREATE TABLE t (id INT)"), 1050, store.InPlace)
	wantError(t, admin.last("ALTER TABLE t ADD COLUMN v INT"), 1060, store.InPlace)
	const index = "ALTER TABLE t ADD INDEX i (v)"
	const trigger = "CREATE TRIGGER there BEFORE DELETE ON t FOR EACH ROW SET @gone = 1"
	wantError(t, admin.last(index, index), 1061, store.InPlace)
	wantError(t, admin.last(trigger), 1359, store.InPlace)

	t.Run("others first", func(t *testing.T) {
		one, two := mustSession(t, db), mustSession(t, db)
		if err := one.last("SET innodb_snapshot_isolation = ON", "START TRANSACTION", "SELECT v FROM t"); err != nil {
			t.Fatal(err)
		}
		if err := two.last("UPDATE t SET v = v + 1"); err != nil {
			t.Fatal(err)
		}
		wantError(t, one.last("UPDATE t SET v = 7"), 1020, store.Again)

		if err := one.last("ROLLBACK", "START TRANSACTION", "UPDATE t SET v = v + 1 WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		wantError(t, two.last("SET innodb_lock_wait_timeout = 0", "UPDATE t SET v = v + 1"), 1205, store.Again)

		err := two.last("SET innodb_lock_wait_timeout = 50", "START TRANSACTION", "UPDATE t SET v = v + 1 WHERE id = 2")
		if err != nil {
			t.Fatal(err)
		}
		waits := make(chan error)
		go func() { waits <- one.last("UPDATE t SET v = v + 1 WHERE id = 2") }()
		err = two.last("UPDATE t SET v = v + 1 WHERE id = 1")
		if other := <-waits; err == nil {
			err = other
		}
		wantError(t, err, 1213, store.Again)

		err = errors.Join(one.last("ROLLBACK"), two.last("ROLLBACK"),
			one.last("START TRANSACTION WITH CONSISTENT SNAPSHOT"))
		if err != nil {
			t.Fatal(err)
		}
		if err := two.last("CREATE TABLE later (id INT) ENGINE = InnoDB"); err != nil {
			t.Fatal(err)
		}
		wantError(t, one.last("SELECT * FROM later"), 1412, store.Again)
	})
	t.Run("interrupted", func(t *testing.T) {
		s := mustSession(t, db)
		wantError(t, s.last("SET STATEMENT max_statement_time = 0.01 FOR SELECT SLEEP(10)"), 1969, store.Away)
		wantError(t, s.last("KILL QUERY CONNECTION_ID()"), 1317, store.Away)
		wantError(t, s.last("KILL CONNECTION_ID()"), 1927, store.Away)
	})
	t.Run("full", func(t *testing.T) {
		wantError(t, mustSession(t, db).last("SET max_heap_table_size = 16384",
			"CREATE TABLE m (v VARCHAR(1000)) ENGINE = MEMORY",
			"INSERT INTO m SELECT REPEAT('a', 1000) FROM seq_1_to_1000"), 1114, store.Full)
	})
	t.Run("read-only", func(t *testing.T) {
		s := mustSession(t, db)
		wantError(t, s.last("START TRANSACTION READ ONLY", "UPDATE t SET v = 1"), 1792, store.ReadOnly)
		guest := mustSession(t, mustDB(t, dsn, "guest"))
		if err := admin.last("SET GLOBAL read_only = ON"); err != nil {
			t.Fatal(err)
		}
		wantError(t, guest.last("UPDATE t SET v = 1"), 1290, store.ReadOnly)
		if err := admin.last("SET GLOBAL read_only = OFF"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("too many", func(t *testing.T) {
		single := mustDB(t, dsn, "single")
		if err := admin.last("GRANT SELECT ON *.* TO single"); err != nil {
			t.Fatal(err)
		}
		mustSession(t, single)
		wantError(t, single.Ping(), 1226, store.Busy)
		guests := mustDB(t, dsn, "guest")
		for range 20 {
			mustSession(t, guests)
		}
		wantError(t, guests.Ping(), 1203, store.Busy)
		all := mustDB(t, dsn, "")
		var err error
		for range 30 {
			var conn *sql.Conn
			if conn, err = all.Conn(t.Context()); err != nil {
				break
			}
			t.Cleanup(func() { conn.Close() })
		}
		wantError(t, err, 1040, store.Busy)
	})

	server.Stop(10 * time.Second)
	if _, err := mustDB(t, dsn, "").Conn(t.Context()); store.MeaningOf(err) != store.Away {
		t.Errorf("a server that is not there: %v, want away", err)
	}
}

// TestErrorsOfAReadOnlyInnoDB starts a server whose InnoDB takes no writes.
func TestErrorsOfAReadOnlyInnoDB(t *testing.T) {
	server, dsn := mustStartMariaDB(t)
	mustExec(t, store.Config{DSN: dsn}, "CREATE TABLE t (id INT) ENGINE = InnoDB")
	server.Stop(10 * time.Second)
	server.AddOptions("--innodb-read-only")
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	wantError(t, mustSession(t, mustDB(t, dsn, "")).last("INSERT INTO t VALUES (1)"), 1036, store.ReadOnly)
}

// TestErrorsOfAGaleraNode checks what errors mean of a node that refuses queries, as one does that is not of the
// majority.
func TestErrorsOfAGaleraNode(t *testing.T) {
	port := mustFreePort(t)
	_, dsn := mustStartMariaDB(t, "--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so",
		"--wsrep-cluster-address=gcomm://", "--binlog-format=ROW",
		"--wsrep-provider-options=base_host=127.0.0.1;gmcast.listen_addr=tcp://127.0.0.1:"+port)
	s := mustOpen(t, store.Config{DSN: dsn})
	admin := mustSession(t, mustDB(t, dsn, ""))
	_ = admin.last("SET GLOBAL wsrep_reject_queries = ALL") // which may itself be refused, once it holds
	wantError(t, admin.last("SELECT * FROM product"), 1047, store.Away)
	if _, err := s.AddProduct(t.Context(), "Robot"); shop.KindOf(err) != shop.Unavailable {
		t.Errorf("a write at a node that is not of the majority: %v, want Unavailable", err)
	}
}

// TestEveryErrorOfTheTable makes a trigger on a real server raise each number of the table, MySQL's own ones too. It
// checks that the store tries again where that helps, a bounded number of times, and returns all others as what they
// mean.
func TestEveryErrorOfTheTable(t *testing.T) {
	cfg := store.Config{DSN: mustDatabase(t)}
	s := mustOpen(t, cfg)
	says := func(number uint16, state, text string, times int) {
		t.Helper()
		mustExec(t, cfg, "DROP TRIGGER IF EXISTS says", fmt.Sprintf(`
			CREATE TRIGGER says BEFORE UPDATE ON product FOR EACH ROW BEGIN
			SET @tries%[1]d_%[4]d = COALESCE(@tries%[1]d_%[4]d, 0) + 1;
			IF @tries%[1]d_%[4]d <= %[4]d THEN
				SIGNAL SQLSTATE '%[2]s' SET MYSQL_ERRNO = %[1]d, MESSAGE_TEXT = '%[3]s';
			END IF; END`, number, state, text, times))
	}
	write := func() error {
		_, err := s.RenameProduct(t.Context(), 1, "Robot", nil)
		return err
	}
	const always = 1000
	for number, means := range store.MySQLMeanings {
		if means < store.Again {
			continue // of statements that the store itself knows how to take
		}
		if means == store.Again {
			says(number, "HY000", "again", store.MaxTries-1)
			if err := write(); err != nil {
				t.Errorf("error %d, %d times: %v, want it tried again", number, store.MaxTries-1, err)
			}
		}
		says(number, "HY000", "always", always)
		err := write()
		var failure *shop.Error
		if !errors.As(err, &failure) || failure.Kind == shop.Internal || failure.Kind == shop.Uncertain {
			t.Errorf("error %d: %v, want a kind that says what it means", number, err)
			continue
		}
		if (failure.Kind == shop.Full) != (means == store.Full) || (failure.RetryAfter == 0) != (means == store.Full) {
			t.Errorf("error %d: kind %v, to be tried again after %v", number, failure.Kind, failure.RetryAfter)
		}
	}
	says(1030, "HY000", "Got error 28 \"No space left on device\" from storage engine InnoDB", always)
	if err := write(); shop.KindOf(err) != shop.Full {
		t.Errorf("a file error for want of room: %v, want Full", err)
	}
	says(1030, "HY000", "Got error 5 \"Input/output error\" from storage engine InnoDB", always)
	if err := write(); shop.KindOf(err) != shop.Internal {
		t.Errorf("another file error: %v, want Internal", err)
	}
	if p, err := s.Product(t.Context(), 1); err != nil || p.Version < 2 {
		t.Errorf("in the end: %v, %v", p, err)
	}
}

// overtaken is a journal in whose first transaction a row changes that this one has seen already.
type overtaken struct {
	db    *sql.DB
	times int
}

func (j *overtaken) Record(ctx context.Context, tx *sql.Tx, _ []string) (int64, error) {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM product").Scan(&n); err != nil {
		return 0, err
	}
	if j.times++; j.times == 1 {
		if _, err := j.db.ExecContext(ctx, "UPDATE product SET version = version + 1 WHERE id = 2"); err != nil {
			return 0, err
		}
	}
	_, err := tx.ExecContext(ctx, "UPDATE product SET version = version + 1 WHERE id = 2")
	return 1, err
}

func (*overtaken) Settle(context.Context, int64, []string) error { return nil }

// TestASnapshotThatIsOvertaken checks that a transaction which MariaDB ends because another one has changed what it saw
// (1020) is done again. That was once a 500.
func TestASnapshotThatIsOvertaken(t *testing.T) {
	dsn := mustDatabase(t)
	journal := &overtaken{db: mustDB(t, dsn, "")}
	s := mustOpen(t, store.Config{DSN: dsn + "?innodb_snapshot_isolation=1", Journal: journal})
	if p, err := s.RenameProduct(t.Context(), 1, "Robot", onlyVersion(1)); err != nil || p.Version != 2 {
		t.Errorf("a rename that was overtaken = %v, %v", p, err)
	}
	if p, err := s.Product(t.Context(), 2); err != nil || p.Version != 3 || journal.times != 2 {
		t.Errorf("after %d tries: %v, %v; want both writes of product 2 once", journal.times, p, err)
	}
}

// TestWhatIsKnownOfACommit checks which failures of COMMIT leave nothing behind for certain. A server is not brought
// to most of them at that very moment.
func TestWhatIsKnownOfACommit(t *testing.T) {
	for _, row := range []struct {
		err  error
		want bool
	}{
		{&mysql.MySQLError{Number: 1213}, true}, // Galera: another's was certified first
		{&mysql.MySQLError{Number: 3101}, true},
		{&mysql.MySQLError{Number: 1290}, true},
		{context.Canceled, true},
		{context.DeadlineExceeded, true},
		{sql.ErrTxDone, true},
		{driver.ErrBadConn, true},
		{&mysql.MySQLError{Number: 1047}, false},
		{&mysql.MySQLError{Number: 1053}, false},
		{&mysql.MySQLError{Number: 1180}, false},
		{&mysql.MySQLError{Number: 1317}, false},
		{&mysql.MySQLError{Number: 1927}, false},
		{&mysql.MySQLError{Number: 1021}, false},
		{&mysql.MySQLError{Number: 1105}, false}, // ER_UNKNOWN_ERROR
		{mysql.ErrInvalidConn, false},
		{errors.New("anything else"), false},
	} {
		if got := store.IsUndone(row.err); got != row.want {
			t.Errorf("COMMIT says %v: undone %v, want %v", row.err, got, row.want)
		}
	}
}

func mustFreePort(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return port
}
