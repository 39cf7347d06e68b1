package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Reason is why a read was, or was not, answered from the cache.
type Reason int

// The reasons.
const (
	// Hit is an entry that was served.
	Hit Reason = iota
	// Unknown is a key that the cache has nothing of.
	Unknown
	// Expired is an entry that was too old.
	Expired
	// Invalidated is an entry that a write made wrong.
	Invalidated
	// Unsure is a replica that cannot be sure now that what it has is right.
	Unsure
)

// Shared is what the layer that replicas share had to do with an answer.
type Shared int

// What it had to do.
const (
	// NotShared is a cache of one process, or an answer that did not have to go there.
	NotShared Shared = iota
	// SharedHit is an answer that was there.
	SharedHit
	// SharedWaited is one that another replica was filling, and that this one waited for.
	SharedWaited
	// SharedMiss is one that this replica had to fill for all.
	SharedMiss
	// SharedAway is a layer that this replica could not use.
	SharedAway
)

// Info is how an answer came about.
type Info struct {
	Reason Reason
	// TTL is how long the value may still be served; zero when it was not kept.
	TTL time.Duration
	// Stored reports that this call had the value loaded, and that it was kept.
	Stored bool
	// Collapsed reports that this call waited for a load that another caller had begun.
	Collapsed bool
	// Shared is what the layer that replicas share had to do with the answer, and SharedStored whether
	// this call's value was kept there.
	Shared       Shared
	SharedStored bool
	// Due reports that the value is to be refreshed ahead of its expiry, by this caller and no other:
	// see Loader.Refresh.
	Due bool
	// Stale reports that the value's TTL is over, by time alone, and that it was returned all the same since it could
	// not be loaded: see Options.MaxStale. TTL is then for how long it has been over, as zero or less.
	Stale bool
	// LoadErr is why a value is returned that could not be loaded: what the load returned, or ErrLate when it takes
	// longer than this caller waits. It is nil where this call did not try, since a load failed less than RetryAfter
	// before.
	LoadErr error

	seen *layer.Lookup // what Look found, for Fill
}

// Load loads the value of a key. What it does not tell fill, it need not: the zero Fill keeps the
// value for the loader's TTL under the tags that the read named. Its ctx ends when no caller waits
// for it any more; what it returns after that is not kept, for it may be half of what it was to be.
type Load[V any] func(ctx context.Context, fill *Fill) (V, error)

// Loader keeps values of one type under keys of its own. It is safe for concurrent use.
type Loader[V any] struct {
	cache   *Cache
	options Options
	meter   *meter
}

// NewLoader adds a loader to a cache.
func NewLoader[V any](c *Cache, options Options) (*Loader[V], error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.Codec == nil {
		options.Codec = jsonCodec[V]{}
	}
	options.Codec = typed[V]{options.Codec}
	options.setDefaults()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.meters[options.Name] != nil {
		return nil, fmt.Errorf("cache: there is a loader %s already", options.Name)
	}
	m := newMeter()
	c.meters[options.Name] = m
	l := &Loader[V]{cache: c, options: options, meter: m}
	m.options = &l.options
	return l, nil
}

// Key returns a key of this loader. The parts are everything that the value depends on; their order
// counts, and no two lists of parts have the same key.
func (l *Loader[V]) Key(parts ...string) string {
	key := l.BeginKey(nil)
	for _, part := range parts {
		key = AppendPart(key, part)
	}
	return string(key)
}

// BeginKey appends the beginning of this loader's keys to b, for callers who make keys in a buffer
// of their own.
func (l *Loader[V]) BeginKey(b []byte) []byte { return append(b, l.options.Name...) }

// AppendPart appends a part to a key: two zero bytes and the part, in which each zero byte is
// followed by a one.
func AppendPart(b []byte, part string) []byte {
	b = append(b, 0, 0)
	if part == "" { // as is a good part of them
		return b
	}
	for i := strings.IndexByte(part, 0); i >= 0; i = strings.IndexByte(part, 0) {
		b = append(append(b, part[:i]...), 0, 1)
		part = part[i+1:]
	}
	return append(b, part...)
}

