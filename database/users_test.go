package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestLongUsers gives a running cluster a file with another user, and checks that the first node that joins again makes
// it for all, leaves the password alone that the user before has got meanwhile, and accepts two passwords for one user.
func TestLongUsers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.sql")
	write := func(statements ...string) {
		t.Helper()
		must(t, os.WriteFile(file, []byte(strings.Join(statements, "\n")), 0o600))
	}
	const early = "CREATE USER IF NOT EXISTS early@'%' IDENTIFIED BY 'first';"
	write(early)
	c := mustStartCluster(t, programs.DatabaseClusterConfig{Settings: []string{"WOODY_DB_USERS_FILE=" + file}})
	one := c.Nodes[0]
	takes := func(user, password string) bool {
		t.Helper()
		taken := 0
		for _, n := range c.Nodes {
			db, err := sql.Open("mysql", user+":"+password+"@tcp("+n.IP+":3306)/")
			must(t, err)
			defer db.Close()
			if err = db.Ping(); err == nil {
				taken++
			} else if !strings.Contains(err.Error(), "Error 1045") {
				t.Fatal(n.Name, err)
			}
		}
		if taken != 0 && taken != len(c.Nodes) {
			t.Errorf("%s with %s is taken by %d nodes", user, password, taken)
		}
		return taken > 0
	}
	by := func(statement string) {
		t.Helper()
		_, err := one.Exec(statement)
		must(t, err)
	}
	if !takes("early", "first") {
		t.Fatal("the user of the file is not there")
	}
	by("ALTER USER early@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('first') " +
		"OR mysql_native_password USING PASSWORD('second')")
	if !takes("early", "first") || !takes("early", "second") || takes("early", "third") {
		t.Error("not two passwords are taken")
	}
	by("ALTER USER early@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('second')")
	write(early, "CREATE USER IF NOT EXISTS late@'%' IDENTIFIED BY 'first';")
	one.Kill()
	must(t, one.Restart(), c.AwaitWell())
	if !takes("late", "first") {
		t.Error("the user of the new file is not there")
	}
	if takes("early", "first") || !takes("early", "second") {
		t.Error("the password that was changed is another one after the start")
	}
}
