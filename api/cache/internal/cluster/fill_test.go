package cluster

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestAValueAheadOfTheBusDoesNotOutliveItsSession has a value be found that was stored under a number which
// the bus has not brought here yet, while the session ends and another begins. By its number it would
// belong to the new session, whose fences know nothing of what was invalidated before.
func TestAValueAheadOfTheBusDoesNotOutliveItsSession(t *testing.T) {
	redis, err := servers.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Close)
	client := redis.Client()
	t.Cleanup(func() { client.Close() })
	s := mustSession(t)
	s.client, s.gets = client, &gets{client: client}
	s.Timeout = time.Second
	s.membership.lease.until.Store(math.MaxInt64)
	s.values = s.name("v", "")
	value := Value{ID: newToken(), Inc: s.inc, Seq: s.first + 100, Expires: time.Now().Add(time.Minute), Slots: []uint16{7}}
	if err := client.Set(context.Background(), s.values+"key", value.marshal(), 0).Err(); err != nil {
		t.Fatal(err)
	}

	fence := s.Fences.Now()
	if found, _, err := s.lookup("key", fence); found == nil || err != nil {
		t.Fatalf("the value was not found in its own session: %v", err)
	}
	s.Fences.InvalidateAll() // the session ends, and another begins
	if found, _, _ := s.lookup("key", fence); found != nil {
		t.Errorf("a value of the session before was found, with the time %d of the fences' %d", found.Stamp, s.Fences.Now())
	}
}
