package clustertest

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// The schedules that break simpler protocols, step by step. TestLongSchedulesNeedTheirRules sees each of them
// fail when the rule that it is about is switched off.

// 1. A fill on one replica reads old. 2. A write commits on another, invalidates, and is acknowledged.
// 3. The fill stores old. (fence)
func TestScheduleFence(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 3)
	filler, writer, reader := s.replicas[0], s.replicas[1], s.replicas[2]
	first := s.mustHold(filler, "a", "h")
	version := writer.mustWrite("a")
	filler.mustRelease("h")
	if a := <-first; a.version != 1 {
		t.Errorf("the caller from before the write got %d, want its own load's 1", a.version)
	}
	filler.wantRead("a", version)
	reader.wantRead("a", version)
}

// 1. A fill reads old. 2. A write on another replica is acknowledged. 3. A reader arrives and finds the
// fill still running. (join)
func TestScheduleJoin(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	filler, writer := s.replicas[0], s.replicas[1]
	s.mustHold(filler, "a", "h")
	version := writer.mustWrite("a")
	late := make(chan response, 1)
	go func() {
		a, _ := filler.read("a", "")
		late <- a
	}()
	await(t, "the reader has joined, or fills by itself", servers.Patience, func() bool {
		return filler.metric("waiting") >= 2 || len(late) == 1
	})
	filler.mustRelease("h")
	if a := <-late; a.version < version {
		t.Errorf("a reader from after the write joined a load from before it: %+v", a)
	}
}

// 1. A writer commits and dies (-9) before it invalidates. (outbox)
func TestScheduleWriterDies(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(3, settings{TTL: time.Hour})
	for _, r := range s.replicas[1:] {
		r.mustRead("a")
	}
	if _, err := s.replicas[0].write("a", "?die=committed"); err == nil {
		t.Fatal("the writer lives")
	}
	died := time.Now()
	for _, r := range s.replicas[1:] {
		await(t, "the write is seen", servers.Patience/4, func() bool { return r.mustRead("a").version == 2 })
	}
	t.Logf("converged after %v", time.Since(died).Round(time.Millisecond))
}

// 1. A replica's bus connection drops and nobody notices, while its other connections renew its lease.
// 2. A write on another replica is acknowledged. 3. The replica reads what is near. (ack)
func TestScheduleSilentBus(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(2, settings{Lease: 5 * lease}) // it finds out after two leases: not before the write
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	reader.wire.HangBus()
	bumped := writer.metric("epochs_raised_total")
	version := writer.mustWrite("a")
	reader.wantRead("a", version)
	reader.awaitLive() // it finds out, and begins anew
	reader.wantRead("a", version)
	// On a slow machine Redis may be too late for the writer: then it gave up on all by another epoch.
	if got := writer.metric("invalidations_timed_out_total") + writer.metric("epochs_raised_total") - bumped; got < 1 {
		t.Errorf("%v replicas were given up on, want 1", got)
	}
}

// 1. A value is stored. 2. Redis writes its file. 3. A write invalidates the value. 4. Redis is killed (-9)
// and is back with the old file, between two commands of a pooled connection. 5. A replica that has not
// the value near reads it. (epoch)
func TestScheduleOldFile(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	s.replicas[0].mustRead("a")
	if err := s.redis.Save(); err != nil {
		t.Fatal(err)
	}
	version := s.replicas[0].mustWrite("a")
	s.redis.Kill()
	if err := s.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.replicas {
		r.wantRead("a", version)
	}
	for _, r := range s.replicas {
		r.awaitLive()
		r.wantRead("a", version)
	}
	version = s.replicas[1].mustWrite("a")
	s.replicas[0].wantRead("a", version)
}

// 1. A fill reads old. 2. Redis is paused. 3. The fill's store sits in the socket. 4. A write goes on
// without Redis and is acknowledged. 5. Redis goes on, and runs the store against an unchanged fence.
// (epoch)
func TestSchedulePausedRedis(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	filler, writer := s.replicas[0], s.replicas[1]
	done := s.mustHold(filler, "a", "h")
	s.redis.Signal(syscall.SIGSTOP)
	filler.mustRelease("h")
	<-done
	version := writer.mustWrite("a")
	filler.wantRead("a", version)
	s.redis.Signal(syscall.SIGCONT)
	for deadline := time.Now().Add(2 * lease); time.Now().Before(deadline); {
		filler.wantRead("a", version)
		writer.wantRead("a", version)
		if t.Failed() {
			break
		}
	}
	filler.awaitLive()
	filler.wantRead("a", version)
}

