package cluster

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// FillLease is the right, and the duty, to fill a key for all replicas. It is held until it ends with Store
// or Release; with a replica that dies it ends by itself, after the fill lease.
type FillLease struct {
	session *session
	names   []string // of the state, the value, the lease and those who wait for it, as the scripts want them
	token   Token
	seq     uint64          // the fence
	unasked <-chan struct{} // closed when nobody waits for the fill any more; nil where that is not known

	mu       sync.Mutex
	timer    *time.Timer
	renewals int
	ended    bool
}

// fillLease returns a lease to fill a key, which is not acquired yet.
func (s *session) fillLease(key string) *FillLease {
	return &FillLease{session: s, token: newToken(), names: []string{
		s.names.state(), s.name("v", key), s.name("l", key), s.name("w", key),
	}}
}

// waiters returns the name of those who wait for the fill.
func (l *FillLease) waiters() string { return l.names[3] }

// holder is who has a lease: its token, and how long it has left. The zero holder is nobody.
type holder struct {
	token string
	left  time.Duration
}

// acquire asks for the lease, and reports whether it got it. Otherwise it returns who fills the key; nobody when there
// is another value by now than the one that was seen.
func (l *FillLease) acquire(seen string) (acquired bool, by holder, err error) {
	e, err := l.session.redis.evals.do(l.asking(seen))
	return l.asked(e, err)
}

// asking returns the script that asks for the lease.
func (l *FillLease) asking(seen string) *eval {
	s := l.session
	return &eval{script: acquireScript, keys: l.names, args: []any{
		s.inc.String(), l.token.String(), seen, s.FillLease.Milliseconds(), s.names.inbox(s.member),
	}}
}

// asked returns what acquire does, once the script has run, or failed to.
func (l *FillLease) asked(e *eval, err error) (acquired bool, by holder, _ error) {
	var word string
	var rest reply
	if err == nil {
		word, rest, err = read(e.reply)
	}
	if err != nil {
		l.session.failed(err)
		return false, by, err
	}
	switch word {
	case "lead":
		if l.seq, err = strconv.ParseUint(rest.text(0), 10, 64); err != nil {
			return false, by, err
		}
		l.hold()
		return true, by, nil
	case "wait":
		ms, err := strconv.ParseInt(rest.text(0), 10, 64)
		return false, holder{rest.text(1), time.Duration(max(ms, 0)+1) * time.Millisecond}, err
	}
	return false, by, nil
}

// Token returns the ID that the value will have.
func (l *FillLease) Token() Token { return l.token }

// renewalsOfALease is how many times a lease is renewed while it would run out once.
const renewalsOfALease = 3

// hold renews the lease as long as the fill runs and somebody waits for it, and for livingRounds leases at most: a load
// that never ends is to keep no other replica from loading. Most fills end before it has to.
func (l *FillLease) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended && l.renewals < livingRounds*renewalsOfALease {
		l.renewals++
		l.timer = time.AfterFunc(l.session.FillLease/renewalsOfALease, l.extend)
	}
}

func (l *FillLease) extend() {
	select {
	case <-l.unasked:
		return
	default:
	}
	s := l.session
	word, _, err := s.eval(extendScript, 0, l.names[2:3], l.token.String(), s.FillLease.Milliseconds())
	if err != nil && word != "lost" {
		s.failed(err)
	}
	if word != "lost" {
		l.hold()
	}
}

// Store keeps the value that the fill made for life, if no slot of it was invalidated since the fill
// began, and ends the lease. Its time is over after ttl: see layer.Lease. It reports whether the value was kept.
func (l *FillLease) Store(slots []uint16, absent bool, payload []byte, ttl, life time.Duration) bool {
	s := l.session
	value := Value{
		ID: l.token, Inc: s.inc, Seq: l.seq, Expires: time.Now().Add(ttl), Absent: absent, Outlives: life > ttl,
		Slots: layer.PackSlots(slots), Payload: payload,
	}
	seq := l.seq
	if broken.Fence {
		seq = 1 << 52
	}
	outcome, err := l.finish(value.marshal(), seq, life, formatSlots(slots))
	var refusal redis.Error
	if errors.As(err, &refusal) {
		l.Release() // for want of memory maybe; the others are not to wait for it
	}
	if outcome == "refused" {
		s.metrics.refused.Inc()
	}
	return outcome == "stored"
}

// Release ends the lease without a value.
func (l *FillLease) Release() { _, _ = l.finish(nil, 0, 0, "") }

// finish ends the lease and wakes those who wait for it.
func (l *FillLease) finish(raw []byte, seq uint64, life time.Duration, slots string) (outcome string, err error) {
	l.mu.Lock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	s := l.session
	inc := s.inc.String()
	wake := strconv.Itoa(Wire) + " w " + inc + " " + l.waiters()
	outcome, _, err = s.eval(finishScript, len(raw), l.names,
		inc, l.token.String(), seq, max(life.Milliseconds(), 1), raw, wake, slots)
	if err != nil {
		s.failed(err)
	}
	return outcome, err
}
