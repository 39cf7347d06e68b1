package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// Lead is the right, and the duty, to fill a key for all replicas. It is held until it ends with Store
// or Release; with a replica that dies it ends by itself, after the fill lease.
type Lead struct {
	session *session
	key     string
	token   Token
	seq     uint64 // the fence

	mu    sync.Mutex
	timer *time.Timer
	ended bool
}

// lead asks to fill a key. It answers a Lead; or how long the lease of the replica that fills it has
// left; or neither, when there is another value by now.
func (s *session) lead(ctx context.Context, key, seen string) (*Lead, time.Duration, error) {
	n := s.node
	bounded, cancel := n.bounded(ctx)
	defer cancel()
	l := &Lead{session: s, key: key, token: newToken()}
	word, rest, err := call(bounded, s.client, leadScript, l.names(), s.inc.String(), l.token.String(), seen, n.FillLease.Milliseconds(), s.inbox(s.member))
	if err != nil {
		n.failed(s, err)
		return nil, 0, err
	}
	switch word {
	case "lead":
		if l.seq, err = strconv.ParseUint(rest.text(0), 10, 64); err != nil {
			return nil, 0, err
		}
		l.hold()
		return l, 0, nil
	case "wait":
		ms, err := strconv.ParseInt(rest.text(0), 10, 64)
		return nil, time.Duration(max(ms, 0)+1) * time.Millisecond, err
	}
	return nil, 0, nil
}

// Token is the ID that the value will have.
func (l *Lead) Token() Token { return l.token }

func (l *Lead) names() []string {
	s := l.session
	return []string{stateKey, s.name("v", l.key), s.name("l", l.key), s.name("w", l.key)}
}

// hold renews the lease as long as the fill runs. Most fills end before it has to.
func (l *Lead) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.timer = time.AfterFunc(l.session.node.FillLease/3, l.extend)
	}
}

func (l *Lead) extend() {
	n := l.session.node
	ctx, cancel := n.bounded(l.session.ctx)
	defer cancel()
	word, _, err := call(ctx, l.session.client, extendScript, []string{l.names()[2]}, l.token.String(), n.FillLease.Milliseconds())
	if err != nil && word != "lost" {
		n.failed(l.session, err)
	}
	if word != "lost" {
		l.hold()
	}
}

// Store keeps the value that the fill made for ttl, if no slot of it was invalidated since the fill
// began, and ends the lead. It answers whether the value was kept.
func (l *Lead) Store(slots []uint16, absent bool, payload []byte, ttl time.Duration) bool {
	s := l.session
	value := Value{
		ID: l.token, Inc: s.inc, Seq: l.seq, Expires: time.Now().Add(ttl), Absent: absent, Slots: slots, Payload: payload,
	}
	seq := l.seq
	if broken.Fence {
		seq = 1 << 52
	}
	outcome, err := l.land(value.marshal(), seq, ttl, formatSlots(slots))
	var refusal redis.Error
	if errors.As(err, &refusal) {
		l.Release() // for want of memory maybe; the others are not to wait for it
	}
	if outcome == "refused" {
		s.node.metrics.refused.Inc()
	}
	return outcome == "stored"
}

// Release ends the lead without a value.
func (l *Lead) Release() { _, _ = l.land(nil, 0, 0, "") }

// land ends the lead and wakes those who wait for it.
func (l *Lead) land(raw []byte, seq uint64, ttl time.Duration, slots string) (outcome string, err error) {
	l.mu.Lock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	s := l.session
	ctx, cancel := s.node.bounded(context.WithoutCancel(s.ctx))
	defer cancel()
	names := l.names()
	wake := fmt.Sprintf("%d w %s %s", Wire, s.inc, names[3])
	outcome, _, err = call(ctx, s.client, landScript, names, s.inc.String(), l.token.String(), seq, max(ttl.Milliseconds(), 1), raw, wake, slots)
	if err != nil {
		s.node.failed(s, err)
	}
	return outcome, err
}
