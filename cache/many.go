package cache

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Ask is what GetMany is asked for: a key and its tags, as for Get.
type Ask struct {
	Key  string
	Tags []string
}

// Got is what GetMany returns for an Ask: what Get returns.
type Got[V any] struct {
	Value V
	Info  Info
	Err   error
}

// LoadMany loads what batch.Missing names, and brings it by batch.Set and batch.Fail. What it returns is the error of
// all that it brought neither of; without one they get ErrLeftOut. Its ctx ends when no caller waits for any of them
// any more.
type LoadMany[V any] func(ctx context.Context, batch *Batch[V]) error

// GetMany returns the values of asks, each in its place: kept, or else loaded, by one call of load for all keys that
// nobody else was loading. Those that another caller, or another replica, was loading it waits for, and calls load for
// one of them alone where that brings nothing. What is documented for Get holds for each of them: it has flight, fence
// and fill lease of its own, so that what is invalidated meanwhile is not kept and the rest is, a Get may wait for a
// part of the batch, and its error is no other's. Keys that are asked for more than once are loaded once; what is
// returned is not to be changed then, as what Get returns.
//
// Calls of load may run at the same time, and one may outlast GetMany: when the caller gives up, and for values that
// are refreshed ahead of expiry, all of them by one call. It may use nothing that ends with the caller, and what asks
// has is not to be changed.
//
// A panic of load is a *PanicError of all keys of the call. What load asks a cache for, with its ctx, all keys of the
// batch wait for: none of that may wait for one of them.
func (l *Loader[V]) GetMany(ctx context.Context, asks []Ask, load LoadMany[V]) []Got[V] {
	m := &many[V]{Loader: l, ctx: ctx, asks: asks, load: load, got: make([]Got[V], len(asks))}
	m.peek()
	m.look()
	m.refresh()
	m.fill()
	m.copySame()
	return m.got
}

// many is one call of GetMany.
type many[V any] struct {
	*Loader[V]
	ctx  context.Context
	asks []Ask
	load LoadMany[V]

	got     []Got[V]
	missing []int                 // places without a value so far, in order
	same    map[int]int           // places whose key an earlier place asks for
	seen    map[int]*layer.Lookup // what a missing place's lookup in the shared layer returned
	due     []int                 // places to be refreshed
}

// peek finds what is near.
func (m *many[V]) peek() {
	var first map[string]int
	for i, ask := range m.asks {
		got := &m.got[i]
		got.Value, got.Info, got.Err = m.Peek(ask.Key)
		switch {
		case got.Info.Due:
			m.due = append(m.due, i)
		case got.Info.Reason == Hit:
		default:
			if first == nil {
				first, m.same = map[string]int{}, map[int]int{}
			}
			if at, asked := first[ask.Key]; asked {
				m.same[i] = at
				continue
			}
			first[ask.Key] = i
			m.missing = append(m.missing, i)
		}
	}
}

// look finds what is where replicas share.
func (m *many[V]) look() {
	c := m.cache
	if c.node == nil || len(m.missing) == 0 {
		return
	}
	var places []int
	var keys []string
	for _, i := range m.missing {
		if key := m.asks[i].Key; !c.flights.has(key) {
			places, keys = append(places, i), append(keys, key)
		}
	}
	found := map[int]bool{}
	m.seen = make(map[int]*layer.Lookup, len(places))
	for n, there := range c.node.LookupMany(keys) {
		i := places[n]
		v, info, seen := m.found(keys[n], there)
		if m.seen[i] = seen; info.Shared != SharedHit {
			continue
		}
		found[i], info.Reason = true, m.got[i].Info.Reason
		if m.got[i] = (Got[V]{Value: v, Info: info}); info.Due {
			m.due = append(m.due, i)
		}
	}
	missing := m.missing[:0]
	for _, i := range m.missing {
		if !found[i] {
			missing = append(missing, i)
		}
	}
	m.missing = missing
}

