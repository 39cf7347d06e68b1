package outbox_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// server is a database server of either kind.
type server interface {
	NewDatabase() (dsn string, err error)
	StartWire(dsn string) (wire *servers.Wire, through string, err error)
	Kill()
	Restart() error
}

// kind is a kind of server, on which the tests of what all have in common run.
type kind struct {
	dialect outbox.Dialect
	driver  string
	params  string                         // what is added to each DSN
	shared  server                         // by all tests, each with a database of its own
	start   func(t *testing.T) server      // one that a test may do harm to
	demote  func(t *testing.T, db *sql.DB) // see mustDemote
	// asked counts the statements that a server has been asked for which start has made.
	asked func(t *testing.T, s server, db *sql.DB) int
}

var onMySQL = &kind{
	dialect: outbox.MySQL, driver: "mysql", demote: demoteMySQL, asked: askedMySQL,
	start: func(t *testing.T) server { return servertest.MustStartMariaDB(t) },
}

var onPostgres = &kind{
	dialect: outbox.Postgres, driver: "pgx", demote: demotePostgres, asked: askedPostgres,
	start: func(t *testing.T) server { return servertest.MustStartPostgres(t, "log_statement=all") },
}

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(&mysql.NopLogger{}) // servers are killed
	if os.Getenv(lentNodes) != "" {
		os.Exit(m.Run())
	}
	mariadb, err := servers.StartMariaDB()
	if err == nil {
		defer mariadb.Close()
		var postgres *servers.Postgres
		if postgres, err = servers.StartPostgres(); err == nil {
			onMySQL.shared, onPostgres.shared = mariadb, postgres
			code := m.Run()
			postgres.Close()
			mariadb.Close()
			os.Exit(code)
		}
		mariadb.Close()
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// onEach runs a test on both kinds of servers at once.
func onEach(t *testing.T, test func(t *testing.T, on *kind)) {
	t.Helper()
	for _, on := range []*kind{onMySQL, onPostgres} {
		t.Run(on.dialect.String(), func(t *testing.T) {
			t.Parallel()
			test(t, on)
		})
	}
}

// sql returns a statement whose parameters are ?, as this kind has it.
func (on *kind) sql(statement string) string {
	for n := 1; on.dialect == outbox.Postgres && strings.Contains(statement, "?"); n++ {
		statement = strings.Replace(statement, "?", fmt.Sprint("$", n), 1)
	}
	return statement
}

// mustConnect opens a database.
func (on *kind) mustConnect(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(on.driver, dsn+on.params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// mustOpen makes an outbox in a new database of the server that tests share.
func (on *kind) mustOpen(t *testing.T) (*sql.DB, *outbox.Outbox) {
	t.Helper()
	return on.mustOpenOn(t, on.shared, outbox.Config{})
}

// mustOpenOn makes an outbox in a new database of a server.
func (on *kind) mustOpenOn(t *testing.T, s server, cfg outbox.Config) (*sql.DB, *outbox.Outbox) {
	t.Helper()
	cfg.DB = on.mustConnect(t, servertest.MustMakeDatabase(t, s))
	box := on.mustMake(t, cfg)
	for range 2 { // twice does no harm
		if err := box.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return cfg.DB, box
}

// mustMake makes an outbox of the namespace "toys", unless the configuration says another.
func (on *kind) mustMake(t *testing.T, cfg outbox.Config) *outbox.Outbox {
	t.Helper()
	cfg.Dialect, cfg.Namespace = on.dialect, cmp.Or(cfg.Namespace, "toys")
	box, err := outbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// inTx records tags in a transaction of its own.
func inTx[Tx any](
	t *testing.T, db *sql.DB, commit bool, record func(context.Context, Tx, ...string) (int64, error), tags ...string,
) int64 {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	id, err := record(t.Context(), any(tx).(Tx), tags...)
	if err != nil {
		t.Fatal(err)
	}
	if commit {
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return id
}
