package tokens

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// size returns how many tokens are remembered.
func (m *memory) size() (n int) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		n += len(s.byHash)
		s.mu.RUnlock()
	}
	return n
}

func claimsUntil(t time.Time) *Claims { return &Claims{Account: "ann", Session: "s", Until: t.Unix()} }

// TestBadTokensTakeNoMemory verifies many bad tokens beside a good one, which stays remembered.
func TestBadTokensTakeNoMemory(t *testing.T) {
	k := mustMakeKeys(t, mustMakeKey(t))
	good := mustSign(t, k, "ann", "s1")
	if _, err := k.Verify([]byte(good)); err != nil {
		t.Fatal(err)
	}
	header, payload, signature := cut3(good)
	for i := range 10_000 {
		bad := fmt.Sprintf("%s.%s%d.%s", header, payload, i, signature)
		if _, err := k.Verify([]byte(bad)); err == nil {
			t.Fatal("a bad token is good")
		}
	}
	if n := k.memory.size(); n != 1 || k.memory.get([]byte(good)) == nil {
		t.Errorf("%d tokens are remembered", n)
	}
}

// TestMemoryIsBounded adds many more good tokens than there is room for, each once, while some are in use. Those stay.
func TestMemoryIsBounded(t *testing.T) {
	const most, flood, inUse = 1024, 20_000, 100
	m, now := newMemory(most), time.Now()
	claims := claimsUntil(now.Add(Life))
	used := func(i int) []byte { return fmt.Appendf(nil, "used %d", i) }
	for i := range inUse {
		m.add(string(used(i)), claims, now)
	}
	for i := range flood {
		for j := range inUse {
			if i%100 == 0 && m.get(used(j)) == nil {
				t.Fatalf("after %d tokens that nobody asks for, one in use is gone", i)
			}
		}
		m.add(fmt.Sprintf("flood %d", i), claims, now)
	}
	if n := m.size(); n > most || n < most*9/10 {
		t.Errorf("%d tokens are remembered, at most %d should be", n, most)
	}
}

// TestExpiredMakeRoom checks that expired tokens are evicted before others, even if they were in use.
func TestExpiredMakeRoom(t *testing.T) {
	m, now := newMemory(shards), time.Now()
	for i := range 100 {
		token := fmt.Sprint("old ", i)
		m.add(token, claimsUntil(now), now.Add(-time.Second))
		m.get([]byte(token))
	}
	for i := range 100 {
		m.add(fmt.Sprint("new ", i), claimsUntil(now.Add(Life)), now)
	}
	for i := range 100 {
		if m.get(fmt.Append(nil, "old ", i)) != nil {
			t.Error("one that has expired is kept in place of one that has not")
		}
	}
}

func TestMemoryBySeveral(t *testing.T) {
	m, now := newMemory(64), time.Now()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 2_000 {
				token := fmt.Sprint((worker + i) % 200)
				if claims := m.get([]byte(token)); claims != nil && claims.Account != token {
					t.Errorf("asked for %s, got the claims of %s", token, claims.Account)
				}
				m.add(token, &Claims{Account: token, Until: now.Add(Life).Unix()}, now)
			}
		})
	}
	all.Wait()
	if n := m.size(); n > 64 {
		t.Errorf("%d tokens are remembered", n)
	}
}

func TestVerifyAllocatesNothing(t *testing.T) {
	k := mustMakeKeys(t, mustMakeKey(t))
	token := []byte(mustSign(t, k, "ann", "s1"))
	if n := testing.AllocsPerRun(100, func() { k.Verify(token) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkVerifyKnown(b *testing.B) {
	k := mustMakeKeys(b, mustMakeKey(b))
	token := []byte(mustSign(b, k, "ann", "s1"))
	b.ReportAllocs()
	for b.Loop() {
		k.Verify(token)
	}
}

func BenchmarkVerifyNew(b *testing.B) {
	k := mustMakeKeys(b, mustMakeKey(b))
	token := mustSign(b, k, "ann", "s1")
	for b.Loop() {
		k.parse(token, time.Now())
	}
}
