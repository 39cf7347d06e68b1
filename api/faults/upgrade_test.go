package faults

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// The release before this version: CHANGELOG.md has its commit.
const (
	releaseName   = "0.1.0"
	releaseCommit = "c67668fdca28d8052a0e1a0d207ed83343e31da7"
)

var side = flag.Duration("side", 2*time.Second, "for how long two releases run side by side before the next step")

// buildRelease builds the release before this version into a file, from the history of this repository.
func buildRelease(t *testing.T, file string) error {
	dir := t.TempDir()
	if exec.Command("git", "cat-file", "-e", releaseCommit+"^{commit}").Run() != nil {
		// A clone of the newest commit alone
		if out, err := exec.Command("git", "fetch", "--quiet", "--depth=1", "origin",
			releaseCommit).CombinedOutput(); err != nil {
			return fmt.Errorf("release %s is not in the history of this clone, and cannot be fetched: git fetch "+
				"--unshallow gets it: %w\n%s", releaseName, err, out)
		}
	}
	tree := exec.Command("sh", "-c", `git -C "$(git rev-parse --show-toplevel)" archive "$0" | tar -x -C "$1"`,
		releaseCommit, dir)
	if out, err := tree.CombinedOutput(); err != nil {
		return fmt.Errorf("take release %s out of the history: %w\n%s", releaseName, err, out)
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, "./api")
	build.Dir = dir
	build.Env = append(build.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build release %s: %w\n%s", releaseName, err, out)
	}
	return nil
}

// upgrade is replicas behind the proxy that ships, of which each is replaced as Swarm does it.
type upgrade struct {
	*system
	release, this string // the programs
	door          *replica
}

// serve makes clients call these replicas, and the proxy.
func (u *upgrade) serve(replicas []*replica) {
	targets := append(slices.Clone(replicas), u.door)
	u.targets.Store(&targets)
}

// replace ends a replica, which drains, and has its place run a program. Nobody calls it meanwhile but the proxy, which
// has to find out by itself.
func (u *upgrade) replace(t *testing.T, r *replica, program string) {
	t.Helper()
	u.serve(slices.DeleteFunc(slices.Clone(u.replicas), func(other *replica) bool { return other == r }))
	r.running().Stop(servers.Patience)
	if err := r.running().Wait(); err != nil {
		t.Errorf("%s ends with %v\n%s", r.name, err, r.running().Log())
	}
	r.program = program
	if err := r.start(drains); err != nil {
		t.Fatal(err)
	}
	u.serve(u.replicas)
}

// drains is longer than the proxy takes to find out.
const drains = "WOODY_DRAIN_DELAY=4s"

// TestUpgrade runs the release before and this version side by side, on one database and one Redis: from all of the one
// to all of the other, and back again, since what this version has made of the schema and of the caches must do for the
// other too. It checks that no call fails, no read is stale, and nothing acknowledged is lost.
func TestUpgrade(t *testing.T) {
	s := mustStart(t, 0, "")
	u := &upgrade{system: s, this: s.program, release: filepath.Join(t.TempDir(), "api")}
	if err := buildRelease(t, u.release); err != nil {
		t.Fatal(err)
	}
	s.program = u.release
	s.mustStartReplicas(3)
	for _, r := range s.replicas {
		r.kill()
		if err := r.start(drains); err != nil {
			t.Fatal(err)
		}
	}
	var addrs []string
	for _, r := range s.replicas {
		addrs = append(addrs, r.addr)
	}
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{API: addrs, NoAccessLog: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	u.door = &replica{system: s, name: "the proxy", addr: proxy.Addr()}
	u.awaitDoor(t)

	c := newClients(s)
	c.noSale = true // of what the release does not know
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	u.serve(s.replicas)
	ctx, cancel := context.WithCancel(t.Context())
	defer c.group.Wait()
	defer cancel()
	c.start(ctx, 1)
	old := u.schema(t)
	u.roll(t, c, "forth", u.this)
	t.Logf("the schema is %d with release %s, and %d with this version", old, releaseName, u.schema(t))
	u.roll(t, c, "back", u.release)
	cancel()
	c.group.Wait()
	found := c.findings.Sum()
	for _, violation := range found.Examples {
		t.Error(violation)
	}
	t.Logf("%d reads (%d failed), %d writes (%d failed): %d stale, wrong or lost", c.tally.Reads.Load(),
		c.tally.FailedReads.Load(), c.tally.Writes.Load(), c.tally.FailedWrites.Load(), found.All())
}

// roll replaces all replicas, one after the other. Once two releases run beside each other, the ways between them fail
// too; then calls may fail, and none may be stale.
func (u *upgrade) roll(t *testing.T, c *clients, direction, program string) {
	t.Helper()
	for i, r := range u.replicas {
		reads, writes := c.tally.FailedReads.Load(), c.tally.FailedWrites.Load()
		u.replace(t, r, program)
		time.Sleep(*side)
		what := fmt.Sprintf("%d of %d replicas %s", i+1, len(u.replicas), direction)
		c.converged(what)
		reads, writes = c.tally.FailedReads.Load()-reads, c.tally.FailedWrites.Load()-writes
		if reads+writes > 0 {
			t.Errorf("%s: %d reads and %d writes failed, want none", what, reads, writes)
		}
		if i == 0 {
			u.breakBetween(t, c, what)
		}
	}
}

// breakBetween delays or loses what the replicas tell each other.
func (u *upgrade) breakBetween(t *testing.T, c *clients, what string) {
	t.Helper()
	u.targets.Store(nil)
	defer u.serve(u.replicas)
	draw := rand.New(rand.NewPCG(1, 2))
	for _, kind := range named(kinds, "a bus connection cut", "a bus connection silent", "Redis emptied",
		"cut off from Redis") {
		if err := kind.do(u.system, draw); err != nil {
			t.Fatalf("%s, %s: %v", what, kind.name, err)
		}
		c.converged(what + ", " + kind.name)
	}
}

// awaitDoor waits until the proxy leads to a replica.
func (u *upgrade) awaitDoor(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.Command("curl", "-sf", u.door.url()+"/api/ping").Output()
		if err == nil && bytes.Contains(out, []byte("healthy")) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the proxy leads nowhere: %s %v", out, err)
		}
	}
}

func (u *upgrade) schema(t *testing.T) (version int) {
	t.Helper()
	if err := u.db.QueryRow("SELECT MAX(version) FROM woody_schema").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// TestTheReleaseIsInTheChangelog compares the release that the upgrade begins with to the newest one.
func TestTheReleaseIsInTheChangelog(t *testing.T) {
	out, err := exec.Command("sh", "-c", `grep -m1 -A2 '^## [0-9]' ../../CHANGELOG.md`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out); !strings.Contains(text, "## "+releaseName+" ") || !strings.Contains(text, releaseCommit) {
		t.Errorf("the newest release is\n%s\nand TestUpgrade begins with %s, %s", text, releaseName, releaseCommit)
	}
}
