// Package servertest starts real servers for tests, and ends them with the test.
package servertest

import (
	"fmt"
	"os"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// lent is the variable by which a process finds the server that Lend lends it.
const lent = "WOODYTEST_MARIADB"

// Lend returns a variable for the environment of a test program that this one starts: its MainWithMariaDB takes the
// server, and starts none.
func Lend(server *servers.MariaDB) (variable string) { return lent + "=" + server.Data() }

// MainWithMariaDB is the TestMain of a package whose tests share a server, each with a database of its own. It sets
// server, runs the tests, ends the server, and exits with their status; with 1 if there is no server.
func MainWithMariaDB(m *testing.M, server **servers.MariaDB) {
	if data := os.Getenv(lent); data != "" {
		*server = servers.BorrowMariaDB(data)
		os.Exit(m.Run())
	}
	// A test may lose the server, and none of them the machine: what is written need not be on the disk.
	started, err := servers.StartMariaDB("--innodb-flush-method=nosync", "--debug-no-sync")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	*server = started
	code := m.Run()
	started.Close()
	os.Exit(code)
}

// MustStartMariaDB starts a server that one test may do harm to, with more options of its own.
func MustStartMariaDB(t testing.TB, options ...string) *servers.MariaDB {
	t.Helper()
	return started(t, func() (*servers.MariaDB, error) { return servers.StartMariaDB(options...) })
}

// MustMakeDatabase makes an empty database on a server, a *servers.MariaDB or *servers.Postgres, and returns its DSN.
func MustMakeDatabase(t testing.TB, server interface{ NewDatabase() (string, error) }) (dsn string) {
	t.Helper()
	dsn, err := server.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}
