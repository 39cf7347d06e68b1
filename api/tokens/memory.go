package tokens

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// remembered is how many verified tokens are kept at most: with those of ours, of about 480 bytes, 11 MB.
	remembered = 16 << 10
	// shards is how many parts the memory has, each with a lock of its own.
	shards = 16
)

// memory holds tokens that have been verified. It says nothing of whether they are good now. Bad tokens never come into
// it, so that nobody can fill it but by signing in. When a shard is full, a token that has expired makes room, or one
// that was not asked for since the hand came by last (the clock algorithm): many tokens that are used once do not push
// out those in use.
type memory struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu     sync.RWMutex
	byHash map[uint64]*verified
	ring   []*verified // at most most of them
	most   int
	hand   int // the next in ring to make room
}

type verified struct {
	hash   uint64
	token  string
	claims *Claims
	used   atomic.Bool
}

func newMemory(most int) *memory {
	m := &memory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].byHash = map[uint64]*verified{}
		m.shards[i].most = max(most/shards, 1)
	}
	return m
}

// get returns what a token says, nil if it is not here. It allocates nothing.
func (m *memory) get(token []byte) *Claims {
	hash := maphash.Bytes(m.seed, token)
	s := &m.shards[hash%shards]
	s.mu.RLock()
	v := s.byHash[hash]
	s.mu.RUnlock()
	if v == nil || v.token != string(token) {
		return nil
	}
	if !v.used.Load() {
		v.used.Store(true)
	}
	return v.claims
}

// add remembers a token.
func (m *memory) add(token string, claims *Claims, now time.Time) {
	hash := maphash.String(m.seed, token)
	s := &m.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byHash[hash] != nil {
		return // somebody else was first; or another token has its hash, once in 2^64
	}
	added := &verified{hash: hash, token: token, claims: claims}
	if len(s.ring) < s.most {
		s.ring = append(s.ring, added)
	} else {
		s.makeRoom(now)
		s.ring[s.hand] = added
		s.hand = (s.hand + 1) % s.most
	}
	s.byHash[hash] = added
}

// makeRoom moves the hand to a token that may go, and forgets it. It looks at each twice at most.
func (s *shard) makeRoom(now time.Time) {
	for {
		old := s.ring[s.hand]
		if old.claims.at(now) == nil && old.used.Swap(false) {
			s.hand = (s.hand + 1) % s.most
			continue
		}
		delete(s.byHash, old.hash)
		return
	}
}
