package cache

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Inspection is what a cache has of a key: see Cache.Inspect.
type Inspection struct {
	Key string
	// Loader is the name of the loader whose key it is; empty where it is of none of this cache's.
	Loader string
	// Parts are what Loader.Key, or AppendPart, made the key from; nil where there are none, or where the key was not
	// made so.
	Parts []string
	// Near is the value in this process, and Shared the one in Redis; nil where there is none.
	Near, Shared *Copy
	// Loading reports that a load of the key is under way in this process, and Waiting is how many wait for it or for
	// the next one. A refresh ahead of expiry, for which nobody waits, is counted as one, and so is a load whose
	// callers have left by a timeout.
	Loading bool
	Waiting int
}

// Copy is a value as it is kept in one place.
type Copy struct {
	// Value is the value itself, near: not to be changed. In Redis it is what the loader's codec makes of its bytes; it
	// is these where the key is of no loader of this cache, and nil where they are of another incarnation.
	Value any
	// Err is what a kept absence is answered with, or in Redis that the codec cannot read the value.
	Err error
	// Absent reports that it stands for something that is not there.
	Absent bool
	// Age is how long this process has had it; below zero for one in Redis, which does not store it.
	Age time.Duration
	// TTL is how long it may be served; below zero where that is over. In Redis it is by the clock of the machine that
	// filled it.
	TTL time.Duration
	// Stale is how much longer it may stand in for a load that fails or is late, whether its TTL is over or not: see
	// Options.MaxStale. It is zero where it may not.
	Stale time.Duration
	// Size is its bytes as they are counted near, bookkeeping included; in Redis, those of its value alone.
	Size int64
	// Tags are the tags that it was loaded with, by name: near, with Config.KeepTags, where this process loaded it.
	// Otherwise they are nil.
	Tags []string
	// Slots are the tags' places among the marks; tags may share one. See DependsOn.
	Slots []uint16
	// Fence is what the load took before it read, by this process's clock of invalidations: see Cache.Invalidate.
	Fence uint64
	// ID is unique among the fills of a cluster; empty for a value that is in no Redis.
	ID string
	// Reason is what a read would find now: Hit, Expired, Invalidated, or Unsure where this process cannot know. A read
	// that finds the near value to be no Hit goes on to Redis.
	Reason Reason
}

// DependsOn reports whether an invalidation of a tag makes the value wrong. It is true of the tags that it was loaded
// with, and of the few others that share a slot with one of them.
func (c *Copy) DependsOn(tag string) bool { return slices.Contains(c.Slots, fence.Slot(tag)) }

// errUnreadable is a value in Redis that no read would be answered with.
var errUnreadable = errors.New("cache: the loader's codec cannot read the value")

// Inspect returns what this cache has of a key, near and in Redis, for people who want to know why a read is answered
// as it is. It is a look and not a read: it counts nothing, keeps nothing, and is no use of an entry as the near cache
// counts them. The value is not covered by the cache's promise: it may be one that no read would be answered with,
// as Reason reports. In a cluster it reads Redis once, and waits for Timeout at most.
func (c *Cache) Inspect(key string) Inspection {
	i := Inspection{Key: key}
	options := c.loaderOf(key)
	if options != nil {
		i.Loader = options.Name
		i.Parts, _ = splitParts(key[len(options.Name):])
	}
	i.Near = c.inspectNear(key, options)
	if c.node != nil {
		i.Shared = inspectShared(c.node.Lookup(key), options)
	}
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	if running := c.flights.byKey[key]; running != nil {
		i.Loading, i.Waiting = true, running.waiting
		if running.next != nil {
			i.Waiting += running.next.waiting
		}
	}
	return i
}

// Keys returns keys of the near cache, up to most of them, in no order: those of values that are no longer served, too.
// There are none without a near cache, or with a Store in its place. It is for people; with many entries it takes long.
func (c *Cache) Keys(most int) []string { return c.entries.keys(most) }

// loaderOf returns the options of the loader whose key it is, or nil.
func (c *Cache) loaderOf(key string) *Options {
	name, _, _ := strings.Cut(key, "\x00\x00")
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.meters[name]; m != nil {
		return m.options
	}
	return nil
}

// inspectNear returns what is near; options are the loader's, or nil.
func (c *Cache) inspectNear(key string, options *Options) *Copy {
	now := c.clock.now()
	e := c.entries.look(key)
	if e == nil {
		return nil
	}
	found := &Copy{
		Value: e.value, Err: e.err, Absent: e.absent, Age: time.Duration(now - e.came),
		TTL:  time.Duration(e.expires - now),
		Size: e.size, Slots: slices.Clone(e.slots), Fence: uint64(e.fence),
	}
	if e.tags != nil {
		found.Tags = slices.Clone(*e.tags)
	}
	if e.id != (layer.Token{}) {
		found.ID = e.id.String()
	}
	switch {
	case !c.live(now):
		found.Reason = Unsure
	case e.expires <= now:
		found.Reason = Expired
	case !c.fences.Holds(e.fence, e.slots):
		found.Reason = Invalidated
	}
	found.standIn(options)
	return found
}

// standIn notes for how long the value may stand in for a load.
func (c *Copy) standIn(options *Options) {
	good := c.Reason == Hit || c.Reason == Expired
	if good && c.Err == nil && !c.Absent && options != nil && options.MaxStale > 0 {
		c.Stale = max(0, c.TTL+options.MaxStale)
	}
}

// inspectShared returns what a look saw; options are the loader's, or nil.
func inspectShared(there layer.Lookup, options *Options) *Copy {
	switch {
	case there.Session == nil:
		return &Copy{Age: -1, Reason: Unsure}
	case !there.Hit && there.Seen == "":
		return nil
	case there.ID == (layer.Token{}):
		return &Copy{Age: -1, Reason: Invalidated}
	}
	found := &Copy{
		Value: bytes.Clone(there.Payload), Absent: there.Absent, Age: -1, TTL: time.Until(there.Expires),
		Size: int64(len(there.Payload)), Slots: layer.UnpackSlots(there.Slots), Fence: uint64(there.Stamp),
		ID: there.ID.String(),
	}
	if options != nil {
		var decoded bool
		if found.Value, decoded = decode(options.Codec, there.Payload); !decoded {
			found.Value, found.Err = nil, errUnreadable
		}
	}
	switch {
	case !there.Hit:
		found.Reason = Invalidated
	case found.TTL <= 0:
		found.Reason = Expired
	}
	found.standIn(options)
	return found
}

// splitParts is the inverse of AppendPart, for parts that were appended one after the other to nothing. It returns
// false for what was made otherwise.
func splitParts(key string) (parts []string, made bool) {
	for key != "" {
		rest, begins := strings.CutPrefix(key, "\x00\x00")
		if !begins {
			return nil, false
		}
		var part string
		if part, key, made = cutPart(rest); !made {
			return nil, false
		}
		parts = append(parts, part)
	}
	return parts, true
}

// cutPart returns the part that key begins with, and what comes after it.
func cutPart(key string) (part, rest string, made bool) {
	for {
		at := strings.IndexByte(key, 0)
		switch {
		case at < 0:
			return part + key, "", true
		case strings.HasPrefix(key[at:], "\x00\x01"):
			part, key = part+key[:at+1], key[at+2:]
		case strings.HasPrefix(key[at:], "\x00\x00"):
			return part + key[:at], key[at:], true
		default:
			return "", "", false
		}
	}
}
