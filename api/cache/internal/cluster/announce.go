package cluster

import (
	"context"
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// invalidate announces slots on the bus, and answers the announcement's number and who was a member.
func (s *session) invalidate(slots []uint16) (seq uint64, members map[string]string, err error) {
	ctx, cancel := s.node.bounded(s.ctx)
	defer cancel()
	_, rest, err := call(ctx, s.client, invalidateScript, []string{stateKey, membersKey}, s.inc.String(), s.bus(), s.member, formatSlots(slots))
	if err != nil {
		return 0, nil, err
	}
	s.node.metrics.sent.Inc()
	seq, err = strconv.ParseUint(rest.text(0), 10, 64)
	return seq, rest.members(1), err
}

// conclude ends a batch when all members have read its announcement. Members who have not within the
// bound are struck first, so that they cannot renew; then their leases are waited out, and those of
// members whom another writer has struck.
func (n *Node) conclude(b *batch, s *session, seq uint64, members map[string]string) {
	if broken.Ack {
		close(b.done)
		return
	}
	leases := n.evicted.takeOff(members)
	missing := s.acks.await(members, seq, n.AckTimeout, s.ctx.Done())
	if len(missing) > 0 && s.ctx.Err() != nil && n.ctx.Err() == nil && b.cutOff < announceTries {
		// The acknowledgements may have been sent, and this replica's inbox was gone: announce it again.
		b.cutOff++
		n.carryOut(b)
		return
	}
	defer close(b.done)
	if n.ctx.Err() != nil {
		b.err = errClosed // it has not heard all, and there is nobody to hear more
		return
	}
	n.metrics.acknowledged.Add(float64(len(members) - len(missing)))
	if len(missing) > 0 {
		n.metrics.timedOut.Add(float64(len(missing)))
		ctx, cancel := n.bounded(context.Background())
		err := s.strike(ctx, evicted, missing)
		cancel()
		if err != nil {
			// They may go on renewing: only another epoch stops them.
			var raised State
			if raised, b.err = n.raise(State{Wire: Wire}); b.err == nil {
				b.err = n.awaitRaised(raised)
			}
			return
		}
		leases = n.Now() + int64(n.Lease)
	}
	time.Sleep(time.Duration(leases - n.Now()))
	n.gate.await()
}
