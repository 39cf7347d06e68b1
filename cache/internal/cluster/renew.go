package cluster

import (
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// renew asks for the lease at every beat. It ends the session when the membership is gone, or when
// renewals come through and their echoes do not: then the bus connection is dead and does not say so.
func (s *session) renew() {
	others := map[string]other{}
	ticker := time.NewTicker(s.beat())
	defer ticker.Stop()
	for number := uint64(1); ; number++ {
		if !s.heardLately() {
			s.end(errSilent)
			return
		}
		if s.echoIsLate() {
			s.miss(errSilent)
		}
		members, err := s.renewOnce(number)
		switch {
		case s.redis.gone.Load():
			s.end(errOtherRun)
			return
		case errors.Is(err, errLost), errors.Is(err, errEvicted), errors.Is(err, errCopy), redis.IsReadOnlyError(err):
			s.end(err) // a server that takes no writes has become a copy
			return
		case err != nil:
			s.miss(err)
		default:
			s.evictDead(others, members)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// echoIsLate reports whether a renewal has had no echo for longer than Redis has for a command.
func (s *session) echoIsLate() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	for _, asked := range s.asked {
		if now-asked > int64(s.Timeout) {
			return true
		}
	}
	return false
}

// miss takes note of a renewal that did not come through. Redis is away then, unless it answered with a refusal.
func (s *session) miss(err error) {
	s.failed(err)
	var refusal redis.Error
	if !errors.As(err, &refusal) && s.ctx.Err() == nil {
		s.membership.away.Store(true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed = s.Now()
	s.wakeLocked()
}

// wakeLocked wakes awaitRenewal.
func (s *session) wakeLocked() {
	close(s.news)
	s.news = make(chan struct{})
}

// awaitRenewal waits for the next renewal, and reports whether it came through. It does not have it come earlier: that
// a beat lies between two of them shows how old an incarnation is.
func (s *session) awaitRenewal() bool {
	asked := s.Now()
	for {
		s.mu.Lock()
		through, missed, news := s.renewed >= asked, s.missed >= asked, s.news
		s.mu.Unlock()
		if through || missed {
			return through
		}
		select {
		case <-news:
		case <-s.ctx.Done():
			return false
		}
	}
}

// insist repeats a call to Redis while that fails and renewals come through: then Redis is slow, and not
// away. What was taken for late may have been done, so it must do no harm twice. It gives up after two leases.
func (s *session) insist(call func() error) error {
	for until := s.Now() + 2*int64(s.Lease); ; {
		err := call()
		var refusal redis.Error
		if err == nil || errors.Is(err, errLost) || errors.Is(err, errWentBack) || errors.As(err, &refusal) {
			return err
		}
		s.failed(err)
		if s.ctx.Err() != nil || s.Now() > until || !s.awaitRenewal() {
			return err
		}
	}
}

// heardLately reports whether an echo came within two leases.
func (s *session) heardLately() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Now()-s.echoed < 2*int64(s.Lease)
}

func (s *session) renewOnce(number uint64) (map[string]string, error) {
	ctx, cancel := s.bounded(s.ctx)
	defer cancel()
	asked := s.Now()
	s.mu.Lock()
	s.asked[number] = asked
	s.mu.Unlock()
	word, rest, err := call(ctx, s.redis.control, renewScript, s.names.stateAndMembers(),
		Wire, s.inc.String(), s.member, s.names.inbox(s.member), number, s.redis.history(),
		listed(number, s.membership.gate))
	switch {
	case err != nil:
		return nil, err
	case word == "evicted":
		return nil, errEvicted
	}
	return rest.members(0), nil
}

// listed returns what the list of members has of a renewal: its number, below zero while this replica's own gate has
// not been passed. What nobody has passed is no old incarnation: see isOld.
func listed(number uint64, own *gate) string {
	text := strconv.FormatUint(number, 10)
	if own.isOpen() {
		return text
	}
	return "-" + text
}

// hearEcho takes a renewal's lease into use. Its echo came in behind every invalidation that was
// announced before it; a number of the bus that this replica has not come to means that it missed one, and one that it
// has passed that Redis went back.
func (s *session) hearEcho(seq, number uint64) {
	switch seen := s.seen.Load(); {
	case seq < seen && !broken.Past:
		s.end(errWentBack)
		return
	case seq != seen:
		s.end(errGap)
		return
	}
	s.past = true
	now := s.Now()
	s.mu.Lock()
	asked, found := s.asked[number]
	for earlier := range s.asked {
		if earlier <= number {
			delete(s.asked, earlier)
		}
	}
	s.echoed = now
	if found {
		if s.membership.away.Swap(false) {
			s.membership.watch.poke() // for what was handed over meanwhile, before its writers give up
		}
		s.renewed = max(s.renewed, asked)
		s.wakeLocked()
	}
	s.mu.Unlock()
	if !found {
		return
	}
	s.metrics.busLag.Observe(time.Duration(now - asked))
	s.extend(asked)
}

// extend lets the replica answer from its caches for a lease from when it asked.
func (s *session) extend(asked int64) {
	m := s.membership
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.session.Load() == s && s.ctx.Err() == nil {
		m.lease.extendRedis(asked + s.usable())
	}
}