// Get returns the value of key: kept, or else loaded, by this caller or by one it waits for. The key is one that the
// loader's Key or BeginKey has made: under another loader's there is the value of that, or an error. The tags name
// what the value is made from, as far as that is known before it is loaded; they belong to the key, and all who ask for
// it name the same. All who ask get the same value: what it points to must not be changed. The error is load's own, a
// *PanicError, ErrOwnKey, ctx.Err() when the caller gives up, or ErrLate after HardTimeout; the load then goes on for
// the callers that remain, and after a timeout also without any, for LateTimeout: so it may use nothing that ends with
// its caller.
func (l *Loader[V]) Get(ctx context.Context, key string, tags []string, load Load[V]) (V, Info, error) {
	v, info, err := l.Peek(key)
	if info.Reason != Hit {
		var found bool
		if v, info, found = l.LookContext(ctx, key, info); !found {
			return l.Fill(ctx, key, tags, load, info)
		}
	}
	if info.Due {
		l.Refresh(ctx, key, tags, load)
	}
	return v, info, err
}

// Peek returns the kept value of key. Without one that may be served, info.Reason is not Hit; the caller
// then goes on with Look, which may find it where replicas share, and then with Fill, which completes the read. A kept
// absence is a hit whose error is the load's. The value is not to be changed, as Get's. The key is not kept: it may be
// made from a buffer that is used again.
func (l *Loader[V]) Peek(key string) (v V, info Info, err error) {
	c := l.cache
	now := c.clock.now()
	e, reason := c.find(key, now)
	if e == nil {
		if reason == Expired {
			if e := c.lastGood(key, &l.options); e != nil {
				l.meter.hits.Inc()
				return l.stale(e, Info{Reason: Hit}, nil)
			}
		}
		l.meter.misses.Inc()
		return v, Info{Reason: reason}, nil
	}
	l.meter.hits.Inc()
	v, info, err = l.unpack(e, now)
	if due := e.refresh.Load(); due > 0 && now >= due {
		info.Due = e.refreshing.CompareAndSwap(false, true)
	}
	return v, info, err
}

func (l *Loader[V]) unpack(e *entry, now int64) (V, Info, error) {
	v, ok := e.value.(V)
	if !ok && e.value != nil {
		return v, Info{}, errOtherLoader
	}
	return v, Info{TTL: time.Duration(e.expires - now)}, e.err
}

// errOtherLoader is what is kept, or being loaded, under a key of which another loader has values of another type.
var errOtherLoader = errors.New("cache: another loader has values of another type under this key: keys are to be " +
	"made by the loader's own Key")

// Look returns the value of a key that Peek did not find, for the reasons in missed, from the layer that replicas
// share; in a cache of one process nothing is found. The key is not kept. Without a value that may be served the caller
// goes on with Fill, and gives it the info that Look returned.
func (l *Loader[V]) Look(key string, missed Info) (v V, info Info, found bool) {
	return l.LookContext(context.Background(), key, missed)
}

// LookContext is Look on behalf of ctx, for Config.Tracer. It does not end with ctx.
func (l *Loader[V]) LookContext(ctx context.Context, key string, missed Info) (v V, info Info, found bool) {
	if l.cache.node == nil {
		return v, missed, false
	}
	v, info, missed.seen = l.look(ctx, key)
	if info.Shared != SharedHit {
		return v, missed, false
	}
	info.Reason = missed.Reason
	return v, info, true
}

// Fill loads the value of a key that Peek and Look did not find, as they reported in missed.
func (l *Loader[V]) Fill(
	ctx context.Context, key string, tags []string, load Load[V], missed Info,
) (v V, info Info, err error) {
	c := l.cache
	if !broken.Copy {
		key = strings.Clone(key)
	}
	done, err := c.waitFor(ctx, key)
	if err != nil {
		return v, Info{Reason: missed.Reason}, err
	}
	defer done()
	limit := l.options.waitLimit(c.clock.now())
	defer limit.end()
	for again := false; ; again = true {
		came := c.fences.Now()
		f, led, ended := c.join(l.flight(ctx, key, tags, load, missed.seen), !again && c.live(c.clock.now()))
		if ended != nil {
			return l.ended(ended, missed.Reason)
		}
		if led == begins {
			c.startFlight(f)
		}
		again, instead, err := c.awaitTraced(ctx, f, led, came, &limit)
		switch {
		case instead != nil:
			return l.stale(instead, Info{Reason: missed.Reason, Collapsed: led == joins}, ErrLate)
		case err != nil:
			return v, Info{Reason: missed.Reason}, err
		case again:
			limit.again(c.clock.now())
			continue // the next flight has not begun yet, or will be this caller's own
		}
		return l.landed(f, led, missed.Reason)
	}
}

