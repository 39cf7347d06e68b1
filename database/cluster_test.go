package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// bound is how long writes may be away when the writer fails.
const bound = 10 * time.Second

func mustStartCluster(t *testing.T, cfg programs.DatabaseClusterConfig) *programs.DatabaseCluster {
	t.Helper()
	c, err := programs.StartDatabaseCluster(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func nothing() error { return nil }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestLongCluster takes three fresh nodes through all that may befall them, under load, one thing after the other.
func TestLongCluster(t *testing.T) {
	t.Parallel()
	cfg := programs.DatabaseClusterConfig{}
	if os.Getuid() == 0 {
		cfg.DiskSize = 400 << 20
	}
	c := mustStartCluster(t, cfg)
	one, two, three := c.Nodes[0], c.Nodes[1], c.Nodes[2]
	uuid := mustBeOneCluster(t, c)
	if w := c.Writer(); w != one {
		t.Fatalf("%v takes writes, want %s", w, one.Name)
	}
	load := mustStartLoad(t, c)
	run := func(name string, test func(*testing.T)) {
		if !t.Failed() { // each begins with all as it should be
			t.Run(name, test)
		}
	}

	run("the way in", func(t *testing.T) {
		if got := mustWho(t, c.WriteDSN); got != one.Name {
			t.Errorf("writes come to %s, want %s", got, one.Name)
		}
		seen := map[string]bool{}
		for range 8 {
			seen[mustWho(t, c.ReadDSN)] = true
		}
		if seen[one.Name] || !seen[two.Name] || !seen[three.Name] {
			t.Errorf("reads come to %v, want those that take no writes", seen)
		}
	})

	for _, failure := range []struct {
		name       string
		fail, mend func() error
	}{
		{"the writer is killed", func() error { one.Kill(); return nil }, one.Restart},
		{"its server is killed", one.KillServer, nothing},
		{"its server is silent", one.Pause, func() error {
			behind := func(s programs.DatabaseState) bool { return s.Behind }
			return errors.Join(one.Await("left out", behind), one.Resume())
		}},
		{"it is cut off", one.Isolate, one.Rejoin},
	} {
		run(failure.name, func(t *testing.T) {
			disk := mustIdentify(t, one)
			must(t, c.AwaitWell())
			old := mustConnect(t, c.WriteDSN, one)
			load.restartClock()
			must(t, failure.fail())
			mustEnd(t, func(ctx context.Context) error { return old.PingContext(ctx) })
			must(t, two.Await("the writer", writes))
			gap := load.mustAwait(t)
			t.Logf("writes were away for %v", gap)
			if gap > bound {
				t.Errorf("writes were away for %v, want at most %v", gap, bound)
			}
			must(t, failure.mend())
			must(t, one.AwaitSynced(), one.Await("the writer", writes))
			if mustIdentify(t, one) != disk {
				t.Error("it got all data anew, want what it missed alone")
			}
			load.mustHoldAll(t, c)
		})
	}

	run("its disk is full", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("only root may mount a disk")
		}
		load.restartClock()
		must(t, one.FillDisk(), two.Await("the writer", writes))
		if gap := load.mustAwait(t); gap > bound {
			t.Errorf("writes were away for %v, want at most %v", gap, bound)
		}
		for range 20 {
			load.mustAwait(t)
		}
		must(t, one.FreeDisk(), one.AwaitSynced(), one.Await("the writer", writes))
		load.mustAwait(t)
		load.mustHoldAll(t, c)
	})

	run("a reader loses its volume", func(t *testing.T) {
		sent := map[*programs.DatabaseNode]int{one: donations(one), two: donations(two)}
		load.restartClock()
		three.Kill()
		must(t, three.LoseVolume(), three.Restart(), three.AwaitSynced())
		if donations(one) != sent[one] || donations(two) == sent[two] {
			t.Errorf("it got its data from the writer, want %s", two.Name)
		}
		if gap := load.mustAwait(t); gap > bound {
			t.Errorf("writes were away for %v, want at most %v", gap, bound)
		}
		load.mustHoldAll(t, c)
	})

	run("the majority is lost", func(t *testing.T) {
		three.Kill()
		two.Kill()
		must(t, one.Await("without a majority", func(s programs.DatabaseState) bool {
			return s.Phase == "running" && !s.Primary && strings.HasPrefix(s.Why, "wait for")
		}))
		mustRefuse(t, c.WriteDSN)
		must(t, two.Restart(), two.Await("waiting", waits))
		mustStay(t, one, two)
		must(t, three.Restart())
		if got := mustBeOneCluster(t, c); got != uuid {
			t.Errorf("the cluster is %s, want %s as before", got, uuid)
		}
		load.mustAwait(t)
		load.mustHoldAll(t, c)
	})

	run("all stop and start", func(t *testing.T) {
		for _, n := range c.Nodes {
			n.Stop()
		}
		must(t, one.Restart(), two.Restart(), three.Restart())
		if got := mustBeOneCluster(t, c); got != uuid {
			t.Errorf("the cluster is %s, want %s as before", got, uuid)
		}
		load.mustAwait(t)
		load.mustHoldAll(t, c)
	})

	run("all are killed", func(t *testing.T) {
		for _, n := range c.Nodes {
			n.Kill()
		}
		must(t, three.Restart(), two.Restart())
		must(t, three.Await("waiting", waits), two.Await("waiting", waits))
		mustStay(t, two, three)
		must(t, one.Restart())
		if got := mustBeOneCluster(t, c); got != uuid {
			t.Errorf("the cluster is %s, want %s as before", got, uuid)
		}
		load.mustAwait(t)
		load.mustHoldAll(t, c)
	})

	run("an operator begins", func(t *testing.T) {
		one.Stop()
		load.mustAwait(t) // two and three have more
		three.Kill()
		two.Kill()
		must(t, one.Restart(), two.Restart())
		forThree := func(s programs.DatabaseState) bool { return s.Why == "wait for database3" }
		must(t, one.Await("waiting", forThree), two.Await("waiting", forThree))
		if out, err := one.Command("bootstrap"); err == nil || !strings.Contains(out, "begin with that one") {
			t.Errorf("the one with less begins: %s, %v", out, err)
		}
		if out, err := two.Command("bootstrap"); err != nil {
			t.Fatalf("the one with more does not begin: %s, %v", out, err)
		}
		must(t, one.AwaitSynced(), two.AwaitSynced())
		load.mustAwait(t)
		must(t, three.Restart())
		if got := mustBeOneCluster(t, c); got != uuid {
			t.Errorf("the cluster is %s, want %s as before", got, uuid)
		}
		load.mustHoldAll(t, c)
	})
}

