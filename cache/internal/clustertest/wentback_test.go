package clustertest

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// 1. A value is stored. 2. A write is announced, and acknowledged. 3. What Redis holds is as it was before, within one
// run and for all connections, as when a machine is set back to a checkpoint. 4. The value is read. (past)
func TestScheduleRestoredRedis(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	writer.mustWrite("a")
	reader.mustRead("a")
	checkpoint := mustDump(s)
	version := writer.mustWrite("a")
	sessions := s.sessions()
	checkpoint.mustRestore()
	s.wantAnew(sessions, version)
}

// sessions returns how many sessions each replica has had.
func (s *system) sessions() (counts []float64) {
	for _, r := range s.replicas {
		counts = append(counts, r.metric("sessions_total"))
	}
	return counts
}

// wantAnew fails the test unless each replica begins a session that it has not had, and reads a version of a, and the
// next.
func (s *system) wantAnew(sessions []float64, version int) {
	s.t.Helper()
	for i, r := range s.replicas {
		await(s.t, "the replica has another session", servers.Patience,
			func() bool { return r.metric("sessions_total") > sessions[i] })
		r.awaitLive()
		r.wantRead("a", version)
	}
	s.replicas[0].wantRead("a", s.replicas[1].mustWrite("a"))
}

// The same for a value from before the replica that reads it, at once: before any echo can tell that replica.
func TestScheduleRestoredRedisAtOnce(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 1)
	s.replicas[0].mustRead("a")
	s.replicas[0].mustWrite("b") // so that the value is older than the session that comes
	s.mustStartReplicas(1, settings{NoNear: true})
	writer, reader := s.replicas[0], s.replicas[1]
	if a := reader.mustRead("a"); a.version != 1 {
		t.Fatalf("%+v", a)
	}
	checkpoint := mustDump(s)
	version := writer.mustWrite("a")
	checkpoint.mustRestore()
	reader.wantRead("a", version)
}

// dump is what a Redis held.
type dump struct {
	s      *system
	values map[string]string
}

func mustDump(s *system) dump {
	s.t.Helper()
	client := s.redis.Client()
	defer client.Close()
	d := dump{s, map[string]string{}}
	keys, err := client.Keys(s.t.Context(), "*").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, key := range keys {
		if d.values[key], err = client.Dump(s.t.Context(), key).Result(); err != nil {
			s.t.Fatal(err)
		}
	}
	return d
}

// mustRestore restores in one step what Redis held, and nothing else.
func (d dump) mustRestore() {
	d.s.t.Helper()
	client := d.s.redis.Client()
	defer client.Close()
	_, err := client.TxPipelined(d.s.t.Context(), func(p redis.Pipeliner) error {
		p.FlushAll(d.s.t.Context())
		for key, value := range d.values {
			p.Restore(d.s.t.Context(), key, time.Minute, value)
		}
		return nil
	})
	if err != nil {
		d.s.t.Fatal(err)
	}
}

// 1. A value is stored; a copy of Redis has it, and hears no more. 2. A write is announced on the primary, and
// acknowledged. 3. The primary becomes a copy of that copy, and then the primary again: its run id, the incarnation and
// the epoch are what they were, its data are old. 4. A replica that has not the value near reads it. (past)
func TestScheduleDemotedAndBack(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	writer.mustWrite("a") // so that the gate is open: what comes is quick
	reader.mustRead("a")
	behind := servertest.MustStartRedisCopy(t, s.redis)
	if err := behind.Lead(); err != nil {
		t.Fatal(err)
	}
	version := writer.mustWrite("a")
	// Nobody reads it until the replicas have begun anew: a fill would put the new value in the place of the old one.
	sessions := s.sessions()
	if err := errors.Join(s.redis.Follow(behind), s.redis.Lead()); err != nil {
		t.Fatal(err)
	}
	s.wantAnew(sessions, version)
}
