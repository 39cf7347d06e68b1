package accounts

import (
	"sync"
	"time"
)

const (
	// refusedMax is how many keys of each of two generations are remembered as refused, of about 100 bytes each.
	refusedMax = 10_000
	// refusedFor is how long they are at most. Then the database is asked again, which other replicas write too.
	refusedFor = 30 * time.Second
)

// refused remembers which keys the database has refused of late, so that it is not asked of those again. What does not
// fit is forgotten, and asked again. The zero value remembers nothing.
type refused struct {
	mu         sync.Mutex
	young, old map[Key]refusal
}

type refusal struct {
	until time.Time // when a try is allowed again
	again time.Time // when the database is asked again
}

// add remembers how long keys have to wait.
func (r *refused) add(waits map[Key]time.Duration, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, wait := range waits {
		if r.young == nil || len(r.young) >= refusedMax {
			r.young, r.old = map[Key]refusal{}, r.young
		}
		r.young[key] = refusal{now.Add(wait), now.Add(min(wait, refusedFor))}
	}
}

// wait returns for how long a key is refused, as far as is remembered; zero otherwise.
func (r *refused) wait(key Key, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, there := r.young[key]
	if !there {
		known = r.old[key]
	}
	if !now.Before(known.again) {
		return 0
	}
	return known.until.Sub(now)
}

// forget ends the refusal of a key.
func (r *refused) forget(key Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, key)
	delete(r.old, key)
}
