package cluster

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
	"github.com/woodytoys/woodytoys/api/cache/internal/fence"
)

// errNoLease is a replica that may not answer from a cache now.
var errNoLease = errors.New("this replica has no lease")

// lookup reads a key's value and reports whether it may be served: that is, whether no slot of it was
// invalidated since its fence. This replica's own marks know that of every fence since its session
// began; for older ones, the marks in Redis are read. seen is what acquire is to find still there.
//
// before is the time of this replica's fences from before it was known which session this is, and no
// value is given a later stamp. The bus may be behind a value that was just stored; were it given its own
// time, which is yet to come here, and the session to end, it would outlive it.
func (s *session) lookup(key string, before fence.Stamp) (found *Found, seen string, err error) {
	if !s.membership.lease.holds(s.Now()) {
		return nil, "", errNoLease
	}
	name := s.values + key
	if len(key) > longKey {
		name = s.name("v", key)
	}
	raw, there, err := s.gets.get(name)
	switch {
	case err != nil:
		s.failed(err)
		return nil, "", err
	case !there:
		return nil, "", nil
	}
	found, seen = &Found{}, idOf(raw)
	if found.unmarshal(raw) != nil || found.Inc != s.inc {
		return nil, seen, nil
	}
	found.Stamp = min(s.stamp(found.Seq), before)
	if found.Seq < s.first {
		// Redis has the marks from before the session, and may have lost those that this replica has heard since.
		if !s.Fences.Holds(s.stamp(s.first), found.Slots) && !broken.Past {
			return nil, seen, nil
		}
		found.Stamp = before
		holds, err := s.holdsInRedis(found)
		if err != nil || !holds {
			return nil, seen, err
		}
	}
	if !s.Fences.Holds(found.Stamp, found.Slots) && !broken.Fence {
		return nil, seen, nil
	}
	return found, seen, nil
}

// holdsInRedis reports whether a value's fence holds by the marks in Redis.
func (s *session) holdsInRedis(found *Found) (bool, error) {
	fields := make([]string, 1, 1+len(found.Slots))
	fields[0] = "inc"
	for _, slot := range found.Slots {
		fields = append(fields, strconv.Itoa(int(slot)))
	}
	marks, err := s.redis.values.HMGet(context.Background(), s.names.state(), fields...).Result()
	if err != nil {
		s.failed(err)
		return false, err
	}
	if marks[0] != s.inc.String() {
		return false, nil
	}
	newer := func(mark any) bool {
		text, marked := mark.(string)
		at, err := strconv.ParseUint(text, 10, 64)
		return marked && (err != nil || at > found.Seq)
	}
	return !slices.ContainsFunc(marks[1:], newer), nil
}