// refresh loads all that is due again in the background: by one call, but for what is not near. What another
// replica has refreshed of that meanwhile is looked at key by key.
func (m *many[V]) refresh() {
	if len(m.due) == 0 {
		return
	}
	slices.Sort(m.due)
	var ahead flightGroup
	c, own := m.cache, *m
	own.ctx = apart(m.ctx)
	c.flights.mu.Lock()
	for _, i := range m.due {
		switch f := own.flightOf(i); {
		case !c.beginAhead(f):
		case f.afar:
			go c.startFlight(f)
		default:
			ahead.add(f, i, nil)
		}
	}
	c.flights.mu.Unlock()
	own.startGroup(&ahead)
}

// fill loads what is missing, and waits for it.
func (m *many[V]) fill() {
	own, others := m.begin()
	m.startGroup(own)
	var waiting sync.WaitGroup
	for n, f := range own.flights {
		waiting.Go(func() { m.await(own.places[n], f) })
	}
	for _, i := range others {
		ask, got := m.asks[i], &m.got[i]
		waiting.Go(func() {
			missed := Info{Reason: got.Info.Reason, seen: m.seen[i]}
			got.Value, got.Info, got.Err = m.Fill(m.ctx, ask.Key, ask.Tags, m.one(i), missed)
		})
	}
	waiting.Wait()
}

// begin begins the flights of what is missing, all at once. It returns those, and the places whose keys others load.
func (m *many[V]) begin() (own *flightGroup, others []int) {
	c := m.cache
	var flights []*flight
	var places []int
	for _, i := range m.missing {
		if loadingOf(m.ctx).isFor(place{c, m.asks[i].Key}) {
			others = append(others, i) // Fill returns the error
			continue
		}
		flights, places = append(flights, m.flightOf(i)), append(places, i)
	}
	own = &flightGroup{}
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	for n, f := range flights {
		i := places[n]
		got := &m.got[i]
		if c.flights.byKey[f.key] != nil {
			others = append(others, i)
		} else if _, _, ended := c.joinLocked(f, false); ended != nil {
			got.Value, got.Info, got.Err = m.ended(ended, got.Info.Reason)
		} else {
			own.add(f, i, nil)
		}
	}
	return own, others
}

// await waits for the flight of a place, which this call has begun.
func (m *many[V]) await(place int, f *flight) {
	got := &m.got[place]
	reason := got.Info.Reason
	done, err := m.cache.waitFor(m.ctx, f.key)
	if err != nil { // the flight goes on without this caller
		m.cache.giveUp(f)
		got.Info, got.Err = Info{Reason: reason}, err
		return
	}
	defer done()
	limit := m.options.waitLimit(m.cache.clock.now())
	defer limit.end()
	switch _, instead, err := m.cache.await(m.ctx, f, begins, f.fence, &limit); {
	case instead != nil:
		got.Value, got.Info, got.Err = m.stale(instead, Info{Reason: reason}, ErrLate)
	case err != nil:
		got.Info, got.Err = Info{Reason: reason}, err
	default:
		got.Value, got.Info, got.Err = m.landed(f, begins, reason)
	}
}

// flightOf returns the flight of a place, by itself.
func (m *many[V]) flightOf(place int) *flight {
	ask := m.asks[place]
	key := ask.Key
	if !broken.Copy {
		key = strings.Clone(key)
	}
	f := m.flight(m.ctx, key, ask.Tags, m.one(place), m.seen[place])
	if f.seen != nil && f.seen.Hit {
		m.cache.fallBackTo(f, &f.seen.Found) // on this goroutine, so that a codec that ends it ends no flight
	}
	return f
}

// one returns the load of a place that is loaded by itself.
func (m *many[V]) one(place int) Load[V] {
	return func(ctx context.Context, fill *Fill) (V, error) {
		b := &Batch[V]{missing: []int{place}, parts: []part[V]{{fill: fill}}}
		err := m.load(ctx, b)
		return b.parts[0].result(err)
	}
}

// copySame gives those who asked for the same key what the first of them got.
func (m *many[V]) copySame() {
	for i, first := range m.same {
		m.meter.joined.Inc()
		reason := m.got[i].Info.Reason
		m.got[i] = m.got[first]
		info := &m.got[i].Info
		info.Reason, info.Collapsed, info.Stored, info.SharedStored, info.Due = reason, true, false, false, false
	}
}
