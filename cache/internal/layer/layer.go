// Package layer is the interface between the cache of a process and the layer that replicas share.
package layer

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/stats"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// Host is what a cache gives the layer that it is a part of.
type Host struct {
	// Fences are the cache's: invalidations by other replicas are marked there.
	Fences *fence.Table
	// Now is the cache's clock, in nanoseconds, monotonic.
	Now func() int64
	// Tracer follows what the layer does. Nil where nobody does.
	Tracer tracing.Tracer
}

// Node is one replica's part of the layer. It is safe for concurrent use.
type Node interface {
	// Live reports whether this replica may answer from a cache at a time by the host's clock, which must be read after
	// the request has come.
	Live(now int64) bool
	// Lookup looks a key up, in one round trip.
	Lookup(key string) Lookup
	// Fetch looks a key up, or goes on from a Lookup that found nothing. Where there is nothing that may be served, or
	// only the value whose ID is old, one replica gets the Lease to fill it, and the others wait for it. It returns
	// neither when the layer cannot be used, when it waited again and again for fills that brought nothing, or when ctx
	// ended: then the caller loads for itself.
	Fetch(ctx context.Context, key string, old Token, from *Lookup) (*Found, Lease)
	// LookupMany is Lookup for several keys, in as few round trips as there can be.
	LookupMany(keys []string) []Lookup
	// TryFetch is Fetch for several keys, in as few round trips as there can be, and waits for no other replica. The
	// leases that it returns are held together: who holds them is to wait for nobody who may be waiting for one.
	TryFetch(asks []Ask) []Tried
	// Settle carries out the invalidation of a write that has committed, and has its record removed then, if record is
	// not 0. An error means that the write must not be acknowledged. It is done on behalf of ctx, and does not end with
	// it.
	Settle(ctx context.Context, record int64, tags []string) error
	// Clear leaves behind all that replicas keep. When it returns nil, no replica serves what was read before it was
	// called. Where ctx ends first it goes on, and the error reports that it may have happened.
	Clear(ctx context.Context) error
	// Stats returns what the node has counted.
	Stats() stats.Cluster
	// Close leaves the layer. Writes that are being settled are settled first.
	Close()
}

// Token is unique among all that any replica ever makes.
type Token [16]byte

// String returns the token as it stands in Redis and in messages.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// Found is a value of the layer that may be served.
type Found struct {
	// ID is the token of the fill that made it.
	ID Token
	// Stamp is its fence by this replica's clock.
	Stamp fence.Stamp
	// Expires is when its time is over, by the filler's wall clock. It is good for computing how long that is, and for
	// nothing else: clocks differ. The layer may keep it for longer: see Lease.Store.
	Expires time.Time
	// Absent reports that it stands for something that is not there.
	Absent bool
	// Outlives reports that the layer keeps it beyond Expires, to stand in for a load that fails.
	Outlives bool
	// Waited reports that another replica filled it while this one waited.
	Waited bool
	// Slots are packed: see PackSlots.
	Slots []byte
	// Payload is the value itself, in the form that its loader's codec gives it. It is not to be changed.
	Payload []byte
}

// Lookup is what a replica saw when it looked a key up.
type Lookup struct {
	Found // valid if Hit

	// Hit reports whether there is a value that may be served.
	Hit bool
	// Seen is the ID of a value that is there and may not be served; empty without one.
	Seen string
	// Session is the layer's own; nil when it cannot be used.
	Session any
}

// Ask is a key that TryFetch is asked for; the rest is as Fetch takes it.
type Ask struct {
	Key  string
	Old  Token
	From *Lookup
}

// Tried is what came of an Ask: a Lease, Busy, or neither, where the layer cannot be used.
type Tried struct {
	Lease Lease
	// Busy reports that another replica fills the key or has filled it: Fetch returns the value, or waits for it.
	Busy bool
}

// Lease is the right, and the duty, to fill a key for all replicas. It is held until it ends with Store or Release;
// with a replica that dies it ends by itself.
type Lease interface {
	// Token is the ID that the value will have.
	Token() Token
	// Store keeps the value that the fill made for life, if no slot of it was invalidated since the fill began, and
	// ends the lease. The value's time is over after ttl; for the rest of its life it may only stand in for a load that
	// fails. Store reports whether the value was kept.
	Store(slots []uint16, absent bool, payload []byte, ttl, life time.Duration) bool
	// Release ends the lease without a value.
	Release()
}
