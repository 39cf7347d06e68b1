package cache

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eko/gocache/lib/v4/store"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// Config is what a Cache is made of.
type Config struct {
	// MaxBytes bounds the near cache: values, keys and bookkeeping together. Default: 64 MiB.
	MaxBytes int64
	// Store, when it is not nil, keeps the entries instead of the near cache: any gocache store that
	// hands back the very Go values that it was given. It bounds itself, and a read through it costs
	// an allocation. It must belong to this process alone: it cannot compare and store; and to this cache, unless no
	// other that uses it has a loader of the same name.
	// Default: nil, the near cache.
	Store store.StoreInterface
	// NoNear keeps this process from caching anything in memory. Default: false. It is of use with a Cluster only:
	// every read then goes to Redis.
	NoNear bool
	// KeepTags keeps the tags of each value that this process loads by name, for Inspect: otherwise it has them by
	// their slots alone. It costs 24 bytes for each entry, and 16 and the text for each of its tags. Default: false.
	KeepTags bool
	// Tracer follows what the cache does that takes time: fills, waiting for them, Redis, and writes until they are
	// acknowledged. What is near is none of it. Default: nil, nobody follows, which costs nothing.
	Tracer tracing.Tracer
	// Cluster makes the cache one replica's part of several that share what they keep. Default: nil,
	// it is for this process alone.
	Cluster Cluster
}

// Cluster makes a cache one replica's part of several: a *cluster.Config, of package cache/cluster. The internal types
// of its method keep others from implementing it.
type Cluster interface {
	Join(host layer.Host) (layer.Node, error)
}

// Options are how one Loader's values are kept. A time of more than 50 years counts as 50.
type Options struct {
	// Name is the loader's name in the metrics, and the beginning of its keys, so that loaders which
	// share a cache never share a value. Required, and unique within a cache. Caches that join by one Ledger and have
	// the same cluster.Config.Release share the values of loaders of one name, so that these must be of one type and
	// one source: a program's second cache has other names.
	Name string
	// TTL is how long a value may be served. Required: zero or less is refused.
	TTL time.Duration
	// Jitter shortens the TTL of each value by up to this part of it, at random, so that values filled together do not
	// expire together. All replicas have the same TTL for the same value. From 0 to 0.5. Default: 0, none. Absences
	// have none.
	Jitter float64
	// NegativeTTL is how long an absence may be served. Default: 0, absences are not kept.
	NegativeTTL time.Duration
	// Absent reports whether an error means that there is nothing. Default: none does.
	Absent func(error) bool
	// RefreshAhead is the part of TTL after which the next read has the value loaded again in the
	// background, so that no reader waits when it expires; it is moved by up to a tenth of TTL, at
	// random, so that values filled together are not refreshed together. Where replicas share the cache and
	// keep nothing near, one of them loads, and each tries once a second at most, by the loader's TTL and not by a
	// shorter one of the value's own. From 0.1 to 0.9. Default: 0, off.
	RefreshAhead float64
	// MaxStale is for how long after its TTL a value may be returned whose load fails: then the read has the value, no
	// error, Info.Stale, and the load's error as Info.LoadErr. Time is all that it forgives. What was invalidated is
	// never returned, nor is anything while this replica cannot know what was, nor an absence: the read has the load's
	// error then, as without MaxStale. An absence that a load returns is no failure. The layer that replicas share
	// keeps values for so much longer.
	// Default: 0, never.
	MaxStale time.Duration
	// RetryAfter is for how long after a load failed a stale value is returned without another try. It is at
	// most MaxStale, and needs it. Default: 1s, or MaxStale if that is shorter.
	RetryAfter time.Duration
	// SoftTimeout is how long a caller waits for a load where there is a stale value that MaxStale allows: then the
	// read has that, and ErrLate as Info.LoadErr, and the load goes on. Where there is none the caller goes on waiting.
	// It needs MaxStale. Default: 0, no bound.
	SoftTimeout time.Duration
	// HardTimeout is how long a caller waits for a load at all: then the read has the stale value, or else ErrLate, and
	// the load goes on. It is above SoftTimeout. Default: 0, no bound.
	HardTimeout time.Duration
	// LateTimeout is how long a load goes on after the first caller has left it by a timeout, and a refresh ahead of
	// expiry at all: nobody joins it after that where there is a timeout, and its ctx ends when those who wait have
	// left. What it brings before is kept for all, if no write has come between. It needs one of the other two, or
	// RefreshAhead.
	// Default: ten times HardTimeout, or SoftTimeout without one; without both TTL, and a minute at most.
	LateTimeout time.Duration
	// Codec turns values into bytes for the layer that replicas share. A value of more than 8 MiB is not shared: each
	// replica loads its own, one after the other. Default: JSON.
	Codec Codec
}

// Codec turns the values of a loader into bytes and back. It must be safe for concurrent use.
type Codec interface {
	// Encode returns the bytes of a value. With an error the value is not shared.
	Encode(value any) ([]byte, error)
	// Decode returns the value of bytes, of the loader's type. It may keep the bytes and must not change them: another
	// caller's value may be made of the same. With an error, or another type, the value is loaded instead.
	Decode(b []byte) (any, error)
}

func (o Options) check() error {
	switch {
	case o.Name == "":
		return errors.New("cache: a loader has no Name")
	case strings.Contains(o.Name, "\x00"):
		return fmt.Errorf("cache: the loader's Name %q has a zero byte, which separates the parts of its keys", o.Name)
	case o.TTL <= 0:
		return fmt.Errorf("cache: loader %s: TTL must be above zero, not %v", o.Name, o.TTL)
	case !(o.Jitter >= 0 && o.Jitter <= 0.5):
		return fmt.Errorf("cache: loader %s: Jitter must be from 0 to 0.5, not %v", o.Name, o.Jitter)
	case o.NegativeTTL < 0:
		return fmt.Errorf("cache: loader %s: NegativeTTL must not be below zero, as %v is", o.Name, o.NegativeTTL)
	case o.RefreshAhead != 0 && (o.RefreshAhead < 0.1 || o.RefreshAhead > 0.9):
		return fmt.Errorf("cache: loader %s: RefreshAhead must be 0 or from 0.1 to 0.9, not %v", o.Name, o.RefreshAhead)
	}
	if err := o.checkStale(); err != nil {
		return err
	}
	return o.checkTimeouts()
}

// longest is the longest time that counts: sums of those that are longer would overflow.
const longest = 50 * 365 * 24 * time.Hour

// setDefaults sets what is zero and has another default, and what is longer than the longest.
func (o *Options) setDefaults() {
	for _, d := range []*time.Duration{&o.TTL, &o.NegativeTTL, &o.MaxStale, &o.SoftTimeout, &o.HardTimeout} {
		*d = min(*d, longest)
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = min(time.Second, o.MaxStale)
	}
	if o.LateTimeout == 0 {
		o.LateTimeout = 10 * min(cmp.Or(o.HardTimeout, o.SoftTimeout), longest/10)
	}
	o.RetryAfter, o.LateTimeout = min(o.RetryAfter, longest), min(o.LateTimeout, longest)
}
