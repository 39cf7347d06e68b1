package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// fills finds in Redis what replicas have filled, and has one of them fill what is missing.
type fills struct {
	part
	members *membership
	waits   *waits
}

// lookup looks a key up in Redis, in one round trip.
func (f *fills) lookup(key string) layer.Lookup {
	before := f.Fences.Now() // a fence of the session before, should a new one begin meanwhile
	s := f.members.ready()
	if s == nil {
		return layer.Lookup{}
	}
	l, err := s.lookup(key, before)
	if err != nil {
		return layer.Lookup{}
	}
	return l
}

// lookupMany is like lookup, for several keys, in as few round trips as there can be.
func (f *fills) lookupMany(keys []string) []layer.Lookup {
	before := f.Fences.Now()
	s := f.members.ready()
	if s == nil {
		return make([]layer.Lookup, len(keys))
	}
	return s.lookupAll(keys, before)
}

// tryFetch implements Node.TryFetch. Whom another replica's fill keeps waiting is not waited for.
func (f *fills) tryFetch(asks []layer.Ask) []layer.Tried {
	f.lookAgain(asks)
	tried := make([]layer.Tried, len(asks))
	places := map[*session][]int{} // almost always one session
	for i, ask := range asks {
		s, _ := ask.From.Session.(*session)
		switch {
		case s == nil:
		case ask.From.Hit && ask.From.ID != ask.Old:
			tried[i].Busy = true
		default:
			places[s] = append(places[s], i)
		}
	}
	for s, places := range places {
		// The leases of each part are renewed from when it is answered.
		for part := range slices.Chunk(places, mostAtOnce) {
			if !s.acquireAll(asks, part, tried) {
				break
			}
		}
	}
	return tried
}

// lookAgain looks up the keys of those asks that have not been.
func (f *fills) lookAgain(asks []layer.Ask) {
	var places []int
	var keys []string
	for i, ask := range asks {
		if ask.From == nil {
			places, keys = append(places, i), append(keys, ask.Key)
		}
	}
	if len(keys) == 0 {
		return
	}
	for i, l := range f.lookupMany(keys) {
		asks[places[i]].From = &l
	}
}

// acquireAll asks for the leases of the asks at some places, together, and notes what came of it. It reports whether
// Redis answered all.
func (s *session) acquireAll(asks []layer.Ask, places []int, tried []layer.Tried) bool {
	answered := true
	leases, evals := make([]*FillLease, len(places)), make([]*eval, len(places))
	for i, place := range places {
		leases[i] = s.fillLease(asks[place].Key)
		evals[i] = leases[i].asking(seenID(asks[place].From))
	}
	for i, p := range s.redis.evals.doAll(evals) {
		acquired, _, err := leases[i].asked(p.command, p.bundle.err)
		switch {
		case err != nil:
			answered = false
		case acquired:
			tried[places[i]].Lease = leases[i]
		default:
			tried[places[i]].Busy = true
		}
	}
	return answered
}

const (
	// fetchRounds is how often a caller looks: for a filler that dies and for the one after it, and once more. One that
	// goes on filling is one round.
	fetchRounds = 5
	// livingRounds is for how many leases a fill is waited for at most, by a caller, and for how many its lease is
	// renewed: the filler may wait for this caller, for another key, or for ever.
	livingRounds = 60
)

// fetch implements Node.Fetch, round after round.
func (f *fills) fetch(ctx context.Context, key string, old layer.Token, from *layer.Lookup) (
	*layer.Found, layer.Lease) {
	waited, filler := false, ""
	for round, looks := 0, 0; round < fetchRounds && looks < livingRounds && ctx.Err() == nil; looks++ {
		if from == nil {
			l := f.lookup(key)
			from = &l
		}
		s, _ := from.Session.(*session)
		switch {
		case s == nil:
			return nil, nil
		case from.Hit && from.ID != old:
			from.Waited = waited
			return &from.Found, nil
		}
		lease := s.fillLease(key)
		lease.unasked = ctx.Done()
		woken, forget := f.waits.on(lease.waiters())
		acquired, by, err := lease.acquire(seenID(from))
		if by.left > 0 {
			waited = true
			s.await(ctx, woken, by.left)
		}
		forget()
		switch {
		case err != nil:
			return nil, nil
		case acquired:
			return nil, lease
		}
		from = nil
		if by.token == "" || by.token != filler {
			round++
		}
		filler = by.token
	}
	return nil, nil
}

// await waits until a fill ends: until this replica is woken, or the filler's lease has run out.
func (s *session) await(ctx context.Context, woken <-chan struct{}, left time.Duration) {
	s.metrics.waiting.Add(1)
	defer s.metrics.waiting.Add(-1)
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-woken:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}

// name returns the Redis key of what belongs to a key of the cache.
func (s *session) name(kind, key string) string { return s.names.of(kind, s.Release, key) }
