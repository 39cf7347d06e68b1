package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// stagedKinds are schedules of the protocol's table that take several coincidences. Each is about the rule in brackets.
var stagedKinds = []kind{
	{"a replica starts in another logical database of Redis, and then in its own", elsewhere},
	{"all replicas killed (-9), and back after the cache server dropped what they share", staged(dropped)},
	{"a write handed over while a replica hears nothing from Redis", staged(handedOver)},
	{"the database silent for one replica while another writes, and then away", staged(lapsed)},
	{"the database away for a moment, in which a writer who waits is paused", staged(overlapping)},
	{"another cache server taken over, and the database away for half a lease", staged(outage)},
	{"the database without its last epoch, and the cache server there again", staged(wentBack)},
	{"the database without an epoch whose writer waits, and others go past it", staged(bumpedPast)},
	{"a writer dies after its commit, and nobody else writes", staged(diedCommitted)},
}

// elsewhere starts a replica in a place in Redis where the others are not, so that they take turns. (name)
func elsewhere(s *system, draw *rand.Rand) error {
	r := s.any(draw)
	r.kill()
	if err := r.start("WOODY_REDIS_ADDR=redis://" + r.wire.Addr + "/1"); err != nil {
		return err
	}
	time.Sleep(2 * s.lease)
	r.kill()
	return r.start()
}

// 1. A value is in Redis, and a write makes it wrong. 2. All replicas are killed. 3. Redis drops the state and the
// members, which begin anew with the same numbers. 4. The value is read. (token)
func dropped(g *stage) error {
	g.path += "?kept=" + strconv.FormatUint(rand.Uint64(), 10) // nobody else asks for it
	if err := g.awaitNear(g.reader); err != nil {
		return err
	}
	if err := g.await(g.write(g.writer)); err != nil {
		return err
	}
	for _, r := range g.replicas {
		r.kill()
	}
	if err := g.dropState(); err != nil {
		return err
	}
	errs := make([]error, len(g.replicas))
	var starts sync.WaitGroup
	for i, r := range g.replicas {
		starts.Go(func() { errs[i] = errors.Join(r.start(), g.awaitNear(r)) })
	}
	starts.Wait()
	return errors.Join(errs...)
}

// dropState removes the state and the members from Redis, as for want of memory.
func (s *system) dropState() error {
	var ledger string
	if err := s.db.QueryRow("SELECT ledger FROM woody_cache").Scan(&ledger); err != nil {
		return err
	}
	client := s.redis.Client()
	defer client.Close()
	return client.Del(s.t.Context(), "woody:2:"+ledger+":state", "woody:2:"+ledger+":members").Err()
}

// 1. A writer is cut off from Redis. 2. A replica hears nothing from Redis, and has a value near. 3. The writer hands a
// write over; who takes it waits for the replica that hears nothing. 4. That one reads. (handover)
func handedOver(g *stage) error {
	g.writer.wire.Cut()
	if err := g.await(g.write(g.writer)); err != nil { // it has found out
		return err
	}
	if err := g.awaitNear(g.reader); err != nil {
		return err
	}
	g.reader.wire.Hang()
	err := g.await(g.write(g.writer))
	g.look()
	return err
}

// 1. A replica has a value near, and hears nothing from the database. 2. A writer without Redis bumps the epoch, and is
// acknowledged. 3. The database refuses all. 4. The replica reads. (lapse)
func lapsed(g *stage) error {
	if err := g.alone(); err != nil {
		return err
	}
	g.silence()
	if err := g.await(g.write(g.writer)); err != nil {
		return err
	}
	if time.Since(g.silent) > 9*g.lease/4 {
		return errUnstaged // five leases might be over before the database is back
	}
	g.refuse()
	for until := time.Now().Add(7 * g.lease / 10); time.Now().Before(until); time.Sleep(g.lease / 20) {
		g.look()
	}
	g.reader.database.Mend()
	return g.listen()
}

// 1. A writer without Redis bumps the epoch, and waits. 2. It is paused. The database is away for a moment, less than
// an outage, in which a replica that has not read of the bump is refused. 3. The writer goes on, and is acknowledged.
// 4. The replica reads what it has near. (overlap)
func overlapping(g *stage) error {
	if err := g.prime(g.writer); err != nil {
		return err
	}
	before, err := g.epoch()
	if err != nil {
		return err
	}
	g.silence()
	acknowledged := g.write(g.writer)
	bumped, err := g.awaitBump(before.number)
	if err != nil {
		return err
	}
	g.sleepUntil(bumped, 35)
	writer := g.writer.running()
	err = writer.Signal(syscall.SIGSTOP)
	g.refuse()
	g.sleepUntil(bumped, 62) // a beat, and more
	g.reader.database.Hang()
	if err := errors.Join(err, g.listen(), writer.Signal(syscall.SIGCONT)); err != nil {
		return err
	}
	err = g.await(acknowledged)
	g.look()
	return err
}

