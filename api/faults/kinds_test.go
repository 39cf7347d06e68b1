package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// kind is a fault: do breaks something, waits, and mends it again.
type kind struct {
	name string
	do   func(s *system, draw *rand.Rand) error
}

// failsReads reports whether a read may fail while the fault lasts: that of a replica that is not there, or
// of what is cached nowhere while there is no database. Without Redis, no read may; nor where another database takes
// over.
func (k kind) failsReads() bool {
	if strings.Contains(k.name, "a replica starts") {
		return true
	}
	for _, word := range []string{"Redis", "bus", "primary", "COMMIT", "cold"} {
		if strings.Contains(k.name, word) {
			return false
		}
	}
	return true
}

// between draws a time.
func between(draw *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(draw.Int64N(int64(most-least)))
}

// any returns where to read.
func (s *system) any(draw *rand.Rand) *replica {
	if targets := s.targets.Load(); targets != nil {
		return (*targets)[draw.IntN(len(*targets))]
	}
	return s.replicas[draw.IntN(len(s.replicas))]
}

// writer returns where to write: anywhere, unless one replica is to take all writes.
func (s *system) writer(draw *rand.Rand) *replica {
	if only := s.only.Load(); only != nil {
		return only
	}
	return s.any(draw)
}

// freeze stops a process in its tracks, and has it go on after a while.
func freeze(p *servers.Process, while time.Duration) error {
	p.Signal(syscall.SIGSTOP)
	time.Sleep(while)
	return p.Signal(syscall.SIGCONT)
}

// onAWire breaks the way from a replica to Redis somehow, for a while.
func onAWire(fail func(*servers.Wire), least, most time.Duration) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		w := s.any(draw).wire
		fail(w)
		time.Sleep(between(draw, least, most))
		w.Mend()
		return nil
	}
}

// onAnotherRedis leads one replica's way to Redis to another server for a while, as long as do takes from when the
// replica has made that everybody's.
func onAnotherRedis(do func(s *system, draw *rand.Rand) error) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		other, err := servers.StartRedis()
		if err != nil {
			return err
		}
		defer other.Close()
		before, err := s.redisInUse()
		if err != nil {
			return err
		}
		// It writes nothing meanwhile, which would have all others begin anew at each write.
		led := draw.IntN(len(s.replicas))
		s.only.Store(s.replicas[(led+1)%len(s.replicas)])
		defer s.only.Store(nil)
		w := s.replicas[led].wire
		w.Cut()
		time.Sleep(between(draw, 3*s.lease/2, 7*s.lease/2)) // until nobody waits for it any more
		w.Retarget(other.Addr)
		w.Mend()
		if err := s.awaitAnotherRedis(before); err != nil {
			return err
		}
		err = do(s, draw)
		w.Cut()
		w.Retarget(s.redis.Addr)
		w.Mend()
		return err
	}
}

// awaitAnotherRedis waits until the replicas are to use another run of Redis than before.
func (s *system) awaitAnotherRedis(before string) error {
	return await("the other Redis is taken into use", func() (bool, error) {
		now, err := s.redisInUse()
		return now != before, err
	})
}

// await waits until a condition holds.
func await(what string, holds func() (bool, error)) error {
	const timeout = 30 * time.Second
	for deadline := time.Now().Add(timeout); ; time.Sleep(time.Millisecond) {
		switch held, err := holds(); {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case held:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s: not within %v", what, timeout)
		}
	}
}

// redisInUse returns the run of Redis that the replicas are to use.
func (s *system) redisInUse() (run string, err error) {
	err = s.db.QueryRow("SELECT run FROM woody_cache").Scan(&run)
	return run, err
}

