package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

// session is a replica's membership in one incarnation of the cluster's state, and the bus connection
// that goes with it. A replica that is not sure that it has heard everything ends its session; what is
// near is gone with it.
type session struct {
	part       // its ctx ends with the session, at the latest with the replica
	end        context.CancelCauseFunc
	membership *membership // the membership that owns the session

	redis  *run
	epoch  State
	names  names
	inc    Token
	old    bool // the incarnation is older than any lease of the one before
	member string
	values string        // prefix of the keys of values
	zero   fence.Stamp   // the clock of this replica's fences at the bus's number 0
	marks  marks         // marks of the incarnation when the session began
	seen   atomic.Uint64 // the number of the last message read
	past   bool          // all messages from before the registration have been read; the listener's alone
	acks   *acks

	announced atomic.Uint64 // the highest number of this replica's own announcements, as far as it has heard

	mu      sync.Mutex
	asked   map[uint64]int64  // when each renewal that has no echo yet was sent
	echoed  int64             // when the last echo was heard
	renewed int64             // when the last renewal that came through was sent
	missed  int64             // when the last that was missed was
	news    chan struct{}     // closed and replaced whenever one of these changes
	due     map[string]uint64 // acknowledgements to send: a writer's newest
	dueNow  chan struct{}
}

func newSession(m *membership, r *run, state State) *session {
	s := &session{
		part: m.part, membership: m, redis: r, epoch: state, names: m.names(state),
		member: m.Replica + "." + newToken().String()[:16],
		acks:   newAcks(), asked: map[uint64]int64{}, due: map[string]uint64{}, dueNow: make(chan struct{}, 1),
		news: make(chan struct{}),
	}
	s.ctx, s.end = context.WithCancelCause(m.ctx)
	return s
}

// failed counts a command that Redis did not answer in time, or refused. Renewals decide whether it is away.
func (s *session) failed(err error) {
	if !errors.Is(err, context.Canceled) {
		s.metrics.errors.Inc()
		s.membership.room.note(err)
	}
}

func (s *session) stamp(seq uint64) fence.Stamp { return s.zero + fence.Stamp(seq) }

var errSilent = errors.New("the bus is silent")

func (s *session) subscribe() (*redis.PubSub, error) {
	ctx, cancel := s.bounded(s.ctx)
	defer cancel()
	bus := s.redis.control.Subscribe(ctx, s.names.bus(), s.names.inbox(s.member))
	for range 2 {
		if _, err := bus.ReceiveTimeout(ctx, s.Timeout); err != nil {
			return bus, fmt.Errorf("subscribe: %w", err)
		}
	}
	return bus, nil
}

// register makes the replica a member, for whom writers wait from here on.
func (s *session) register() error {
	ctx, cancel := s.bounded(s.ctx)
	defer cancel()
	fresh := newToken()
	if broken.Token {
		fresh = Token{}
	}
	id := "any"
	if !broken.Epoch {
		id = s.place(s.redis.id.Load().name)
	}
	word, rest, err := call(ctx, s.redis.control, openScript, s.names.stateAndMembers(),
		s.epoch.Epoch, id, s.Lease.Milliseconds(), fresh.String(), s.member, s.epoch.Token, s.epoch.Ledger,
		s.redis.history())
	switch {
	case err != nil:
		return fmt.Errorf("register: %w", err)
	case word == "foreign":
		return s.foreign(rest.text(0))
	case word == "moved":
		return s.membership.overtaken(rest.text(0), rest.text(1))
	case word == "lease":
		return fmt.Errorf("the other replicas have a lease of %s ms, this one %d: set the same cluster.Config.Lease "+
			"everywhere", rest.text(0), s.Lease.Milliseconds())
	}
	if s.inc, err = parseToken(rest.text(0)); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	seq, err := strconv.ParseUint(rest.text(1), 10, 64)
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	past := &s.membership.past
	if err = past.enter(s.names.epoch, s.inc, seq); err == nil {
		s.marks, err = s.marks.of(s.inc, seq, s.inc == fresh)
	}
	if err != nil {
		past.leave(s.names.epoch, s.inc, seq, errors.Is(err, errWentBack))
		return fmt.Errorf("register: %w", err)
	}
	s.old = isOld(rest.members(2))
	s.seen.Store(s.marks.seq)
	s.values = s.name("v", "")
	return nil
}

// isOld reports whether a member has renewed so often that the incarnation is older than any lease of
// the one before: a beat lies between two renewals, and five beats are a lease. It has passed its own gate then: time
// alone proves nothing, since a database that was away meanwhile counted as a contact for members of the one before.
func isOld(members map[string]string) bool {
	for _, renewals := range members {
		if n, err := strconv.Atoi(renewals); err == nil && n > 6 {
			return true
		}
	}
	return false
}

// known returns the highest number of the incarnation that this session has seen.
func (s *session) known() uint64 { return max(s.seen.Load(), s.announced.Load()) }

// raise raises a number to another, if that is higher.
func raise(number *atomic.Uint64, to uint64) {
	for {
		old := number.Load()
		if old >= to || number.CompareAndSwap(old, to) {
			return
		}
	}
}

// run runs a session until it ends, and returns why.
func (s *session) run(bus *redis.PubSub) error {
	var tasks sync.WaitGroup
	tasks.Go(func() { s.listen(bus) })
	tasks.Go(s.renew)
	tasks.Go(s.acknowledge)
	tasks.Go(func() { s.redis.warm(s.ctx) })
	<-s.ctx.Done()
	s.membership.end(s, context.Cause(s.ctx))
	bus.Close()
	tasks.Wait()
	s.leave()
	return context.Cause(s.ctx)
}