// 1. A replica has a value near and hears nothing any more. 2. A write on another replica gives up on it,
// evicts it, waits out its lease and is acknowledged. 3. The replica, which has not found out, reads.
// (lease)
func TestScheduleDeafReplica(t *testing.T) {
	t.Parallel()
	const lease = 5 * time.Second // the replica is off the list after two: not before the write
	s := mustStart(t, 0)
	s.mustStartReplicas(1, settings{Lease: lease})
	s.mustStartReplicas(1, settings{Lease: lease, Timeout: 10 * time.Second})
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	reader.wire.Hang()
	began := time.Now()
	version := writer.mustWrite("a")
	if took := time.Since(began); took < lease {
		t.Errorf("the write was acknowledged after %v, before the lease of the replica that heard nothing was over",
			took)
	}
	reader.wantRead("a", version)
	reader.wire.Mend()
	reader.awaitLive()
	reader.wantRead("a", version)
}

// 1. A replica hears nothing any more. 2. A writer gives up on it, evicts it and waits. 3. Another writer,
// who does not find it among the members, writes something else, and is acknowledged. 4. The replica reads
// that, under the lease that it still has. (evict)
func TestScheduleEvictedByAnother(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 1)
	s.mustStartReplicas(2, settings{Timeout: 10 * time.Second}) // or they bump the epoch, and evict nobody
	reader, first, second := s.replicas[0], s.replicas[1], s.replicas[2]
	second.mustWrite("c") // it waits until the gate that every session begins with is open
	reader.mustRead("a")
	reader.mustRead("b")
	reader.wire.Hang()
	go first.write("a", "")
	redis := s.redis.Client()
	defer redis.Close()
	await(t, "the replica is evicted", servers.Patience, func() bool {
		renewals, err := redis.HVals(t.Context(), s.key("members")).Result()
		return err == nil && slices.Contains(renewals, "-")
	})
	version := second.mustWrite("b")
	reader.wantRead("b", version)
}

// 1. A replica has a value near and is paused. 2. A write on another replica is acknowledged. 3. The
// replica goes on, and reads before it hears anything.
func TestSchedulePausedReplica(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	reader.Signal(syscall.SIGSTOP)
	late := make(chan response, 50)
	version := writer.mustWrite("a")
	for range cap(late) { // they wait in its socket, for the moment when it goes on
		go func() {
			a, _ := reader.read("a", "")
			late <- a
		}()
	}
	time.Sleep(100 * time.Millisecond)
	reader.Signal(syscall.SIGCONT)
	for range cap(late) {
		if a := <-late; a.version < version {
			t.Errorf("a replica that was paused answered version %d, want %d", a.version, version)
		}
	}
}

// 1. A writer is cut off from Redis, while a reader is not. 2. It writes, and is acknowledged. 3. The
// reader reads what is near. (epoch)
func TestScheduleWriterCutOff(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	writer.wire.Cut()
	version := writer.mustWrite("a")
	reader.wantRead("a", version)
	writer.wantRead("a", version)
	writer.wire.Mend()
	writer.awaitLive()
	reader.wantRead("a", writer.mustWrite("a"))
}

// 1. A replica has a value near. 2. The database's primary moves; the replica's word from the database comes by a
// connection that stays with the old one. 3. A writer that is cut off from Redis bumps the epoch in the new one, waits,
// and is acknowledged. 4. The replica reads what is near. (proof)
func TestSchedulePrimaryMoves(t *testing.T) {
	t.Parallel()
	pair, err := servers.StartPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pair.Close)
	wire, err := servers.StartWire(pair.Primary.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	s := mustStartAt(t, pair.DSN(wire.Addr))
	s.mustStartReplicas(1, settings{NoIdle: true})
	reader := s.replicas[0]
	reader.mustRead("a")
	if err := errors.Join(pair.Demote(), pair.Exchange(), pair.Promote()); err != nil {
		t.Fatal(err)
	}
	wire.Retarget(pair.Primary.Addr)
	s.mustStartReplicas(1, settings{NoIdle: true})
	writer := s.replicas[1]
	reader.mustRead("a")
	writer.wire.Cut()
	version := writer.mustWrite("a")
	reader.wantRead("a", version)
	writer.wire.Mend()
	writer.awaitLive()
	reader.awaitLive()
	reader.wantRead("a", writer.mustWrite("a"))
}

// 1. A failover of Redis, during which the old server and the new one are both in use: a reader loses the old one, and
// is off its list of members by the time that it finds the new one. 2. It bumps the epoch, registers, and keeps a
// value. 3. A writer that is still on the old one, and has not read the ledger since, writes. 4. The old one dies. 5.
// The reader reads what is near. (look)
func TestScheduleOverlap(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	other, err := servers.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	writer.mustWrite("b") // it waits until the gate that every session begins with is open
	reader.wire.Cut()
	await(t, "the reader is off the list", servers.Patience, func() bool { return writer.metric("members") == 1 })
	if _, err := writer.call("POST", "/hold-ledger"); err != nil {
		t.Fatal(err)
	}
	reader.wire.Retarget(other.Addr)
	reader.wire.Mend()
	reader.awaitLive()
	reader.mustRead("a")
	version := writer.mustWrite("a")
	s.redis.Kill()
	reader.wantRead("a", version)
	writer.wire.Retarget(other.Addr)
	writer.awaitLive()
	reader.awaitLive()
	reader.wantRead("a", writer.mustWrite("a"))
}

