package main

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLongAdopt begins a cluster with the data of a server that stood alone, as the stage before had it, goes back to
// such a server on the first node's volume, writes there, and comes back to the cluster.
func TestLongAdopt(t *testing.T) {
	t.Parallel()
	plain := servertest.MustStartMariaDB(t)
	mustRun(t, plain.DSN(""), "CREATE DATABASE woody", "CREATE TABLE woody.toys (n INT PRIMARY KEY)",
		"INSERT INTO woody.toys VALUES (1)")
	plain.Stop(servers.Patience)
	c := mustStartCluster(t, programs.DatabaseClusterConfig{Data: func(node string) string {
		if node == "database" {
			return plain.Data()
		}
		return ""
	}})
	uuid := mustBeOneCluster(t, c)
	mustRun(t, c.WriteDSN, "INSERT INTO toys VALUES (2)")
	mustCount(t, c, "SELECT COUNT(*) FROM toys", 2)

	for _, end := range []struct {
		name string
		by   func(*servers.Process)
	}{
		{"stops", func(p *servers.Process) { p.Stop(servers.Patience) }},
		{"is killed", (*servers.Process).Kill},
	} {
		t.Run("back to one server, which "+end.name, func(t *testing.T) {
			want := mustQuery(t, c.Nodes[0].DSN(), "SELECT COUNT(*) FROM toys")[0] + 1
			for _, n := range slices.Backward(c.Nodes) {
				n.Stop() // the first one last: it has all
			}
			alone, dsn := mustStartAlone(t, c.Nodes[0].Data())
			mustRun(t, dsn, "INSERT INTO woody.toys SELECT MAX(n) + 1 FROM woody.toys")
			end.by(alone)
			for _, n := range c.Nodes {
				must(t, n.Restart())
			}
			now := mustBeOneCluster(t, c)
			if now == uuid {
				t.Errorf("the cluster is still %s, want a new one: the others' data is old", uuid)
			}
			uuid = now
			mustCount(t, c, "SELECT COUNT(*) FROM toys", want)
		})
	}
}

// mustStartAlone starts a server without a cluster on a data folder, and returns how its administrator reaches it.
func mustStartAlone(t *testing.T, data string) (server *servers.Process, dsn string) {
	t.Helper()
	program, err := servers.LookPath("mariadbd")
	must(t, err)
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	server, err = servers.Start(exec.Command(program, "--no-defaults", "--user=root", "--datadir="+data,
		"--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"), "--tmpdir="+dir, "--skip-networking"),
		filepath.Join(dir, "log"))
	must(t, err)
	t.Cleanup(server.Kill)
	dsn = "root@unix(" + socket + ")/"
	must(t, server.AwaitReady(servers.Patience, func() error {
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec("SELECT COUNT(*) FROM woody.toys")
		return err
	}))
	return server, dsn
}

func mustRun(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		mustExec(t, dsn, statement)
	}
}

// TestRanAlone kills a server with the options of a node, and one without them, and stops both in order: only what the
// latter leave shows that a server without a cluster ran.
func TestRanAlone(t *testing.T) {
	t.Parallel()
	var options []string
	for _, option := range ownFiles {
		options = append(options, "--"+option)
	}
	for _, test := range []struct {
		what    string
		options []string
		want    bool
	}{
		{"a node's", options, false},
		{"another", nil, true},
	} {
		server := servertest.MustStartMariaDB(t, test.options...)
		f := folder(server.Data())
		mustRun(t, server.DSN(""), "CREATE DATABASE woody", "CREATE TABLE woody.toys (n INT PRIMARY KEY)")
		must(t, f.clearMarkers()) // what its installation left
		server.Kill()
		must(t, server.Restart())
		server.Kill()
		if f.ranAlone() != test.want {
			t.Errorf("%s server, killed, ran alone: %v, want %v", test.what, f.ranAlone(), test.want)
		}
		must(t, server.Restart())
		server.Stop(servers.Patience)
		if f.ranAlone() != test.want {
			t.Errorf("%s server, stopped, ran alone: %v, want %v", test.what, f.ranAlone(), test.want)
		}
	}
}
