package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	lookEvery = 200 * time.Millisecond
	// silence is how long a server may say nothing before it counts as silent.
	silence = time.Second
	// longQueue is how many transactions a node may have received and not applied. Galera's flow control has the others
	// wait at 27, with three nodes.
	longQueue = 16
	// lagThreshold is how long a queue may be long: a burst is no lag.
	lagThreshold = 2 * time.Second
)

// status is what a server says of itself.
type status struct {
	uuid         string
	seqno        int64
	primary      bool
	disconnected bool // it left the group and does not return by itself
	synced       bool
	donor        bool
	size         int
	view         int64
	queue        int64
	paused       int64 // how often it asked the others to wait
	lagging      bool
}

// monitor looks at a server over its socket.
type monitor struct {
	db     *sql.DB
	socket string

	mu   sync.Mutex
	last status
	at   time.Time // when that was so; zero before the server said anything
	well time.Time // when the queue was short last
}

func newMonitor(cfg config) (*monitor, error) {
	dsn := mysql.NewConfig()
	dsn.User, dsn.Net, dsn.Addr = cfg.osUser, "unix", cfg.socket()
	dsn.Logger, dsn.MultiStatements, dsn.AllowNativePasswords = &mysql.NopLogger{}, true, true
	connector, err := mysql.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(1)
	return &monitor{db: db, socket: cfg.socket()}, nil
}

// run looks until ctx ends, and then closes the connection.
func (m *monitor) run(ctx context.Context, log *slog.Logger) {
	defer m.db.Close()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, silence)
		seen, err := m.look(look)
		cancel()
		if err == nil {
			m.note(seen, time.Now())
		} else if ctx.Err() == nil {
			log.Debug("the server says nothing", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look asks the server.
func (m *monitor) look(ctx context.Context) (s status, err error) {
	rows, err := m.db.QueryContext(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep\\_%'")
	if err != nil {
		return s, err
	}
	defer rows.Close()
	values := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return s, err
		}
		values[name] = value
	}
	return parseStatus(values), rows.Err()
}

func parseStatus(values map[string]string) status {
	number := func(name string) int64 {
		n, err := strconv.ParseInt(values[name], 10, 64)
		if err != nil {
			return 0 // not there, or -1 as Galera prints it
		}
		return n
	}
	ready := values["wsrep_ready"] == "ON"
	return status{
		uuid:         values["wsrep_cluster_state_uuid"],
		seqno:        number("wsrep_last_committed"),
		primary:      ready && values["wsrep_cluster_status"] == "Primary",
		disconnected: values["wsrep_connected"] == "OFF" || values["wsrep_cluster_status"] == "Disconnected",
		synced:       ready && values["wsrep_local_state"] == "4",
		donor:        ready && values["wsrep_local_state"] == "2",
		size:         int(number("wsrep_cluster_size")),
		view:         number("wsrep_cluster_conf_id"),
		queue:        number("wsrep_local_recv_queue"),
		paused:       number("wsrep_flow_control_sent"),
	}
}

// note keeps what the server said at a time.
func (m *monitor) note(seen status, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.well.IsZero() || seen.queue <= longQueue && seen.paused == m.last.paused {
		m.well = now
	}
	seen.lagging = now.Sub(m.well) > lagThreshold
	m.last, m.at = seen, now
}

// status returns what the server said last. Ok is false while it is silent, and before it said anything.
func (m *monitor) status() (s status, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, !m.at.IsZero() && time.Since(m.at) < silence
}

// latest returns what the server said last, however long ago.
func (m *monitor) latest() status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// connectable reports whether the server takes connections, whether or not it says anything on them.
func (m *monitor) connectable() bool {
	conn, err := net.DialTimeout("unix", m.socket, lookEvery)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// promote makes the server begin a cluster with the nodes it sees.
func (m *monitor) promote(ctx context.Context) error {
	_, err := m.db.ExecContext(ctx, "SET GLOBAL wsrep_provider_options='pc.bootstrap=YES'")
	return err
}

// runStatements makes what is missing of users and databases in a cluster.
func (m *monitor) runStatements(ctx context.Context, statements string) error {
	if _, err := m.db.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("make users and the database: %w", err)
	}
	return nil
}

// freeBytes returns how much room a folder's disk has.
func freeBytes(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}
