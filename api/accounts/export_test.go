package accounts

import (
	"time"

	"github.com/woodytoys/woodytoys/api/slots"
)

// Hashes returns how many passwords have been hashed.
func (s *Service) Hashes() int64 { return s.hasher.made.Load() }

// Cheap has new passwords hashed at next to no cost.
func (s *Service) Cheap() *Service {
	s.hasher.cost = cost{memoryKiB: 8, time: 1, threads: 1}
	return s
}

// Patient has those who wait for their turn in the database wait for a minute: a busy machine is no crowd.
func (s *Service) Patient() *Service {
	s.gate = gate{slots.New(triesAtOnce, time.Minute), slots.New(refusedAtOnce, time.Minute)}
	return s
}

// Later moves the Service's clock forward by d; a negative d makes it forget which tries were refused, instead.
func (s *Service) Later(d time.Duration) {
	if d < 0 {
		s.refused = refused{}
		return
	}
	now := s.now
	s.now = func() time.Time { return now().Add(d) }
}

// Often returns the key that good passwords of an account are counted under in this hour.
func (s *Service) Often(name string) []byte {
	key := hashing(name, s.now()).self
	return key[:]
}
