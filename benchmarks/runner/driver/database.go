package driver

import (
	"fmt"
	"os"

	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// galera is the library that makes a server a node, where Debian's package has it.
var galera = "/usr/lib/galera/libgalera_smm.so"

// Missing implements Driver. Everything is built here, but what the database's nodes need may not be installed.
func (l *Local) Missing(s stage.Stage) string {
	if !s.Nodes {
		return ""
	}
	if _, err := os.Stat(galera); err != nil {
		return fmt.Sprintf("Galera is not installed (scripts/need galera installs it on Debian): %v", err)
	}
	for _, program := range []string{"mariadb-backup", "socat"} { // by which a node gets its data
		if _, err := servers.LookPath(program); err != nil {
			return err.Error()
		}
	}
	return ""
}

// startDatabase gives a stage its database, a new one of the server that serves all stages or nodes of its own, and
// returns the API's settings for it.
func (l *Local) startDatabase(s stage.Stage, running *Running,
	add func(part string, process *servers.Process, end func())) (settings []string, err error) {
	if !s.Nodes {
		running.queries, running.Parts = l.queries, addPart(nil, "database", l.mariadb.PID())
		dsn, err := l.mariadb.NewDatabase()
		return []string{"WOODY_DB_DSN=" + dsn}, err
	}
	// Commits wait for the disk, as those of the one server do.
	cluster, err := programs.StartDatabaseCluster(programs.DatabaseClusterConfig{
		Settings: []string{"WOODY_DB_OPTIONS=", "WOODY_DB_BUFFER_POOL=256M"},
	})
	if err != nil {
		return nil, err
	}
	for i, node := range cluster.Nodes {
		end := func() {}
		if i == 0 { // the last to be ended
			end = cluster.Close
		}
		add(node.Name, node.Process(), end)
	}
	add("database-proxy", cluster.Proxy.Process, func() {})
	return []string{"WOODY_DB_DSN=" + cluster.WriteDSN, "WOODY_DB_READ_DSN=" + cluster.ReadDSN,
		"WOODY_DB_DIRECT=cluster"}, nil
}