// 1. A value is stored in Redis. 2. Redis is cut off; a write bumps the epoch, and is acknowledged. 3. The database
// comes back from a copy that has the row, and not the bump. 4. Redis comes back, with what was kept under the epoch
// before. (back)
func TestScheduleTheDatabaseGoesBack(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, writer := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	for _, r := range s.replicas {
		r.wire.Cut()
	}
	var epoch int
	var token, run string
	if err := s.db.QueryRow("SELECT epoch, token, run FROM toys_cache").Scan(&epoch, &token, &run); err != nil {
		t.Fatal(err)
	}
	version := writer.mustWrite("a")
	bumped := map[*process]float64{}
	for _, r := range s.replicas { // one that was stalled meanwhile has no lease, and has not read it yet
		await(t, "the replica has read of the write without Redis", servers.Patience, func() bool {
			bumped[r] = r.metric("epoch")
			return bumped[r] > float64(epoch)
		})
	}
	s.mustExec("UPDATE toys_cache SET epoch = ?, token = ?, run = ?", epoch, token, run)
	for _, r := range s.replicas {
		await(t, "the replica has read the ledger", servers.Patience,
			func() bool { return r.metric("epoch") != bumped[r] })
	}
	for _, r := range s.replicas {
		r.wire.Mend()
	}
	for _, r := range s.replicas {
		r.awaitLive()
		r.wantRead("a", version)
	}
	reader.wantRead("a", writer.mustWrite("a"))
}

// 1. A replica has a value near and hears nothing any more. 2. A writer that is cut off from Redis hands its write
// over. 3. Another replica takes it, and is waiting for the one that hears nothing. 4. That one reads, under the lease
// that it still has. (handover)
func TestScheduleHandedOver(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	// A beat is 0.6 s, the lease of the reader 2.7 s. It does not find out that Redis is away, and takes the write too.
	s.mustStartReplicas(3, settings{Lease: 3 * lease, Timeout: 10 * time.Second})
	reader, writer, carrier := s.replicas[0], s.replicas[1], s.replicas[2]
	carrier.mustWrite("c") // it waits until the gate that every session begins with is open
	reader.mustRead("a")
	writer.wire.Cut()
	await(t, "the writer has no session", servers.Patience, func() bool { return writer.metric("breaker_open") == 1 })
	reader.wire.Hang()
	epoch := carrier.metric("epoch")
	version := writer.mustWrite("a")
	reader.wantRead("a", version)
	if got := carrier.metric("epoch"); got != epoch {
		t.Logf("the epoch was bumped from %v to %v: the machine was too slow to hand over", epoch, got)
	}
}

// 1. A value is stored in Redis. 2. A write invalidates it. 3. A replica begins its session, and finds the value.
// (marks)
func TestScheduleLateReplica(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 1)
	s.replicas[0].mustRead("a")
	version := s.replicas[0].mustWrite("a")
	s.mustStartReplicas(1, settings{})
	s.replicas[1].wantRead("a", version)
}

// 1. A value is stored after a few invalidations. 2. The fences are dropped, and begin anew with the same
// numbers. 3. A write invalidates the value, under a low number. 4. The value is read. (token)
func TestScheduleDroppedFence(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(2, steady) // so that there are members
	for range 5 {
		s.replicas[0].mustWrite("b")
	}
	s.replicas[0].mustRead("a")
	redis := s.redis.Client()
	defer redis.Close()
	if n, err := redis.Del(t.Context(), s.key("state"), s.key("members")).Result(); n != 2 || err != nil {
		t.Fatalf("removed %d keys, %v; want the state and the members", n, err)
	}
	version := s.replicas[1].mustWrite("a")
	for _, r := range s.replicas {
		r.wantRead("a", version)
		r.awaitLive()
		r.wantRead("a", version)
	}
}

// The same, where only the list of members is dropped: a writer must not take it for a short list.
func TestScheduleDroppedMembers(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	s.replicas[0].mustRead("a")
	redis := s.redis.Client()
	defer redis.Close()
	if err := redis.Del(t.Context(), s.key("members")).Err(); err != nil {
		t.Fatal(err)
	}
	version := s.replicas[1].mustWrite("a")
	s.replicas[0].wantRead("a", version)
}

// TestASessionLeaves cuts a replica's bus connection. It has a new session at once, and no writer waits for the one
// before.
func TestASessionLeaves(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(2, settings{Lease: 15 * lease, Timeout: 10 * time.Second, AckTimeout: 10 * time.Second})
	writer, other := s.replicas[0], s.replicas[1]
	writer.mustWrite("a") // past the gate
	sessions := other.metric("sessions_total")
	other.wire.CutBus()
	await(t, "a new session", servers.Patience, func() bool { return other.metric("sessions_total") > sessions })
	began := time.Now()
	other.wantRead("a", writer.mustWrite("a"))
	if took := time.Since(began); took > 14*lease {
		t.Errorf("a write took %v, as if it had waited for a lease", took)
	}
}
