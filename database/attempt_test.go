package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

func TestAttempt(t *testing.T) {
	var a attempt
	tries := make(chan error)
	try := func() error { return <-tries }
	mustBe := func(want bool, failure error) {
		t.Helper()
		if got, err := a.succeeded(try); got != want || !errors.Is(err, failure) {
			t.Fatalf("it has succeeded: %v, %v; want %v, %v", got, err, want, failure)
		}
	}
	await := func() {
		for a.ended != nil && len(a.ended) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	mustBe(false, nil)
	mustBe(false, nil) // the same is under way
	tries <- fs.ErrClosed
	await()
	mustBe(false, fs.ErrClosed)
	mustBe(false, nil) // another
	tries <- nil
	await()
	mustBe(true, nil)
}

func TestMayPass(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{context.DeadlineExceeded, true},
		{driver.ErrBadConn, true},
		{&mysql.MySQLError{Number: 1047}, true},
		{&mysql.MySQLError{Number: 1205}, true},
		{&mysql.MySQLError{Number: 1064}, false}, // a mistake in the users' file
		{&fs.PathError{Err: fs.ErrNotExist}, false},
	} {
		if got := mayPass(fmt.Errorf("make users: %w", c.err)); got != c.want {
			t.Errorf("%v may pass: %v, want %v", c.err, got, c.want)
		}
	}
}

// TestUsersAreHeldUp begins a cluster with a server that refuses to make users while its tables are locked, as for a
// state transfer, and then takes for ever to: the node sees its server end meanwhile, and counts as soon as users are
// made.
func TestUsersAreHeldUp(t *testing.T) {
	t.Parallel()
	at := servertest.MustStartGalera(t, 1).Nodes[0]
	dir, err := os.MkdirTemp("", "woody-held") // short: a socket's path may have 107 bytes
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config{DataDir: dir, RunDir: dir, Node: "database", osUser: "root", User: "toys", Name: "toys",
		UsersFile: filepath.Join(dir, "users.sql"), order: []node{{name: "database"}}}
	moreUsers := func(statements string) {
		t.Helper()
		must(t, os.WriteFile(cfg.UsersFile, []byte(statements), 0o600))
	}
	moreUsers("DO SLEEP(1000);")
	addr, err := mysql.ParseDSN(at.DSN(""))
	must(t, err)
	must(t, os.Symlink(addr.Addr, cfg.socket()))
	admin, err := mustOpen(t, at.DSN("")).Conn(t.Context())
	must(t, err)
	defer admin.Close()
	do := func(statement string) {
		t.Helper()
		_, err := admin.ExecContext(t.Context(), statement)
		must(t, err)
	}
	// end ends a statement, or its connection. On a slow machine its attempt may have run out of time by then.
	end := func(kill string, id int64) {
		t.Helper()
		const noSuchThread = 1094
		var refusal *mysql.MySQLError
		_, err := admin.ExecContext(t.Context(), fmt.Sprintf("%s %d", kill, id))
		if !errors.As(err, &refusal) || refusal.Number != noSuchThread {
			must(t, err)
		}
	}
	await := func(what string, so func() bool) {
		t.Helper()
		for deadline := time.Now().Add(servers.Patience); !so(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	var sleeper int64 // the connection that makes users
	sleeps := func() bool {
		const query = "SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'"
		must(t, admin.QueryRowContext(t.Context(), query).Scan(&sleeper))
		return sleeper != 0
	}
	var tried atomic.Int64 // the times that users could not be made
	log := slog.New(slog.NewTextHandler(counter{&tried, "not made yet"}, nil))
	begin := func() (n *runner, s *server, ended chan error) {
		n = &runner{cfg: cfg, log: log, peers: newPeers(nil, "1"), commands: make(chan decision), begun: time.Now()}
		n.enter(starting, "begins")
		m, err := newMonitor(cfg)
		must(t, err)
		go m.run(t.Context(), slog.New(slog.DiscardHandler))
		n.watch(m)
		s, ended = mustStartSleeping(t), make(chan error, 1)
		go func() { ended <- n.accompany(t.Context(), s, m, bootstrap) }()
		return n, s, ended
	}

	do("FLUSH TABLES WITH READ LOCK")
	n, s, ended := begin()
	await("nobody tries to make users", func() bool { return tried.Load() > 1 })
	do("UNLOCK TABLES")
	await("users are not made once the lock has gone", sleeps)
	s.kill()
	select {
	case err := <-ended:
		must(t, err)
	case <-time.After(servers.Patience):
		t.Fatal("the node does not see that its server has ended")
	}
	end("KILL", sleeper)

	n, s, ended = begin()
	await("users are not made", sleeps)
	if phase := n.state().Phase; phase != starting {
		t.Errorf("the node is %s without users", phase)
	}
	moreUsers("")
	end("KILL QUERY", sleeper)
	await("the node does not come to count", func() bool { return n.state().Phase == running })
	s.kill()
	<-ended
}

// counter counts the writes that have some words.
type counter struct {
	n     *atomic.Int64
	words string
}

func (c counter) Write(b []byte) (int, error) {
	if strings.Contains(string(b), c.words) {
		c.n.Add(1)
	}
	return len(b), nil
}
