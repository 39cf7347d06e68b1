package faults

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"time"
)

// onThePrimary does something to the primary Redis, whose place in the servers it gets, and waits until all
// servers and sentinels are whole again.
func onThePrimary(do func(s *system, draw *rand.Rand, at int) error) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		at, err := s.watched.Primary()
		if err != nil {
			return err
		}
		if err := do(s, draw, at); err != nil {
			return err
		}
		return s.watched.AwaitWhole()
	}
}

// untilItMoved keeps the primary Redis broken until another has taken over, and for a moment more.
func untilItMoved(breakIt, mend func(s *system, at int)) func(s *system, draw *rand.Rand) error {
	return onThePrimary(func(s *system, draw *rand.Rand, at int) error {
		breakIt(s, at)
		err := s.watched.AwaitMove(at)
		time.Sleep(between(draw, 0, time.Second))
		mend(s, at)
		return err
	})
}

// watchedKinds are the faults of a Redis that sentinels watch.
var watchedKinds = []kind{
	{"Redis moved by its sentinels", onThePrimary(func(s *system, _ *rand.Rand, _ int) error {
		return s.watched.Failover()
	})},
	{"Redis moved by its sentinels, and back at once", onThePrimary(func(s *system, _ *rand.Rand, _ int) error {
		if err := s.watched.Failover(); err != nil {
			return err
		}
		return s.watched.Failover()
	})},
	{"the primary Redis killed (-9), and back when another has taken over",
		onThePrimary(func(s *system, draw *rand.Rand, at int) error {
			s.watched.Servers[at].Kill()
			if err := s.watched.AwaitMove(at); err != nil {
				return err
			}
			time.Sleep(between(draw, 0, time.Second))
			return s.watched.Servers[at].Restart()
		})},
	{"the primary Redis killed (-9), and back at once, empty",
		onThePrimary(func(s *system, _ *rand.Rand, at int) error {
			s.watched.Servers[at].Kill()
			return s.watched.Servers[at].Restart()
		})},
	{"the primary Redis paused until another has taken over", untilItMoved(
		func(s *system, at int) { s.watched.Servers[at].Signal(syscall.SIGSTOP) },
		func(s *system, at int) { s.watched.Servers[at].Signal(syscall.SIGCONT) })},
	{"the primary Redis cut off from all until another has taken over", untilItMoved(
		func(s *system, at int) { s.watched.Wires[at].Cut() },
		func(s *system, at int) { s.watched.Wires[at].Mend() })},
	// What lay in the wire is carried out by a server that is the primary no more, and does not know.
	{"the primary Redis silent to all until another has taken over", untilItMoved(
		func(s *system, at int) { s.watched.Wires[at].Hang() },
		func(s *system, at int) { s.watched.Wires[at].Mend() })},
	{"the primary Redis cut off from its sentinels alone, while a replica starts and finds another",
		onThePrimary(func(s *system, draw *rand.Rand, at int) error {
			s.watched.Wires[at].Shun("sentinel")
			err := s.watched.AwaitMove(at)
			r := s.any(draw) // it finds the new one, while the others have the old one
			r.kill()
			err = errors.Join(err, r.start())
			time.Sleep(between(draw, 0, 3*time.Second))
			s.watched.Wires[at].Mend()
			return err
		})},
	{"a sentinel of Redis silent while the primary moves", onThePrimary(func(s *system, draw *rand.Rand, _ int) error {
		silent := s.watched.Sentinels[1+draw.IntN(2)]
		silent.Signal(syscall.SIGSTOP)
		err := s.watched.Failover()
		silent.Signal(syscall.SIGCONT)
		return err
	})},
	{"a sentinel of Redis killed (-9) and started again", onThePrimary(func(s *system, draw *rand.Rand, _ int) error {
		killed := s.watched.Sentinels[draw.IntN(len(s.watched.Sentinels))]
		killed.Kill()
		time.Sleep(between(draw, 0, time.Second))
		return killed.Restart()
	})},
}
