package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/stats"
)

// fakeNode is a layer in which a value is found when a test says so, and which nobody else shares.
type fakeNode struct {
	layer.Host
	lookup layer.Lookup
	fetch  func() *layer.Found // nil for one that finds nothing
}

func (n *fakeNode) Join(host layer.Host) (layer.Node, error) { n.Host = host; return n, nil }

func (n *fakeNode) Live(int64) bool            { return true }
func (n *fakeNode) Lookup(string) layer.Lookup { return n.lookup }

func (n *fakeNode) Fetch(context.Context, string, layer.Token, *layer.Lookup) (*layer.Found, layer.Lease) {
	if n.fetch == nil {
		return nil, nil
	}
	return n.fetch(), nil
}

func (n *fakeNode) LookupMany(keys []string) []layer.Lookup       { return make([]layer.Lookup, len(keys)) }
func (n *fakeNode) TryFetch(asks []layer.Ask) []layer.Tried       { return make([]layer.Tried, len(asks)) }
func (n *fakeNode) Settle(context.Context, int64, []string) error { return nil }
func (n *fakeNode) Clear(context.Context) error                   { return nil }
func (n *fakeNode) Stats() (s stats.Cluster)                      { return s }
func (n *fakeNode) Close()                                        {}

// TestJoiningAFlightThatFound runs a schedule of a value that is found: 1. An announcement raises the clock. 2. A
// flight begins, looks in Redis, and finds a value that the announcement's tag is not marked for yet. 3. The tag is
// marked, and the write acknowledged. 4. A reader comes, and joins the flight, whose fence is the announcement's time.
// 5. The flight ends with the old value.
func TestJoiningAFlightThatFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNode{}
		l := mustLoader[int64](t, mustNew(t, cache.Config{Cluster: n}), cache.Options{})
		load := plain(func() (int64, error) { return 1, nil })
		before := n.Fences.Now()
		slots := fence.AppendSlots(nil, "row")
		n.Fences.InvalidateAt(before+1, nil) // 1
		decided := make(chan bool)
		n.fetch = func() *layer.Found {
			n.fetch = nil
			<-decided
			return &layer.Found{Stamp: before, Expires: time.Now().Add(time.Hour), Slots: layer.PackSlots(slots),
				Payload: []byte("0")}
		}
		first := read(t.Context(), l, nil, load) // 2
		synctest.Wait()
		n.Fences.InvalidateAt(before+1, slots)    // 3
		second := read(t.Context(), l, nil, load) // 4
		synctest.Wait()
		close(decided) // 5
		if got := <-first; got.v != 0 {
			t.Errorf("who came before the write got version %d, want 0", got.v)
		}
		if got := <-second; got.v != 1 {
			t.Errorf("who came after the write got version %d, want 1", got.v)
		}
	})
}

// TestAValueThatOthersKeepForLonger checks that a value which is kept beyond its time, by a replica with MaxStale, is
// loaded by one that has none.
func TestAValueThatOthersKeepForLonger(t *testing.T) {
	for _, outlives := range []bool{false, true} {
		n := &fakeNode{lookup: layer.Lookup{Hit: true, Found: layer.Found{
			Outlives: outlives, Expires: time.Now().Add(-time.Second), Payload: []byte("0"),
		}}}
		l := mustLoader[int64](t, mustNew(t, cache.Config{Cluster: n}), cache.Options{})
		got, _ := get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		if (got == 1) != outlives {
			t.Errorf("of a value that outlives its time (%v) version %d came", outlives, got)
		}
	}
}
