package clustertest

import (
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// The schedules in which what was kept stands in for a load that fails, though a write on another replica has made it
// wrong.

// mustStartStale starts two replicas whose values are good for a moment and may stand in for loads for an hour.
func mustStartStale(t *testing.T) (s *system, reader, writer *process) {
	t.Helper()
	const ttl = 100 * time.Millisecond
	s = mustStart(t, 0)
	s.mustStartReplicas(2, settings{TTL: ttl, MaxStale: time.Hour})
	return s, s.replicas[0], s.replicas[1]
}

// mustBeStale waits until what a replica kept of row a stands in for its loads, which fail.
func (r *process) mustBeStale() {
	r.t.Helper()
	await(r.t, "the value is over", servers.Patience, func() bool {
		a, err := r.read("a", "?fail=1")
		return err == nil && a.version == 1 && a.stale
	})
}

// wantFailure reads row a, with a load that fails, and wants its error and nothing that was kept.
func (r *process) wantFailure() {
	r.t.Helper()
	if a, err := r.read("a", "?fail=1"); err == nil {
		r.t.Errorf("a read after the acknowledged write got %+v, want the load's error", a)
	}
}

// 1. A value's time is over, and it is still in Redis. 2. A replica that has nothing near looks it up, and begins a
// load. 3. A write on another replica is acknowledged. 4. The load fails. (stale)
func TestScheduleStaleInRedis(t *testing.T) {
	t.Parallel()
	s, reader, writer := mustStartStale(t)
	writer.mustRead("a")
	writer.mustBeStale()
	failed := make(chan error, 1)
	go func() {
		_, err := reader.read("a", "?fail=1&hold=h")
		failed <- err
	}()
	await(t, "the load has read", servers.Patience, func() bool {
		return s.mustCount("SELECT COUNT(*) FROM held WHERE hold = ?", "h") == 1
	})
	writer.mustWrite("a")
	reader.mustRelease("h")
	if err := <-failed; err == nil {
		t.Error("what the load was to replace was returned, though a write has made it wrong meanwhile")
	}
	reader.wantFailure()
}

// 1. A replica's bus connection drops silently. 2. A write on another replica is acknowledged, of which it does not
// know. 3. Its load fails. (stale)
func TestScheduleStaleWithoutALease(t *testing.T) {
	t.Parallel()
	_, reader, writer := mustStartStale(t)
	reader.mustRead("a")
	reader.mustBeStale()
	reader.wire.HangBus()
	writer.mustWrite("a")
	reader.wantFailure()
	reader.awaitLive() // it finds out, and begins anew
	reader.wantFailure()
}

// 1. Redis dies. 2. A write on another replica bumps the epoch, and is acknowledged. 3. Redis is back, and the replica
// has a session of the new epoch, which knows nothing of the write. 4. Its load fails. (stale)
func TestScheduleStaleEpoch(t *testing.T) {
	t.Parallel()
	s, reader, writer := mustStartStale(t)
	reader.mustRead("a")
	reader.mustBeStale()
	s.redis.Kill()
	version := writer.mustWrite("a")
	reader.wantFailure()
	if err := s.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	reader.awaitLive()
	reader.wantFailure()
	await(t, "the new version is read", servers.Patience, func() bool {
		return reader.mustRead("a").version == version
	})
}
