package faults

import (
	"math/rand/v2"
	"time"
)

// stagedKinds are schedules of the protocol's table that take several coincidences. Each is about the rule in brackets.
var stagedKinds = []kind{
	{"a replica starts in another logical database of Redis, and then in its own", elsewhere},
}

// elsewhere has a replica start in a place in Redis where the others are not, so that they take turns. (name)
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
