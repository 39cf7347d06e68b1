package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// refusal is an answer of Redis.
type refusal struct{}

func (refusal) Error() string { return "OOM command not allowed" }
func (refusal) RedisError()   {}

var timeout = &net.OpError{Op: "read", Err: context.DeadlineExceeded}

// TestRedisIsAway checks that Redis is away from a renewal that is missed to one that comes through, and by nothing
// else.
func TestRedisIsAway(t *testing.T) {
	for err, away := range map[error]bool{
		timeout: true, io.EOF: true, errSilent: true, redis.ErrPoolTimeout: true, refusal{}: false,
	} {
		n, s := mustMember(t)
		if s.failed(err); n.members.ready() != s {
			t.Errorf("after %v of any command, Redis is away", err)
		}
		if s.miss(err); (n.members.ready() == nil) != away {
			t.Errorf("after %v of a renewal: Redis is away: %v, want %v", err, !away, away)
		}
		s.asked[1] = s.Now()
		if s.hearEcho(s.seen.Load(), 1); n.members.ready() != s {
			t.Errorf("after %v and a renewal that came through, Redis is away", err)
		}
		n, s = mustMember(t)
		n.members.end(s, errCut)
		if s.miss(err); n.members.away.Load() {
			t.Errorf("after %v of a session that has ended, Redis is away", err)
		}
	}
}

// TestAnEchoIsLate checks that a renewal whose echo stays out is a missed one.
func TestAnEchoIsLate(t *testing.T) {
	_, s := mustMember(t)
	s.Timeout = time.Minute
	s.asked[1] = s.Now()
	if s.echoIsLate() {
		t.Error("an echo is late at once")
	}
	s.asked[2] = s.Now() - int64(s.Timeout) - 1
	if !s.echoIsLate() {
		t.Error("an echo that has stayed out for the bound is not late")
	}
	if s.hearEcho(s.seen.Load(), 2); s.echoIsLate() {
		t.Error("an echo is late that came")
	}
}

// TestSlowIsNotAway checks when a command that Redis must get is tried again after it failed, by whether the renewals
// come through meanwhile.
func TestSlowIsNotAway(t *testing.T) {
	for _, row := range []struct {
		what  string
		fails []error // of the command, one after the other
		comes bool    // the renewals
		want  error
		tries int
	}{
		{"nothing fails", nil, false, nil, 1},
		{"it is late twice", []error{timeout, timeout}, true, nil, 3},
		{"its connection broke", []error{io.EOF}, true, nil, 2},
		{"it is late, and Redis is away", []error{timeout, timeout}, false, timeout, 1},
		{"Redis refuses it", []error{timeout, refusal{}}, true, refusal{}, 2},
		{"the incarnation is another one", []error{fmt.Errorf("tell: %w", errLost)}, true, errLost, 1},
	} {
		_, s := mustMember(t)
		s.Lease = time.Minute // it gives up after two of them: not since the machine stalls
		go func() {
			for {
				if sleep(s.ctx, time.Millisecond); s.ctx.Err() != nil {
					return
				}
				if !row.comes {
					s.miss(timeout)
					continue
				}
				s.mu.Lock()
				s.asked[1] = s.Now()
				s.mu.Unlock()
				s.hearEcho(s.seen.Load(), 1)
			}
		}()
		tries := 0
		err := s.insist(func() error {
			tries++
			if tries > len(row.fails) {
				return nil
			}
			return row.fails[tries-1]
		})
		if !errors.Is(err, row.want) || tries != row.tries {
			t.Errorf("%s: %v after %d tries, want %v after %d", row.what, err, tries, row.want, row.tries)
		}
	}
}

// TestAnIncarnationThatNobodyHasPassed checks that renewals count towards an old incarnation only once their member has
// passed its own gate: until then a database that was away may have been a contact for members of the one before.
func TestAnIncarnationThatNobodyHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := &fakeLedger{state: State{Epoch: 1}}
		w, _, _ := mustWatch(t, ledger)
		w.read()
		w.gate.shut()
		old := func() bool { return isOld(map[string]string{"a": listed(100, w.gate)}) }
		ledger.err = ErrUnreachable
		for range 3 {
			time.Sleep(w.Lease)
			w.read()
		}
		if old() {
			t.Error("an incarnation is old whose member has not passed its gate, since the database is away")
		}
		ledger.err = nil
		over := make(chan struct{})
		go func() {
			defer close(over)
			for range 20 {
				time.Sleep(w.Lease / 5)
				w.read()
			}
		}()
		err := w.passGate()
		<-over
		if err != nil {
			t.Fatal(err)
		}
		if !old() {
			t.Error("an incarnation is not old though its member has passed its gate")
		}
	})
}