// 1. A replica takes another Redis into use. One of the epoch before has not read of that. 2. The database is away for
// so long that this counts as a contact for the latter. 3. The former writes, and is acknowledged. 4. The latter reads
// what it has near. (outage)
func outage(g *stage) error {
	other, err := servers.StartRedis()
	if err != nil {
		return err
	}
	defer other.Close()
	if err := g.alone(); err != nil {
		return err
	}
	before, err := g.redisInUse()
	if err != nil {
		return err
	}
	defer g.writer.wire.Retarget(g.redis.Addr)
	defer g.writer.wire.Cut()
	g.writer.database.Hang()
	g.writer.wire.Retarget(other.Addr)
	g.writer.wire.Mend()
	time.Sleep(g.lease / 2) // it has come to where it would bump the epoch
	g.silence()
	g.writer.database.Mend()
	if err := g.awaitAnotherRedis(before); err != nil {
		return err
	}
	g.refuse()
	time.Sleep(6 * g.lease / 10) // what counts as an outage, a beat, and more
	g.reader.database.Hang()
	if err := g.listen(); err != nil {
		return err
	}
	err = g.await(g.write(g.writer))
	g.look()
	return err
}

// 1. A value is in Redis. 2. Redis is cut off; a write bumps the epoch, and is acknowledged. 3. The database loses the
// bump, and not the row. 4. Redis is there again, and the value is read. (back)
func wentBack(g *stage) error {
	if err := g.awaitNear(g.reader); err != nil {
		return err
	}
	before, err := g.epoch()
	if err != nil {
		return err
	}
	for _, r := range g.replicas {
		r.wire.Cut()
	}
	if err := g.await(g.write(g.writer)); err != nil {
		return err
	}
	if err := errors.Join(g.rest(), g.restore(before)); err != nil {
		return err
	}
	time.Sleep(2 * g.lease / 5) // two beats: all have read the ledger
	for _, r := range g.replicas {
		r.wire.Mend()
	}
	return g.awaitNear(g.reader)
}

// 1. A writer without Redis bumps the epoch, and waits. 2. It is paused. The database loses the bump; a replica reads
// the epoch from before, and two others bump that, past the one that was lost. 3. The writer goes on, and is
// acknowledged. 4. The replica reads what it has near. (bumps)
func bumpedPast(g *stage) error {
	first, second := g.others[0], g.others[1]
	if err := g.prime(g.writer, first, second); err != nil {
		return err
	}
	before, err := g.epoch()
	if err != nil {
		return err
	}
	for _, r := range g.others {
		r.database.Hang()
	}
	g.silence()
	acknowledged := g.write(g.writer)
	bumped, err := g.awaitBump(before.number)
	if err != nil {
		return err
	}
	g.sleepUntil(bumped, 12) // it has read the ledger since
	writer := g.writer.running()
	err = errors.Join(writer.Signal(syscall.SIGSTOP), g.restore(before))
	for _, r := range []*replica{g.reader, first, second} {
		r.database.Mend()
	}
	g.sleepUntil(bumped, 33) // a beat; a pause that is any longer would count as an outage
	g.reader.database.Hang()
	g.write(first)
	g.write(second)
	_, late := g.awaitBump(before.number + 1)
	if err := errors.Join(err, late, writer.Signal(syscall.SIGCONT)); err != nil {
		return err
	}
	err = g.await(acknowledged)
	g.look()
	return err
}

// 1. A replica has a value near. 2. A writer is killed when it has committed, before any other has heard of that. 3. It
// is started again. Nobody writes what would invalidate the value by itself. (outbox)
func diedCommitted(g *stage) error {
	g.writer.kill()
	if err := g.writer.start("CACHE_DIE_AT=committed"); err != nil {
		return err
	}
	if err := g.awaitNear(g.reader); err != nil {
		return err
	}
	g.write(g.writer)
	if !g.writer.awaitDeath(10 * time.Second) {
		return fmt.Errorf("%s did not die at its commit", g.writer.name)
	}
	if err := g.writer.start(); err != nil {
		return err
	}
	g.clients.awaitTruth("a writer that died after its commit")
	return nil
}