func writes(s programs.DatabaseState) bool { return s.Writer }

// waits reports whether a node waits for others that are silent.
func waits(s programs.DatabaseState) bool {
	return s.Phase == "waiting" && strings.HasPrefix(s.Why, "wait for")
}

// mustStay fails the test unless nodes see each other for some time, and none of them begins.
func mustStay(t *testing.T, nodes ...*programs.DatabaseNode) {
	t.Helper()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, n := range nodes {
			if s, err := n.State(); err != nil || s.Primary || !strings.HasPrefix(s.Why, "wait for") {
				t.Fatalf("%s does not wait: %+v, %v", n.Name, s, err)
			}
		}
	}
}

// mustEnd fails the test unless a connection ends within the bound.
func mustEnd(t *testing.T, ping func(context.Context) error) {
	t.Helper()
	begun := time.Now()
	for {
		within, cancel := context.WithTimeout(t.Context(), bound)
		err := ping(within)
		cancel()
		if time.Since(begun) > bound {
			t.Fatalf("the connection did not end within %v: %v", bound, err)
		}
		if err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// mustConnect returns a connection to a node, by way of the proxy.
func mustConnect(t *testing.T, dsn string, to *programs.DatabaseNode) *sql.Conn {
	t.Helper()
	conn, err := mustOpen(t, dsn).Conn(t.Context())
	must(t, err)
	var name string
	must(t, conn.QueryRowContext(t.Context(), "SELECT @@wsrep_node_name").Scan(&name))
	if name != to.Name {
		t.Fatalf("the proxy leads to %s, want %s", name, to.Name)
	}
	return conn
}

// mustRefuse fails the test unless a connection is refused at once.
func mustRefuse(t *testing.T, dsn string) {
	t.Helper()
	deadline := time.Now().Add(bound)
	for {
		begun := time.Now()
		err := mustOpen(t, dsn).PingContext(t.Context())
		if err != nil && time.Since(begun) < bound/2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a connection is %v after %v, want a refusal", err, time.Since(begun))
		}
	}
}

// mustWho returns the name of the node to which a DSN leads.
func mustWho(t *testing.T, dsn string) (name string) {
	t.Helper()
	must(t, mustOpen(t, dsn).QueryRow("SELECT @@wsrep_node_name").Scan(&name))
	return name
}

// mustIdentify returns which file InnoDB's first one is: another one after all data came anew.
func mustIdentify(t *testing.T, n *programs.DatabaseNode) string {
	t.Helper()
	info, err := os.Stat(n.Data() + "/ibdata1")
	must(t, err)
	of := info.Sys().(*syscall.Stat_t)
	return fmt.Sprint(of.Dev, of.Ino)
}

// donations returns how often a node has sent all its data to another one.
func donations(n *programs.DatabaseNode) int { return strings.Count(n.Log(), "SST sent: ") }
