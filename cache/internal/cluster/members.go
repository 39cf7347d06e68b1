package cluster

import (
	"context"
	"errors"
)

// leave ends the membership, if there is one, so that no writer waits for it. By now the lease is no longer used.
func (s *session) leave() {
	if s.inc == (Token{}) || s.redis.gone.Load() {
		return
	}
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	_ = s.evict(ctx, offTheList, map[string]string{s.member: anyRenewal})
}

// What evict makes of a member, and what stands on the list for one that is evicted.
const (
	evicted    = "-"
	offTheList = ""
)

// anyRenewal is a member's last renewal, whatever its number.
const anyRenewal = "*"

// evict makes something of members if the number of their last renewal is the one given. When it returns
// nil, they can renew no more.
func (s *session) evict(ctx context.Context, become string, members map[string]string) error {
	args := []any{s.inc.String(), become}
	for member, renewal := range members {
		args = append(args, member, renewal)
	}
	_, _, err := call(ctx, s.redis.control, evictScript, s.names.stateAndMembers(), args...)
	if errors.Is(err, errLost) {
		return nil // with the incarnation, its members are gone
	}
	return err
}

// other is when another member's last renewal was first seen.
type other struct {
	renewal string
	since   int64
}

// evictDead takes members off the list that have not renewed for two leases, or were evicted that long
// ago. Their leases are over: the last renewal, or the eviction, happened before it was first seen.
func (s *session) evictDead(others map[string]other, members map[string]string) {
	now := s.Now()
	dead := map[string]string{}
	for member, renewal := range members {
		switch {
		case others[member].renewal != renewal:
			others[member] = other{renewal, now}
		case now-others[member].since > 2*int64(s.Lease):
			dead[member] = renewal
		}
	}
	for member := range others {
		if _, found := members[member]; !found {
			delete(others, member)
		}
	}
	s.membership.evicted.takeOff(members)
	s.metrics.members.Store(int64(len(members)))
	if len(dead) > 0 {
		ctx, cancel := s.bounded(s.ctx)
		defer cancel()
		if err := s.evict(ctx, offTheList, dead); err != nil {
			s.failed(err)
		}
	}
}
