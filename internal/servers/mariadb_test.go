package servers_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestDataFoldersAreCopied starts two servers at the same time, and a third from what one of them has kept. Each takes
// a table of the same name: none has what another has.
func TestDataFoldersAreCopied(t *testing.T) {
	kept := t.TempDir()
	t.Setenv("WOODYTEST_EMPTY", kept)
	const marked = "kept_by_the_test"
	errs := make(chan error)
	for range 2 {
		go func() { errs <- useAsNew(func(*servers.MariaDB) error { return nil }) }()
	}
	err := errors.Join(<-errs, <-errs, os.WriteFile(filepath.Join(kept, "mariadb", marked), nil, 0o644),
		useAsNew(func(m *servers.MariaDB) error {
			_, err := os.Stat(filepath.Join(m.Data(), marked))
			return err
		}))
	if err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(kept); err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v; want one folder", left, err)
	}
}

// useAsNew starts a server, checks it, and makes a database on it, with a table.
func useAsNew(check func(*servers.MariaDB) error) error {
	server, err := servers.StartMariaDB()
	if err != nil {
		return err
	}
	defer server.Close()
	dsn, err := server.NewDatabase()
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("CREATE TABLE toy (id INT PRIMARY KEY)")
	return errors.Join(err, check(server))
}
