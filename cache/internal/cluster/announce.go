package cluster

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// announce calls invalidate, again and again, for as long as Redis is there.
func (s *session) announce(slots []uint16) (seq uint64, members map[string]string, err error) {
	err = s.insist(func() (err error) {
		seq, members, err = s.invalidate(slots)
		return err
	})
	return seq, members, err
}

// invalidate announces slots on the bus, and returns the announcement's number and who was a member. A number that is
// not above all that were known before ends the session.
func (s *session) invalidate(slots []uint16) (seq uint64, members map[string]string, err error) {
	ctx, cancel := s.bounded(s.ctx)
	defer cancel()
	known := s.known()
	_, rest, err := call(ctx, s.redis.control, invalidateScript, s.names.stateAndMembers(),
		Wire, s.inc.String(), s.names.bus(), s.member, formatSlots(slots), s.redis.history())
	if err != nil {
		return 0, nil, err
	}
	s.metrics.sent.Inc()
	seq, err = strconv.ParseUint(rest.text(0), 10, 64)
	if err == nil && seq <= known && !broken.Past {
		err = errWentBack
		s.membership.end(s, err)
	}
	raise(&s.announced, seq)
	return seq, rest.members(1), err
}

// conclude ends a batch that has been announced, or has it announced again.
func (w *writes) conclude(b *batch, s *session, seq uint64, members map[string]string) {
	err := w.confirmTraced(b, s, seq, members)
	switch {
	case errors.Is(err, errAgain) && b.again < announceTries:
		b.again++
		w.carryOut(b)
	case errors.Is(err, errAgain):
		w.fallBack(b)
	default:
		b.err = err
		close(b.done)
	}
}

// confirmTraced is confirm, as a step of the batch.
func (w *writes) confirmTraced(b *batch, s *session, seq uint64, members map[string]string) error {
	_, span := tracing.Start(b.ctx, w.Tracer, tracing.Acknowledge, "")
	missing, err := w.confirm(s, seq, members)
	span.Note(tracing.Members, strconv.Itoa(len(members)))
	span.Note(tracing.Missing, strconv.Itoa(missing))
	span.End(err)
	return err
}

// errAgain is an announcement that some may not have heard who are to hear it: it is made again.
var errAgain = errors.New("an announcement could not be confirmed in its session")

// confirm returns no error when no replica can be answering what an announcement has made wrong: when all members have
// read it, the epoch in the database is still the session's, and nobody else can have a lease. It returns how many of
// them did not acknowledge.
func (w *writes) confirm(s *session, seq uint64, members map[string]string) (silent int, err error) {
	if broken.Ack {
		return 0, nil
	}
	look := w.looks.begin()
	leases := w.members.evicted.takeOff(members)
	missing := s.acks.await(members, seq, w.AckTimeout, s.ctx.Done())
	silent = len(missing)
	if w.ctx.Err() != nil {
		return silent, errClosed // not all have acknowledged, and the replica is closing
	}
	if len(missing) > 0 && s.ctx.Err() != nil {
		return silent, errAgain // acknowledgements may have been sent while this replica was not subscribed
	}
	if err := w.lookAgain(s, look); err != nil {
		return silent, err
	}
	w.metrics.acknowledged.Add(uint64(len(members) - len(missing)))
	if len(missing) > 0 {
		if err := w.evict(s, missing); err != nil {
			return silent, errAgain // the members may go on renewing their leases
		}
		leases = w.Now() + int64(w.Lease)
	}
	time.Sleep(time.Duration(leases - w.Now()))
	return silent, w.watch.passGate()
}

// lookAgain takes the last look: it returns errAgain if the epoch in the database is not that of the announcement. Then
// there may be replicas, on another Redis maybe, that are not on the list of members and have heard nothing.
func (w *writes) lookAgain(s *session, look *look) error {
	state, err := w.looks.await(look)
	if err != nil || state.SameEpoch(s.epoch) || broken.Look {
		return err
	}
	w.watch.read()
	w.members.end(s, errEpoch)
	return errAgain
}

// evict evicts the members who have not acknowledged, so that they cannot renew.
func (w *writes) evict(s *session, missing map[string]string) error {
	w.metrics.timedOut.Add(uint64(len(missing)))
	return s.insist(func() error {
		ctx, cancel := w.bounded(context.Background())
		defer cancel()
		return s.evict(ctx, evicted, missing)
	})
}
