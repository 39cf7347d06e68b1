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

// failsReads tells whether a read may fail while the fault lasts: that of a replica that is not there, or
// of what is cached nowhere while there is no database. Without Redis, no read may.
func (k kind) failsReads() bool {
	return !strings.Contains(k.name, "Redis") && !strings.Contains(k.name, "bus")
}

// between draws a time.
func between(draw *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(draw.Int64N(int64(most-least)))
}

func (s *system) any(draw *rand.Rand) *replica { return s.replicas[draw.IntN(len(s.replicas))] }

// freeze stops a process in its tracks, and has it go on after a while.
func freeze(p *servers.Process, while time.Duration) error {
	p.Signal(syscall.SIGSTOP)
	time.Sleep(while)
	return p.Signal(syscall.SIGCONT)
}

// onAWire has the way from a replica to Redis fail somehow, for a while.
func onAWire(fail func(*servers.Wire), least, most time.Duration) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		w := s.any(draw).wire
		fail(w)
		time.Sleep(between(draw, least, most))
		w.Mend()
		return nil
	}
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
		if err := r.start("WOODY_DIE_AT=" + step); err != nil && !r.awaitDeath(0) {
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
	{"a bus connection cut", onAWire((*servers.Wire).CutBus, 0, 500*time.Millisecond)},
	{"a bus connection silent", onAWire((*servers.Wire).HangBus, 50*time.Millisecond, 3*time.Second)},
	{"a replica cut off from Redis", onAWire((*servers.Wire).Cut, 100*time.Millisecond, 2500*time.Millisecond)},
	{"a replica's words to Redis go nowhere", onAWire((*servers.Wire).Hang, 100*time.Millisecond, 2500*time.Millisecond)},
	{"MariaDB killed (-9) and started again", func(s *system, draw *rand.Rand) error {
		s.mariadb.Kill()
		time.Sleep(between(draw, 0, 500*time.Millisecond))
		return s.mariadb.Restart()
	}},
	{"a replica cut off from its cache server, and MariaDB killed while it writes", func(s *system, draw *rand.Rand) error {
		w := s.any(draw).wire
		w.Cut()
		defer w.Mend()
		time.Sleep(between(draw, 100*time.Millisecond, 700*time.Millisecond))
		s.mariadb.Kill()
		time.Sleep(between(draw, 2*time.Second, 3*time.Second))
		return s.mariadb.Restart()
	}},
	{"MariaDB stopped and started again", func(s *system, _ *rand.Rand) error {
		s.mariadb.Stop(15 * time.Second)
		return s.mariadb.Restart()
	}},
}
