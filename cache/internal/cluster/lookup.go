package cluster

import (
	"errors"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// seenID returns what acquire is to find still there.
func seenID(l *layer.Lookup) string {
	if l.Hit {
		return string(l.ID[:])
	}
	return l.Seen
}

// errNoLease is a replica that may not answer from a cache now.
var errNoLease = errors.New("this replica has no lease")

// lookup reads a key's value and decides whether it may be served: that is, whether no slot of it was invalidated since
// its fence. This replica's own marks know that of every fence of the session's incarnation.
//
// before is the time of this replica's fences from before it was known which session this is, and no
// value is given a later stamp. The bus may be behind a value that was just stored; were it given its own
// time, which is yet to come here, and the session to end, it would outlive it.
func (s *session) lookup(key string, before fence.Stamp) (l layer.Lookup, err error) {
	if !s.membership.lease.holds(s.Now()) {
		return l, errNoLease
	}
	g, err := s.redis.gets.do(s.redis.gets.of(s.valueOf(key)))
	if err != nil {
		s.failed(err)
		return l, err
	}
	return s.judge(g, before), nil
}

// lookupAll is like lookup, for several keys, which are read together. What could not be read has no session.
func (s *session) lookupAll(keys []string, before fence.Stamp) []layer.Lookup {
	found := make([]layer.Lookup, len(keys))
	if !s.membership.lease.holds(s.Now()) {
		return found
	}
	gets := make([]*get, len(keys))
	for i, key := range keys {
		gets[i] = s.redis.gets.of(s.valueOf(key))
	}
	for i, place := range s.redis.gets.doAll(gets) {
		if err := place.bundle.err; err != nil {
			s.failed(err)
			continue
		}
		found[i] = s.judge(place.command, before)
	}
	return found
}

// valueOf returns the name of a key's value.
func (s *session) valueOf(key string) string {
	if len(key) > longKey {
		return s.name("v", key)
	}
	return s.values + key
}

// judge decides whether what was read may be served.
func (s *session) judge(g *get, before fence.Stamp) (l layer.Lookup) {
	l.Session = s
	if g.raw == nil {
		return l
	}
	var v Value
	if v.unmarshal(g.raw) == nil && v.Inc == s.inc {
		l.Found = layer.Found{ID: v.ID, Expires: v.Expires, Absent: v.Absent, Outlives: v.Outlives, Slots: v.Slots,
			Payload: v.Payload}
		l.Stamp = min(s.stamp(v.Seq), before)
		l.Hit = s.Fences.HoldsPacked(l.Stamp, l.Slots) || broken.Fence
	}
	if !l.Hit {
		l.Seen = idOf(g.raw)
	}
	return l
}
