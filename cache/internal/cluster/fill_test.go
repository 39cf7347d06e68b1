package cluster

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestAValueAheadOfTheBusDoesNotOutliveItsSession checks that a value which was stored under a number that the bus has
// not brought yet is not kept into the next session. By its number it would belong to that one, whose fences know
// nothing of what was invalidated before.
func TestAValueAheadOfTheBusDoesNotOutliveItsSession(t *testing.T) {
	redis := servertest.MustStartRedis(t)
	client := redis.Client()
	t.Cleanup(func() { client.Close() })
	s := mustSession(t)
	s.redis.gets = newGets(client, time.Second)
	s.membership.lease.until.Store(math.MaxInt64)
	s.values = s.name("v", "")
	value := Value{ID: newToken(), Inc: s.inc, Seq: 105, Expires: time.Now().Add(time.Minute),
		Slots: layer.PackSlots([]uint16{7})}
	if err := client.Set(context.Background(), s.values+"key", value.marshal(), 0).Err(); err != nil {
		t.Fatal(err)
	}

	fence := s.Fences.Now()
	if l, err := s.lookup("key", fence); !l.Hit || err != nil {
		t.Fatalf("the value was not found in its own session: %v", err)
	}
	s.Fences.Adopt(5, nil) // the session ends, and another begins
	if l, _ := s.lookup("key", fence); l.Hit {
		t.Errorf("a value of the session before was found, with the time %d of the fences' %d", l.Stamp, s.Fences.Now())
	}
}

// mustStartFilling starts a replica whose fill leases are so long, and waits until it has a lease.
func mustStartFilling(t *testing.T, server *servers.Redis, ledger Ledger, name string, long time.Duration) *Node {
	t.Helper()
	n := mustStartNode(t, server, ledger, func(cfg *Config) {
		cfg.Replica = name
		cfg.Lease, cfg.Timeout, cfg.FillLease = time.Minute, 10*time.Second, long
	})
	mustAwait(t, "a lease", func() bool { return n.Live(n.Now()) })
	return n
}

// TestAFillThatNeverEnds checks that a fill lease is renewed neither when nobody waits for the fill any more nor for
// ever: then another replica gets it, and the first one's end does not take it away.
func TestAFillThatNeverEnds(t *testing.T) {
	server := servertest.MustStartRedis(t)
	ledger := &fakeLedger{state: State{Epoch: 1}}
	filler := mustStartFilling(t, server, ledger, "filler", 100*time.Millisecond)
	other := mustStartFilling(t, server, ledger, "other", 100*time.Millisecond)
	for _, left := range []bool{true, false} {
		key := fmt.Sprint("left ", left)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		_, lease := filler.Fetch(ctx, key, Token{}, nil)
		if lease == nil {
			t.Fatal("no fill lease")
		}
		if left {
			leave()
		}
		var next layer.Lease
		mustAwait(t, "the other has the fill lease", func() bool {
			_, next = other.Fetch(t.Context(), key, Token{}, nil)
			return next != nil
		})
		l := lease.(*FillLease)
		l.mu.Lock()
		if bound := livingRounds * renewalsOfALease; left && l.renewals > bound/2 || l.renewals > bound {
			t.Errorf("it was renewed %d times; nobody waits for it: %v", l.renewals, left)
		}
		l.mu.Unlock()
		lease.Release()
		if !next.Store(nil, false, []byte("toy"), time.Minute, time.Minute) {
			t.Error("the other's fill was not stored")
		}
	}
}

// TestOneFillsForAll checks that of two replicas that miss the same key one gets the fill lease, and the other gets
// what the first stored, or the lease when it stored nothing.
func TestOneFillsForAll(t *testing.T) {
	server := servertest.MustStartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	ledger := &fakeLedger{state: State{Epoch: 1}}
	filler := mustStartFilling(t, server, ledger, "filler", time.Hour)
	other := mustStartFilling(t, server, ledger, "other", time.Hour)
	type outcome struct {
		found *layer.Found
		lease layer.Lease
	}
	wait := func(key string) <-chan outcome {
		done := make(chan outcome, 1)
		go func() {
			found, lease := other.Fetch(context.Background(), key, Token{}, nil)
			done <- outcome{found, lease}
		}()
		waiters := newNames("toys", "", 0, ledger.state).of("w", "", key)
		deadline := time.Now().Add(30 * time.Second)
		for ; client.SCard(t.Context(), waiters).Val() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the other replica does not wait")
			}
		}
		return done
	}
	_, lease := filler.Fetch(t.Context(), "stored", Token{}, nil)
	if lease == nil {
		t.Fatal("nobody else fills, and there is no lease")
	}
	waiting := wait("stored")
	if !lease.Store([]uint16{7}, false, []byte("toy"), time.Minute, time.Minute) {
		t.Error("the value was not stored")
	}
	if got := <-waiting; got.found == nil || !got.found.Waited || string(got.found.Payload) != "toy" ||
		got.found.ID != lease.Token() {
		t.Errorf("whoever waited got %+v, want what was filled", got)
	}
	_, lease = filler.Fetch(t.Context(), "released", Token{}, nil)
	if lease == nil {
		t.Fatal("nobody else fills, and there is no lease")
	}
	waiting = wait("released")
	lease.Release()
	got := <-waiting
	if got.lease == nil {
		t.Fatalf("whoever waited got %+v, want the fill lease", got)
	}
	if _, _, err := filler.members.ready().invalidate([]uint16{7}); err != nil {
		t.Error(err)
	}
	if got.lease.Store([]uint16{7}, false, []byte("toy"), time.Minute, time.Minute) {
		t.Error("a value was stored whose fence was lost")
	}
}

// TestNoLeaseIsNil checks that a replica without a session returns no lease at all, where a nil pointer in an interface
// would be one.
func TestNoLeaseIsNil(t *testing.T) {
	p, _ := newPart(t, &fakeLedger{})
	found, lease := newNode(p).Fetch(t.Context(), "key", Token{}, nil)
	if found != nil || lease != nil {
		t.Errorf("without a session: %v, %v; want neither a value nor a lease", found, lease)
	}
}
