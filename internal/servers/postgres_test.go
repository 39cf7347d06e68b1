package servers_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestAPostgresCopyTakesOver checks that a server has what it had after a crash, and a copy what its primary has; and
// that the copy takes writes when it has been promoted.
func TestAPostgresCopyTakesOver(t *testing.T) {
	primary := servertest.MustStartPostgres(t)
	mustExec := func(server *servers.Postgres, statement string) {
		t.Helper()
		if err := server.Exec("postgres", statement); err != nil {
			t.Fatal(err)
		}
	}
	const has = "DO $$ BEGIN ASSERT EXISTS (SELECT FROM k), 'there is no row'; END $$"
	mustExec(primary, "CREATE TABLE k AS SELECT 1 AS id")
	second := servertest.MustStartPostgresCopy(t, primary)
	primary.Kill()
	if err := primary.Restart(); err != nil {
		t.Fatal(err)
	}
	mustExec(primary, has)
	mustExec(second, has)
	if err := second.Exec("postgres", "DELETE FROM k"); err == nil {
		t.Error("a copy takes a write")
	}
	if err := second.Promote(); err != nil {
		t.Fatal(err)
	}
	mustExec(second, "DELETE FROM k")
	mustExec(primary, has)
}