var kinds = []kind{
	{"a replica killed (-9) and started again", func(s *system, draw *rand.Rand) error {
		r := s.any(draw)
		r.kill()
		time.Sleep(between(draw, 0, time.Second))
		return r.start()
	}},
	{"a replica stopped and started again", func(s *system, draw *rand.Rand) error {
		r := s.any(draw)
		r.running().Stop(15 * time.Second)
		return r.start()
	}},
	{"a writer dies at a step", func(s *system, draw *rand.Rand) error {
		r := s.any(draw)
		r.kill()
		step := []string{"committed", "announced", "settled"}[draw.IntN(3)]
		if err := r.start("CACHE_DIE_AT=" + step); err != nil && !r.isDead() {
			return err
		}
		if !r.awaitDeath(10 * time.Second) {
			return fmt.Errorf("%s did not die at %q", r.name, step)
		}
		return r.start()
	}},
	{"a replica paused", func(s *system, draw *rand.Rand) error {
		return freeze(s.any(draw).running().Process, between(draw, 50*time.Millisecond, 2500*time.Millisecond))
	}},
	{"Redis killed (-9), back empty", func(s *system, draw *rand.Rand) error {
		s.redis.Kill()
		time.Sleep(between(draw, 0, 2*time.Second))
		return s.redis.Restart()
	}},
	{"Redis stopped for a while", func(s *system, draw *rand.Rand) error {
		s.redis.Stop(5 * time.Second)
		time.Sleep(between(draw, time.Second, 3*time.Second))
		return s.redis.Restart()
	}},
	{"Redis killed (-9), back with old data", func(s *system, draw *rand.Rand) error {
		if err := s.redis.Save(); err != nil {
			return err
		}
		time.Sleep(between(draw, 100*time.Millisecond, time.Second))
		s.redis.Kill()
		time.Sleep(between(draw, 0, 100*time.Millisecond))
		return errors.Join(s.redis.Restart(), s.redis.Forget())
	}},
	{"Redis paused for longer than every timeout", func(s *system, draw *rand.Rand) error {
		return freeze(s.redis.Process, between(draw, 1500*time.Millisecond, 3500*time.Millisecond))
	}},
	{"Redis paused for a moment", func(s *system, draw *rand.Rand) error {
		return freeze(s.redis.Process, between(draw, 50*time.Millisecond, time.Second))
	}},
	{"Redis emptied", func(s *system, _ *rand.Rand) error {
		client := s.redis.Client()
		defer client.Close()
		return client.FlushAll(s.t.Context()).Err()
	}},
	{"Redis made a copy of one that had not heard of all, and the primary again",
		func(s *system, draw *rand.Rand) error {
			behind, err := servers.StartRedisCopy(s.redis)
			if err != nil {
				return err
			}
			defer behind.Close()
			if err := behind.Lead(); err != nil { // it hears no more
				return err
			}
			time.Sleep(between(draw, 100*time.Millisecond, time.Second))
			return errors.Join(s.redis.Follow(behind), s.redis.Lead())
		}},
	{"a replica led to another Redis, which none of the others uses",
		onAnotherRedis(func(_ *system, draw *rand.Rand) error {
			time.Sleep(between(draw, time.Second, 5*time.Second)) // they take turns
			return nil
		})},
	{"a replica led to another Redis, and that of the others killed (-9) a moment later",
		onAnotherRedis(func(s *system, draw *rand.Rand) error {
			time.Sleep(between(draw, 0, s.lease/5)) // the others need not know of it yet
			s.redis.Kill()
			time.Sleep(between(draw, time.Second, 3*time.Second))
			return s.redis.Restart()
		})},
	{"a bus connection cut", onAWire((*servers.Wire).CutBus, 0, 500*time.Millisecond)},
	{"a bus connection silent", onAWire((*servers.Wire).HangBus, 50*time.Millisecond, 3*time.Second)},
	{"a replica cut off from Redis", onAWire((*servers.Wire).Cut, 100*time.Millisecond, 2500*time.Millisecond)},
	{"a replica's words to Redis go nowhere",
		onAWire((*servers.Wire).Hang, 100*time.Millisecond, 2500*time.Millisecond)},
	{"MariaDB killed (-9) and started again", func(s *system, draw *rand.Rand) error {
		s.stopped((*servers.MariaDB).Kill)
		time.Sleep(between(draw, 0, 500*time.Millisecond))
		return s.restarted()
	}},
	{"a replica cut off from its cache server, and MariaDB killed while it writes",
		func(s *system, draw *rand.Rand) error {
			w := s.any(draw).wire
			w.Cut()
			defer w.Mend()
			time.Sleep(between(draw, 100*time.Millisecond, 700*time.Millisecond))
			s.stopped((*servers.MariaDB).Kill)
			time.Sleep(between(draw, 2*time.Second, 3*time.Second))
			return s.restarted()
		}},
	{"MariaDB stopped and started again", func(s *system, _ *rand.Rand) error {
		s.stopped(func(m *servers.MariaDB) { m.Stop(15 * time.Second) })
		return s.restarted()
	}},
	{"the primary moves to another MariaDB, where new connections lead", func(s *system, draw *rand.Rand) error {
		// A replica whose writes are refused finds out by that. The others have to find out by what they read.
		s.only.Store(s.any(draw))
		defer s.only.Store(nil)
		if err := s.pair.Demote(); err != nil {
			return err
		}
		time.Sleep(between(draw, 0, 300*time.Millisecond))
		if err := s.pair.Exchange(); err != nil {
			return err
		}
		early := draw.IntN(2) == 0 // the way leads there before it takes writes, or only afterwards
		if early {
			s.lead()
			time.Sleep(between(draw, 0, 300*time.Millisecond))
		}
		if err := errors.Join(s.pair.Promote(), s.openDB()); err != nil {
			return err
		}
		if !early {
			time.Sleep(between(draw, 0, 300*time.Millisecond))
			s.lead()
		}
		time.Sleep(between(draw, 500*time.Millisecond, time.Second)) // the old one responds as it did
		return s.pair.Follow()
	}},
	{"a burst of cold keys", burst},
	{"one replica without Redis takes all writes", func(s *system, draw *rand.Rand) error {
		r := s.any(draw)
		s.only.Store(r)
		defer s.only.Store(nil)
		r.wire.Cut()
		defer r.wire.Mend()
		time.Sleep(between(draw, time.Second, 4*time.Second))
		return nil
	}},
	{"Redis full, with noeviction", full},
	{"MariaDB back without the epochs of its last seconds, in which nobody had a cache server", forgetful},
	{"the answers to some COMMITs are lost", func(s *system, draw *rand.Rand) error {
		for range 8 { // of every kind of write, some time
			select {
			case <-s.any(draw).database.LoseResponse("COMMIT"):
			case <-time.After(10 * time.Second):
				return errors.New("nobody has committed anything")
			}
		}
		return nil
	}},
}
