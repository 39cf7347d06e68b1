package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/audit"
	"github.com/woodytoys/woodytoys/api/store"
)

func newEntry(thing string) audit.Entry {
	return audit.Entry{
		ID: uuid.Must(uuid.NewV7()).String(), At: time.Now().UTC(), Account: uuid.NewString(), Method: "POST",
		Route: "/api/products", Thing: thing, From: "192.0.2.7",
		Outcome: audit.Done, Status: 201, Request: "r-1", Times: 1,
	}
}

// mustAuditRows returns how many entries there are, read past the store.
func mustAuditRows(t *testing.T, cfg store.Config, where string) (n int) {
	t.Helper()
	driver, dsn, table := "sqlite", cfg.DataDir+"/woody.db", "audit_entry"
	if cfg.DSN != "" {
		to, err := mysql.ParseDSN(cfg.DSN)
		if err != nil {
			t.Fatal(err)
		}
		driver, dsn, table = "mysql", cfg.DSN, "`"+to.DBName+store.AuditSuffix+"`.entry"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM " + table + " " + where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAuditEntriesShareStatements adds entries at once, whose values are what callers make up, and wants each to be
// kept as it is, by far fewer statements than there are.
func TestAuditEntriesShareStatements(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		var statements atomic.Int64
		cfg.Audit = true
		cfg.Follow = func(_ context.Context, statement string) func(error) {
			if strings.HasPrefix(statement, "INSERT INTO") && strings.Contains(statement, "entry") {
				statements.Add(1)
			}
			return nil
		}
		s := mustOpen(t, cfg)
		s.SetAuditPatience(time.Minute)                // a busy machine is no database that is away
		if err := s.Migrate(t.Context()); err != nil { // of a replica that starts beside it
			t.Fatal(err)
		}
		const entries = 200
		things := []string{`'); DROP TABLE entry; -- `, `\`, "été 🎺", strings.Repeat("é", audit.ThingMax/2)}
		began := statements.Load()
		var all sync.WaitGroup
		for i := range entries {
			all.Go(func() {
				if err := s.AddEntry(t.Context(), newEntry(things[i%len(things)])); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := mustAuditRows(t, cfg, ""); got != entries {
			t.Errorf("%d entries, want %d", got, entries)
		}
		const asGiven = `WHERE thing = 'été 🎺' AND outcome = 'done' AND status = 201`
		if got := mustAuditRows(t, cfg, asGiven); got != entries/4 {
			t.Errorf("%d entries are what was given, want %d", got, entries/4)
		}
		if made := statements.Load() - began; made > entries/2 {
			t.Errorf("%d statements for %d entries", made, entries)
		}
		if cfg.DSN != "" {
			return
		}
		db, err := sql.Open("sqlite", cfg.DataDir+"/woody.db")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("UPDATE audit_entry SET account = ''"); err == nil {
			t.Error("an entry of the file is changed")
		}
	})
}

// TestNoAuditUnasked checks that a shop without accounts makes no table and no entries, whatever rights its database
// user has.
func TestNoAuditUnasked(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		s := mustOpen(t, cfg)
		if err := s.AddEntry(t.Context(), newEntry("")); err == nil {
			t.Error("an entry is kept")
		}
		cfg.Audit = true
		db := mustAdmin(t, cfg)
		defer db.Close()
		var n int
		query := "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'audit%'"
		if cfg.DSN != "" {
			query = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = CONCAT(DATABASE(), '_audit')"
		}
		if err := db.QueryRow(query).Scan(&n); err != nil || n != 0 {
			t.Errorf("there are %d of the audit's (%v), want none", n, err)
		}
	})
}

func mustAdmin(t *testing.T, cfg store.Config) *sql.DB {
	t.Helper()
	driver, dsn := "sqlite", cfg.DataDir+"/woody.db"
	if cfg.DSN != "" {
		driver, dsn = "mysql", cfg.DSN
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestAuditByLesserUsers makes the tables as one database user and runs the shop as another. It checks that neither can
// read, change or remove audit entries, and that a missing privilege is reported with the GRANT statements that mend
// it.
func TestAuditByLesserUsers(t *testing.T) {
	t.Parallel()
	dsn := mustDatabase(t)
	to, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	admin := mustAdmin(t, store.Config{DSN: dsn})
	defer admin.Close()
	exec := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := admin.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	name := fmt.Sprintf("u%d", time.Now().UnixNano()%1e12)
	as := func(user string) string {
		other := to.Clone()
		other.User, other.Passwd = user, "x"
		return other.FormatDSN()
	}
	maker, user := name+"m", name+"w"
	audits := "`" + strings.ReplaceAll(to.DBName+store.AuditSuffix, "_", `\_`) + "`.*"
	exec("CREATE USER "+maker+" IDENTIFIED BY 'x'", "CREATE USER "+user+" IDENTIFIED BY 'x'",
		"GRANT ALL ON `"+to.DBName+"`.* TO "+maker,
		"GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON `"+to.DBName+"`.* TO "+user)
	open := func() (*store.Store, error) {
		s, err := store.Open(store.Config{DSN: as(user), MigrateDSN: as(maker), Audit: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return s, s.Migrate(ctx)
	}
	exec("GRANT CREATE ON " + audits + " TO " + maker)
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "GRANT INSERT ON "+audits) ||
		!strings.Contains(err.Error(), "GRANT CREATE, INSERT ON "+audits) {
		t.Errorf("a user who may not add entries: %v, want what to do", err)
	}
	exec("GRANT INSERT ON " + audits + " TO " + user)
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	s.SetAuditPatience(time.Minute)
	if err := s.AddEntry(t.Context(), newEntry("")); err != nil {
		t.Error(err)
	}
	table := "`" + to.DBName + store.AuditSuffix + "`.entry"
	for _, who := range []string{maker, user} {
		db, err := sql.Open("mysql", as(who))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, statement := range []string{
			"UPDATE " + table + " SET account = ''", "DELETE FROM " + table, "TRUNCATE " + table, "DROP TABLE " + table,
			"DROP DATABASE `" + to.DBName + "_audit`", "ALTER TABLE " + table + " DROP COLUMN account",
			"RENAME TABLE " + table + " TO " + table + "2", "SELECT * FROM " + table,
			"REPLACE INTO " + table + " SELECT * FROM " + table,
			"CREATE OR REPLACE TABLE " + table + " (id INT)",
			"INSERT INTO " + table + " (id) VALUES ('') ON DUPLICATE KEY UPDATE account = ''",
			"CREATE TRIGGER hides BEFORE INSERT ON " + table + " FOR EACH ROW SET NEW.account = ''",
			"LOCK TABLES " + table + " WRITE",
		} {
			if _, err := db.Exec(statement); err == nil {
				t.Errorf("%s may %s", who, statement)
			}
		}
	}
}

// TestAuditAway adds entries while the server is away: each returns soon, and the store goes on once it is back.
func TestAuditAway(t *testing.T) {
	t.Parallel()
	server, dsn := mustStartMariaDB(t)
	s := mustOpen(t, store.Config{DSN: dsn, Audit: true})
	s.SetAuditPatience(time.Minute)
	if err := s.AddEntry(t.Context(), newEntry("")); err != nil {
		t.Fatal(err)
	}
	s.SetAuditPatience(store.AuditPatience)
	pause := func() error { return server.Signal(syscall.SIGSTOP) }
	resume := func() error { return server.Signal(syscall.SIGCONT) }
	for _, fault := range []struct {
		name        string
		begin, mend func() error
	}{
		{"silent", pause, resume},
		{"killed", func() error { server.Kill(); return nil }, server.Restart},
	} {
		if err := fault.begin(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := s.AddEntry(t.Context(), newEntry("")); err == nil {
					t.Errorf("%s: an entry is kept", fault.name)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: 50 entries at once took %v", fault.name, took)
		}
		if err := fault.mend(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if err := s.AddEntry(t.Context(), newEntry("back")); err == nil {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("%s, and mended: %v", fault.name, err)
			}
		}
	}
}
