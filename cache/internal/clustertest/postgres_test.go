package clustertest

import (
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestOnPostgres repeats, with the ledger in PostgreSQL, the losses of a writer at the steps at which it matters what
// the database keeps, and those of Redis.
func TestOnPostgres(t *testing.T) {
	t.Parallel()
	postgres := servertest.MustStartPostgres(t)
	start := func(t *testing.T, n int) *system {
		t.Parallel()
		s := mustStartAt(t, servertest.MustMakeDatabase(t, postgres))
		s.mustStartReplicas(n, settings{})
		return s
	}
	for _, step := range []string{"recorded", "committed", "announced"} {
		t.Run("a writer dies "+step, func(t *testing.T) { writerDies(t, start(t, 0), step) })
	}
	t.Run("a replica without Redis", func(t *testing.T) { oneWithoutRedis(t, start(t, 0)) })
	t.Run("nobody has Redis", func(t *testing.T) {
		s := start(t, 2)
		for _, r := range s.replicas {
			r.mustRead("a")
			r.wire.Cut()
		}
		epoch := s.replicas[0].metric("epoch")
		s.replicas[1].wantRead("a", s.replicas[0].mustWrite("a"))
		if got := s.replicas[0].metric("epoch"); got <= epoch {
			t.Errorf("the epoch is %v after %v, want it bumped", got, epoch)
		}
	})
}

// TestPostgresGone kills the database's server, with all its connections, and starts it again: what is cached is
// answered meanwhile, nothing is written, and writes are seen afterwards.
func TestPostgresGone(t *testing.T) {
	t.Parallel()
	const lease = 8 * time.Second // so that none is lost to the machine
	postgres := servertest.MustStartPostgres(t)
	s := mustStartAt(t, servertest.MustMakeDatabase(t, postgres))
	s.mustStartReplicas(2, settings{Lease: lease, Timeout: lease, TTL: time.Hour})
	for _, r := range s.replicas {
		r.mustRead("a")
	}
	postgres.Kill()
	for end := time.Now().Add(2 * lease); time.Now().Before(end); time.Sleep(lease / 50) {
		for _, r := range s.replicas {
			if a := r.mustRead("a"); a.version != 1 || a.reason != 0 {
				t.Errorf("a read without a database: %+v, want a hit of version 1", a)
			}
		}
	}
	if _, err := s.replicas[0].write("a", ""); err == nil {
		t.Error("a write was acknowledged without a database")
	}
	if err := postgres.Restart(); err != nil {
		t.Fatal(err)
	}
	var version int
	await(t, "writes go through again", servers.Patience, func() (done bool) {
		var err error
		version, err = s.replicas[0].write("a", "")
		return err == nil
	})
	s.replicas[1].wantRead("a", version)
}
