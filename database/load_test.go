package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// Connections that end are what the tests are about.
func init() { _ = mysql.SetLogger(&mysql.NopLogger{}) }

// load writes one row after another by way of the proxy, and keeps which were acknowledged.
type load struct {
	db   *sql.DB
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	acked []int
	at    time.Time     // of the last acknowledgement
	gap   time.Duration // the longest time without one
	heard chan struct{} // closed at the next one
	err   error         // of the last write that failed
}

// writeTimeout is how long a write may take: that of a node which is about to be left out takes as long.
const writeTimeout = 6 * time.Second

func mustStartLoad(t *testing.T, c *programs.DatabaseCluster) *load {
	t.Helper()
	mustExec(t, c.WriteDSN, "CREATE TABLE IF NOT EXISTS written (n INT PRIMARY KEY)")
	db := mustOpen(t, c.WriteDSN)
	ctx, stop := context.WithCancel(context.Background())
	l := &load{db: db, stop: stop, at: time.Now(), heard: make(chan struct{})}
	l.done.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			l.write(ctx, n)
		}
	})
	t.Cleanup(func() { stop(); l.done.Wait() })
	return l
}

func (l *load) write(ctx context.Context, n int) {
	within, cancel := context.WithTimeout(ctx, writeTimeout)
	_, err := l.db.ExecContext(within, "INSERT INTO written VALUES (?)", n)
	cancel()
	l.mu.Lock()
	if err != nil {
		l.err = err
	} else {
		l.acked = append(l.acked, n)
		l.gap = max(l.gap, time.Since(l.at))
		l.at = time.Now()
		close(l.heard)
		l.heard = make(chan struct{})
	}
	l.mu.Unlock()
	select {
	case <-time.After(5 * time.Millisecond): // a few hundred a second are enough
	case <-ctx.Done():
	}
}

// restartClock begins a new longest gap.
func (l *load) restartClock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap, l.at = 0, time.Now()
}

// mustAwait waits for the next acknowledgement, and returns the longest gap since the clock was restarted.
func (l *load) mustAwait(t *testing.T) time.Duration {
	t.Helper()
	for range 3 { // the first may be of a write that was under way
		l.mu.Lock()
		heard := l.heard
		l.mu.Unlock()
		select {
		case <-heard:
		case <-time.After(time.Minute):
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("no write is acknowledged: %v", l.err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gap
}

// mustHoldAll fails the test unless every acknowledged row is on every node.
func (l *load) mustHoldAll(t *testing.T, c *programs.DatabaseCluster) {
	t.Helper()
	l.mu.Lock()
	acked := l.acked[:len(l.acked):len(l.acked)]
	l.mu.Unlock()
	for _, n := range c.Nodes {
		held := map[int]bool{}
		for _, row := range mustQuery(t, n.DSN(), "SELECT n FROM written") {
			held[row] = true
		}
		lost := 0
		for _, row := range acked {
			if !held[row] {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%s lacks %d of %d acknowledged rows", n.Name, lost, len(acked))
		}
	}
}

func mustOpen(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t *testing.T, dsn, statement string) {
	t.Helper()
	if _, err := mustOpen(t, dsn).Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// mustQuery returns the numbers that a query has, read causally.
func mustQuery(t *testing.T, dsn, query string) (rows []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db := mustOpen(t, dsn)
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "SET SESSION wsrep_sync_wait=1"); err != nil {
		t.Fatal(err)
	}
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	for found.Next() {
		var n int
		if err := found.Scan(&n); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, n)
	}
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// mustBeOneCluster fails the test unless all nodes are in one cluster, with one writer, and returns that cluster's
// UUID.
func mustBeOneCluster(t *testing.T, c *programs.DatabaseCluster) (uuid string) {
	t.Helper()
	if err := c.AwaitWell(); err != nil {
		t.Fatal(err)
	}
	for i, n := range c.Nodes {
		s, err := n.State()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			uuid = s.UUID
		}
		if s.UUID != uuid || s.Size != len(c.Nodes) {
			t.Errorf("%s is one of %d in cluster %s, want %d in %s", n.Name, s.Size, s.UUID, len(c.Nodes), uuid)
		}
	}
	return uuid
}

// mustCount fails the test unless a query returns the number on every node.
func mustCount(t *testing.T, c *programs.DatabaseCluster, query string, want int) {
	t.Helper()
	for _, n := range c.Nodes {
		if got := mustQuery(t, n.DSN(), query); fmt.Sprint(got) != fmt.Sprint([]int{want}) {
			t.Errorf("%s: %s = %v, want %d", n.Name, query, got, want)
		}
	}
}
