package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

// mustSession returns a session that has begun at the bus's number 5, without a Redis.
func mustSession(t testing.TB) *session {
	p, _ := newPart(t, nil)
	s := newSession(newNode(p).members, newRun(&redis.UniversalOptions{}), State{Epoch: 1})
	s.member, s.inc, s.marks.seq = "me", newToken(), 5
	s.zero = s.Fences.Adopt(5, nil)
	s.seen.Store(5)
	return s
}

func (s *session) invalidation(seq uint64, slots string) string {
	return fmt.Sprintf("2 i %s %d writer %s", s.inc, seq, slots)
}

func TestBus(t *testing.T) {
	s := mustSession(t)
	fenceBefore := s.Fences.Now()
	if err := s.hear(s.invalidation(4, "8")); err != nil || !s.Fences.Holds(fenceBefore, []uint16{8}) {
		t.Errorf("a message from before the session: %v, want it passed over", err)
	}
	if err := s.hear(s.invalidation(6, "7,9")); err != nil {
		t.Fatal(err)
	}
	for slot, holds := range map[uint16]bool{7: false, 8: true, 9: false} {
		if got := s.Fences.Holds(fenceBefore, []uint16{slot}); got != holds {
			t.Errorf("slot %d holds: %v, want %v", slot, got, holds)
		}
	}
	if s.due["writer"] != 6 {
		t.Errorf("the writer is owed the acknowledgement of %d, want 6", s.due["writer"])
	}
	if err := s.hear("2 a " + s.inc.String() + " 9 other"); err != nil || s.acks.read["other"] != 9 {
		t.Errorf("an acknowledgement: %v, %v", err, s.acks.read)
	}
}

// TestBusDoubts checks that a session which cannot be sure ends.
func TestBusDoubts(t *testing.T) {
	for message, want := range map[string]error{
		"":                              errUnknown,
		"3 i INC 6 writer 7":            errUnknown,
		"1 z INC 6 writer 7":            errUnknown,
		"2 i INC six writer 7":          errUnknown,
		"2 i INC 6 writer 70000":        errUnknown,
		"2 i INC 6 writer 7,x":          errUnknown,
		"2 i INC 7 writer 7":            errGap,
		"2 i 00000000000000 6 writer 7": errLost,
	} {
		s := mustSession(t)
		text := message
		if len(text) > 8 && text[4:7] == "INC" {
			text = text[:4] + s.inc.String() + text[7:]
		}
		if err := s.hear(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", message, err, want)
		}
	}
}

// TestTimeGoesBack checks that a session ends when it hears a number that it has passed, and that its replica
// remembers.
func TestTimeGoesBack(t *testing.T) {
	echo := func(s *session, seq int) error { return s.hear(fmt.Sprintf("2 r %s %d 1", s.inc, seq)) }
	for what, hear := range map[string]func(*session) error{
		"an announcement again":                 func(s *session) error { return s.hear(s.invalidation(6, "7")) },
		"one from before the session, too late": func(s *session) error { return s.hear(s.invalidation(5, "7")) },
		"an echo with a lower number":           func(s *session) error { return echo(s, 5) },
	} {
		s := mustSession(t)
		if err := s.hear(s.invalidation(6, "7")); err != nil {
			t.Fatal(err)
		}
		s.end(hear(s))
		if cause := context.Cause(s.ctx); !errors.Is(cause, errWentBack) {
			t.Errorf("%s: %v, want %v", what, cause, errWentBack)
		}
	}
	s := mustSession(t)
	if err := echo(s, 5); err != nil {
		t.Fatal(err)
	}
	if err := s.hear(s.invalidation(5, "7")); !errors.Is(err, errWentBack) {
		t.Errorf("a message from before the session behind an echo: %v, want %v", err, errWentBack)
	}
}

// TestAnEchoBehindAGapIsNoLease checks that a lease is not renewed by a replica that has missed a message.
func TestAnEchoBehindAGapIsNoLease(t *testing.T) {
	s := mustSession(t)
	s.membership.session.Store(s)
	s.asked[1] = s.Now()
	if err := s.hear("2 r " + s.inc.String() + " 6 1"); err != nil {
		t.Fatal(err)
	}
	if s.ctx.Err() == nil || s.membership.lease.holds(s.Now()) {
		t.Error("a lease was renewed by an echo behind a message that did not come")
	}
}

func TestSlotsAreReadAsWritten(t *testing.T) {
	for _, want := range [][]uint16{nil, {0}, {1, 2, 65535}} {
		if got, err := parseSlots(formatSlots(want)); err != nil || !slices.Equal(got, want) {
			t.Errorf("read %v, %v; want %v", got, err, want)
		}
	}
}

// FuzzHear checks that no message makes a replica fall over.
func FuzzHear(f *testing.F) {
	s := mustSession(f)
	f.Add("i", "6 writer 1,2")
	f.Add("r", "5 1")
	f.Add("a", "5 other")
	f.Add("w", "key")
	f.Fuzz(func(_ *testing.T, kind, rest string) {
		_ = s.hear("1 " + kind + " " + s.inc.String() + " " + rest)
	})
}