// ended returns the entry that a flight has just ended with, to a caller who came for it too late.
func (l *Loader[V]) ended(e *entry, reason Reason) (v V, info Info, err error) {
	l.meter.joined.Inc()
	now := l.cache.clock.now()
	if e.expires <= now && l.options.MaxStale > 0 {
		return l.stale(e, Info{Reason: reason, Collapsed: true}, nil)
	}
	v, info, err = l.unpack(e, now)
	info.Reason, info.Collapsed = reason, true
	return v, info, err
}

// landed returns what a flight brought one of its callers.
func (l *Loader[V]) landed(f *flight, led role, reason Reason) (v V, info Info, err error) {
	if led == joins {
		l.meter.joined.Inc()
	}
	if f.failed {
		if e := l.cache.instead(f); e != nil {
			return l.stale(e, Info{Reason: reason, Collapsed: led == joins, Shared: f.shared}, f.err)
		}
	}
	v, ok := f.value.(V)
	if !ok && f.value != nil {
		return v, Info{Reason: reason}, errOtherLoader
	}
	info = Info{Reason: reason, Collapsed: led == joins, Shared: f.shared, SharedStored: led != joins && f.sharedStored}
	if f.entry != nil {
		info.Stored = led != joins
		info.TTL = time.Duration(f.entry.expires - l.cache.clock.now())
	}
	return v, info, f.err
}

// Refresh loads a value again in the background, through the same fence. It is for the caller to whom
// Peek or Look returned Due. If a load of the key is running already, that is as good, and so is another
// replica's. When the load fails, the value that is there stays, and is tried to be refreshed again when half
// of the time it has left is gone. The load outlives the call: it may use nothing that ends with the caller.
func (l *Loader[V]) Refresh(ctx context.Context, key string, tags []string, load Load[V]) {
	f := l.flight(apart(ctx), strings.Clone(key), tags, load, nil)
	c := l.cache
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if c.beginAhead(f) {
		go c.startFlight(f)
	}
}

// beginAhead begins a refresh, unless the key is being loaded or the cache is being closed. The flights are locked.
func (c *Cache) beginAhead(f *flight) bool {
	f.ahead = c.entries.get(f.key)
	f.afar = c.node != nil && !c.Near()
	if c.flights.byKey[f.key] != nil || c.flights.closing {
		if f.ahead != nil {
			f.ahead.refreshing.Store(false) // if that load brings nothing, a later read tries again
		}
		return false
	}
	f.meter.refreshes.Inc()
	c.begin(f)
	c.hold(f)
	return true
}

// flight returns a load with one who waits for it: the caller, or the refresh itself, which never gives up.
func (l *Loader[V]) flight(ctx context.Context, key string, tags []string, load Load[V], seen *layer.Lookup) *flight {
	f := &flight{waiting: 1, done: make(chan struct{}), request: request{
		ctx: ctx, key: key, slots: fence.AppendSlots(nil, tags...), options: &l.options, meter: l.meter, seen: seen,
		load: func(ctx context.Context, fill *Fill) (any, error) { return load(ctx, fill) },
	}}
	if l.cache.named {
		f.fill.tags = new([]string)
		f.fill.name(tags)
	}
	if l.options.MaxStale > 0 {
		f.fallback.Store(l.cache.entries.get(key))
	}
	return f
}

// Forget drops what is kept of a key, in this process. A load that is under way is not stopped by
// it: to make a value wrong, invalidate its tags.
func (l *Loader[V]) Forget(key string) { l.cache.entries.remove(key) }
