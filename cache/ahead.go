package cache

import (
	"encoding/binary"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Where nothing is near, there is no entry to remember that a value is being refreshed ahead of its expiry: a backoff
// does, by its key. It only spares loads: who finds a value due though another replica refreshes it asks for the fill
// lease in its place, and finds the new value.

// isDue reports whether a value of the shared layer is to be refreshed ahead of its expiry. It is so at the same moment
// on all replicas, which the value's ID moves by up to a tenth of TTL.
func (o *Options) isDue(found *layer.Found) bool {
	if o.RefreshAhead <= 0 || found.Absent {
		return false
	}
	moved := float64(binary.BigEndian.Uint16(found.ID[:]))/(1<<16)/5 - 0.1
	left := time.Until(found.Expires)
	return left > 0 && float64(left) < float64(o.TTL)*(1-o.RefreshAhead+moved)
}

// takeDue reports whether this caller is to have the value refreshed: of those on this replica one in a second, while
// the value lives.
func (c *Cache) takeDue(key string, found *layer.Found) bool {
	now := c.clock.now()
	return c.refreshed.take(key, now, now+int64(min(time.Second, time.Until(found.Expires))))
}

// fetchAhead looks a value up that a flight is to refresh. It returns the one that is there if another replica has been
// faster; the flight goes on from what it saw otherwise.
func (c *Cache) fetchAhead(f *flight) *layer.Found {
	there := c.node.Lookup(f.key)
	f.seen = &there
	if !there.Hit {
		return nil
	}
	f.until = there.Expires
	if f.options.lapsed(&there.Found) || f.options.isDue(&there.Found) || !f.take(&there.Found, f.options.Codec) {
		return nil
	}
	return &there.Found
}

// isAhead reports whether a flight refreshes a value that is still good.
func (c *Cache) isAhead(f *flight) bool {
	return f.ahead != nil && f.ahead.expires > c.clock.now() || f.afar && time.Until(f.until) > 0
}

// refreshedAfar lets a refresh that failed be tried again when half of the time that the value has left is gone.
func (c *Cache) refreshedAfar(f *flight) {
	switch left := time.Until(f.until); {
	case f.err == nil:
		c.refreshed.forget(f.key)
	case f.failed && left > 0:
		c.refreshed.set(f.key, c.clock.now()+int64(left/2))
	}
}
