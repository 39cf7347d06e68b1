package cluster

import (
	"errors"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

// Found is a value from Redis that may be served.
type Found struct {
	Value
	// Stamp is its fence by this replica's clock.
	Stamp fence.Stamp
	// Waited reports that another replica filled it while this one waited.
	Waited bool
}

// Lookup is what a replica saw when it looked a key up in Redis.
type Lookup struct {
	Found // if Hit

	// Hit reports whether there is a value that may be served.
	Hit bool

	session *session // nil when this replica cannot use Redis
	seen    string   // the ID of a value that is there and may not be served
}

// seenID is what acquire is to find still there.
func (l *Lookup) seenID() string {
	if l.Hit {
		return string(l.ID[:])
	}
	return l.seen
}

// errNoLease is a replica that may not answer from a cache now.
var errNoLease = errors.New("this replica has no lease")

// lookup reads a key's value and decides whether it may be served: that is, whether no slot of it was invalidated since
// its fence. This replica's own marks know that of every fence of the session's incarnation.
//
// before is the time of this replica's fences from before it was known which session this is, and no
// value is given a later stamp. The bus may be behind a value that was just stored; were it given its own
// time, which is yet to come here, and the session to end, it would outlive it.
func (s *session) lookup(key string, before fence.Stamp) (l Lookup, err error) {
	if !s.membership.lease.holds(s.Now()) {
		return l, errNoLease
	}
	name := s.values + key
	if len(key) > longKey {
		name = s.name("v", key)
	}
	g, err := s.redis.gets.do(&get{name: name})
	if err != nil {
		s.failed(err)
		return l, err
	}
	l.session = s
	if g.raw == nil {
		return l, nil
	}
	if l.unmarshal(g.raw) == nil && l.Inc == s.inc {
		l.Stamp = min(s.stamp(l.Seq), before)
		l.Hit = s.Fences.HoldsPacked(l.Stamp, l.Slots) || broken.Fence
	}
	if !l.Hit {
		l.seen = idOf(g.raw)
	}
	return l, nil
}
