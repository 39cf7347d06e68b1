package cluster

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

// mustMember returns a replica whose session has been opened at epoch 1, and may answer, without a Redis.
func mustMember(t *testing.T) (*Node, *session) {
	p, _ := newPart(t, &fakeLedger{state: State{Epoch: 1}})
	n := newNode(p)
	n.watch.read()
	s := newSession(n.members, newRun(&redis.UniversalOptions{}), State{Epoch: 1})
	s.inc = newToken()
	if err := n.members.open(s); err != nil {
		t.Fatal(err)
	}
	s.extend(s.Now())
	return n, s
}

// TestASessionOpens checks what a session begins with: a near cache in which nothing holds, a lease that waits for an
// echo, and a gate that is shut unless the incarnation is old or has been seen before.
func TestASessionOpens(t *testing.T) {
	inc := newToken()
	for _, row := range []struct {
		what      string
		last      Token
		old, shut bool
	}{
		{"a new incarnation", Token{}, false, true},
		{"one in which somebody has renewed for long", Token{}, true, false},
		{"the same as before", inc, false, false},
	} {
		p, _ := newPart(t, &fakeLedger{state: State{Epoch: 1}})
		n := newNode(p)
		n.watch.read()
		n.members.lastInc = row.last
		n.members.away.Store(true)
		n.lease.extendRedis(int64(time.Hour))
		before := n.Fences.Now()
		s := newSession(n.members, newRun(&redis.UniversalOptions{}), State{Epoch: 1})
		s.inc, s.old, s.marks = inc, row.old, marks{inc, 5, []fence.Mark{{Slot: 7, At: 3}}}
		if err := n.members.open(s); err != nil || n.members.ready() != s {
			t.Errorf("%s: %v, want the session", row.what, err)
		}
		if n.Fences.Holds(before, nil) || !n.Fences.Holds(s.stamp(1), nil) || !n.Fences.Holds(s.stamp(5), []uint16{7}) {
			t.Errorf("%s: something from before it holds, or nothing of it", row.what)
		}
		if n.Fences.Holds(s.stamp(2), []uint16{7}) {
			t.Errorf("%s: something from before a mark holds", row.what)
		}
		if n.Live(n.Now()) {
			t.Errorf("%s: it answers before its first echo", row.what)
		}
		if shut := n.gate.until > 0; shut != row.shut {
			t.Errorf("%s: the gate is shut: %v, want %v", row.what, shut, row.shut)
		}
	}
}

// TestTheEpochMoves checks that no session outlives its epoch, nor begins after it.
func TestTheEpochMoves(t *testing.T) {
	n, s := mustMember(t)
	if !n.Live(n.Now()) {
		t.Fatal("the session has no lease")
	}
	_, changed := n.members.current()
	if _, err := n.watch.bump(State{}); err != nil {
		t.Fatal(err)
	}
	if n.Live(n.Now()) || n.members.ready() != nil || !errors.Is(context.Cause(s.ctx), errEpoch) {
		t.Error("a session outlived its epoch")
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told")
	}
	late := newSession(n.members, s.redis, State{Epoch: 1})
	if err := n.members.open(late); !errors.Is(err, errEpoch) || n.members.ready() != nil {
		t.Errorf("a session of an epoch that has passed began: %v", err)
	}
	now, _ := n.watch.current()
	next := newSession(n.members, s.redis, now)
	if err := n.members.open(next); err != nil {
		t.Fatal(err)
	}
	if s.extend(n.Now()); n.Live(n.Now()) {
		t.Error("a session that has ended extended the lease of the next")
	}
}

// TestNoWriteWaitsForARedisThatIsNotThere checks that a replica which cannot connect knows that Redis is away, though
// no command of a session has failed.
func TestNoWriteWaitsForARedisThatIsNotThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	p, _ := newPart(t, &fakeLedger{state: State{Epoch: 1}})
	n := newNode(p)
	n.watch.read()
	r := newRun(&redis.UniversalOptions{Addrs: []string{ln.Addr().String()}, MaxRetries: -1, DialerRetries: 1})
	defer r.close()
	if _, _, err := n.members.begin(r); err == nil {
		t.Fatal("a session began")
	}
	if s := n.members.await(time.Hour); s != nil {
		t.Errorf("there is a session: %+v", s)
	}
}
