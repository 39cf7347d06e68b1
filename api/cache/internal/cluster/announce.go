package cluster

import (
	"context"
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// invalidate announces slots on the bus, and returns the announcement's number and who was a member.
func (s *session) invalidate(slots []uint16) (seq uint64, members map[string]string, err error) {
	ctx, cancel := s.bounded(s.ctx)
	defer cancel()
	_, rest, err := call(ctx, s.redis.control, invalidateScript, s.names.stateAndMembers(),
		Wire, s.inc.String(), s.names.bus(), s.member, formatSlots(slots))
	if err != nil {
		return 0, nil, err
	}
	s.metrics.sent.Inc()
	seq, err = strconv.ParseUint(rest.text(0), 10, 64)
	return seq, rest.members(1), err
}

// conclude ends a batch when all members have read its announcement. Members who have not within the
// bound are evicted first, so that they cannot renew; then their leases are waited out, and those of
// members whom another writer has evicted.
func (w *writes) conclude(b *batch, s *session, seq uint64, members map[string]string) {
	if broken.Ack {
		close(b.done)
		return
	}
	leases := w.members.evicted.takeOff(members)
	missing := s.acks.await(members, seq, w.AckTimeout, s.ctx.Done())
	if len(missing) > 0 && s.ctx.Err() != nil && w.ctx.Err() == nil && b.cutOff < announceTries {
		// The acknowledgements may have been sent, and this replica's inbox was gone: announce it again.
		b.cutOff++
		w.carryOut(b)
		return
	}
	defer close(b.done)
	if w.ctx.Err() != nil {
		b.err = errClosed // it has not heard all, and there is nobody to hear more
		return
	}
	w.metrics.acknowledged.Add(float64(len(members) - len(missing)))
	if len(missing) > 0 {
		w.metrics.timedOut.Add(float64(len(missing)))
		ctx, cancel := w.bounded(context.Background())
		err := s.evict(ctx, evicted, missing)
		cancel()
		if err != nil {
			// They may go on renewing: only another epoch stops them.
			var bumped State
			if bumped, b.err = w.watch.bump(State{Wire: Wire}); b.err == nil {
				b.err = w.watch.awaitBumped(bumped)
			}
			return
		}
		leases = w.Now() + int64(w.Lease)
	}
	time.Sleep(time.Duration(leases - w.Now()))
	w.gate.await()
}
