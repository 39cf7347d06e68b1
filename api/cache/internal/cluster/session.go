package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
	"github.com/woodytoys/woodytoys/api/cache/internal/fence"
)

// session is a replica's membership in one incarnation of the cluster's state, and the bus connection
// that goes with it. A replica that is not sure that it has heard everything ends its session; what is
// near is gone with it.
type session struct {
	node   *Node
	run    *run
	client *redis.Client
	gets   *gets
	epoch  uint64
	inc    Token
	member string
	values string        // what the names of values begin with
	base   uint64        // what to add to a number of the bus for a time of this replica's fences
	first  uint64        // the bus's number when the session began
	seen   atomic.Uint64 // the number of the last message read
	acks   *acks

	ctx context.Context
	end context.CancelCauseFunc

	mu     sync.Mutex
	asked  map[uint64]int64  // when each renewal that has no echo yet was sent
	echoed int64             // when the last echo was heard
	due    map[string]uint64 // acknowledgements to send: a writer's newest
	dueNow chan struct{}
}

func (s *session) bus() string                  { return fmt.Sprintf("woody:%d:%d:bus", Wire, s.epoch) }
func (s *session) inbox(member string) string   { return fmt.Sprintf("woody:%d:in:%s", Wire, member) }
func (s *session) stamp(seq uint64) fence.Stamp { return fence.Stamp(s.base + seq) }

var (
	errClosed = errors.New("the replica is closing")
	errSilent = errors.New("the bus is silent")
	// errUnknownEpoch is a database that has not been reached yet, which watch speaks of.
	errUnknownEpoch = errors.New("the epoch is not known yet")
)

// retryEvery is how long a replica waits between two tries to begin a session.
func (n *Node) retryEvery() time.Duration { return n.Lease / 20 }

// keepSession begins a session, and the next when it ends.
func (n *Node) keepSession() {
	var r *run
	var said string
	for n.ctx.Err() == nil {
		if r == nil || r.gone.Load() {
			if r != nil {
				r.client.Close()
			}
			r = newRun(n.options())
		}
		s, bus, err := n.begin(r)
		if err != nil {
			if text := err.Error(); text != said && n.ctx.Err() == nil && !errors.Is(err, errUnknownEpoch) && !errors.Is(err, errTakingOver) {
				said = text
				n.Logger.Warn("cache: no session with Redis, nothing is answered from the cache", "err", err)
			}
			_, changed := n.current()
			select {
			case <-n.ctx.Done():
			case <-changed:
			case <-time.After(n.retryEvery()):
			}
			continue
		}
		said = ""
		err = s.keep(bus)
		n.Logger.Info("cache: session ended", "member", s.member, "why", err)
	}
	if r != nil {
		r.client.Close()
	}
}

// begin subscribes first and registers then, so that no message between the two is missed.
func (n *Node) begin(r *run) (*session, *redis.PubSub, error) {
	n.mu.Lock()
	state, known := n.state, n.known
	n.mu.Unlock()
	if !known {
		return nil, nil, errUnknownEpoch
	}
	if state.Wire > Wire {
		return nil, nil, fmt.Errorf("a newer release has taken over with wire format %d", state.Wire)
	}
	if err := n.takeOver(r, state); err != nil {
		return nil, nil, err
	}
	s := &session{
		node: n, run: r, client: r.client, gets: &gets{client: r.client}, epoch: state.Epoch, member: n.Replica + "." + newToken().String()[:16],
		acks: newAcks(), asked: map[uint64]int64{}, due: map[string]uint64{}, dueNow: make(chan struct{}, 1),
	}
	s.ctx, s.end = context.WithCancelCause(n.ctx)
	bus, err := s.subscribe()
	if err == nil {
		err = s.open()
	}
	if err != nil {
		s.end(err)
		if bus != nil {
			bus.Close()
		}
		return nil, nil, err
	}
	return s, bus, nil
}

var errTakingOver = errors.New("the epoch names another run of Redis, or an older release: it is raised")

// takeOver raises the epoch where it does not name the run of the server that this replica has reached, or
// names an older wire format. Replicas that reach different servers would take turns: each waits for a
// lease in between.
func (n *Node) takeOver(r *run, state State) error {
	ctx, cancel := n.bounded(n.ctx)
	defer cancel()
	if err := r.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if broken.Epoch || state.Wire == Wire && state.Run == *r.id.Load() {
		return nil
	}
	if now := n.Now(); n.tookOver == 0 || now-n.tookOver > int64(n.Lease) {
		n.readLedger() // another may have done it
		n.mu.Lock()
		same := n.state == state
		n.mu.Unlock()
		if same {
			n.tookOver = now
			if _, err := n.raise(State{Wire: Wire, Run: *r.id.Load()}); err != nil {
				return err
			}
		}
	}
	return errTakingOver
}

func (s *session) subscribe() (*redis.PubSub, error) {
	ctx, cancel := s.node.bounded(s.ctx)
	defer cancel()
	bus := s.client.Subscribe(ctx, s.bus(), s.inbox(s.member))
	for range 2 {
		if _, err := bus.ReceiveTimeout(ctx, s.node.Timeout); err != nil {
			return bus, fmt.Errorf("subscribe: %w", err)
		}
	}
	return bus, nil
}

// open registers. From here on the replica is a member, and writers wait for it.
func (s *session) open() error {
	n := s.node
	ctx, cancel := n.bounded(s.ctx)
	defer cancel()
	fresh := newToken()
	if broken.Token {
		fresh = Token{}
	}
	id := "any"
	if !broken.Epoch {
		id = *s.run.id.Load()
	}
	word, rest, err := call(ctx, s.client, openScript, []string{stateKey, membersKey},
		s.epoch, id, n.Lease.Milliseconds(), fresh.String(), s.member)
	switch {
	case err != nil:
		return fmt.Errorf("register: %w", err)
	case word == "moved":
		return n.overtaken(rest.text(0))
	case word == "lease":
		return fmt.Errorf("the other replicas have a lease of %s ms, this one %d: set the same WOODY_CACHE_LEASE everywhere", rest.text(0), n.Lease.Milliseconds())
	}
	if s.inc, err = parseToken(rest.text(0)); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	if s.first, err = strconv.ParseUint(rest.text(1), 10, 64); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	s.seen.Store(s.first)
	s.values = s.name("v", "")

	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state.Epoch != s.epoch {
		return errEpoch
	}
	if s.inc != n.lastInc && !isOld(rest.members(2)) {
		// Members of the incarnation before may still have leases.
		n.gate.shut()
	}
	n.lastInc = s.inc
	s.base = uint64(n.Fences.InvalidateAll()) - s.first
	s.echoed = n.Now()
	n.session = s
	n.away.Store(false)
	n.lease.begin()
	n.changeLocked()
	n.metrics.sessions.Add(1)
	n.Logger.Info("cache: session", "member", s.member, "epoch", s.epoch)
	return nil
}

// isOld tells whether a member has renewed so often that the incarnation is older than any lease of
// the one before: a beat lies between two renewals, and five beats are a lease.
func isOld(members map[string]string) bool {
	for _, renewals := range members {
		if n, err := strconv.Atoi(renewals); err == nil && n > 6 {
			return true
		}
	}
	return false
}

// overtaken is a state of a later epoch than the ledger's: the ledger was read before it was raised, or
// the database was set back.
func (n *Node) overtaken(epoch string) error {
	ahead, err := strconv.ParseUint(epoch, 10, 64)
	if err != nil {
		return err
	}
	n.readLedger()
	n.mu.Lock()
	behind := n.state.Epoch < ahead
	n.mu.Unlock()
	if behind {
		_, err = n.raise(State{Epoch: ahead + 1, Wire: Wire})
	}
	return errors.Join(errEpoch, err)
}

// keep runs a session until it ends, and answers why.
func (s *session) keep(bus *redis.PubSub) error {
	var tasks sync.WaitGroup
	tasks.Go(func() { s.listen(bus) })
	tasks.Go(s.renew)
	tasks.Go(s.acknowledge)
	<-s.ctx.Done()
	s.node.mu.Lock()
	s.node.endLocked(s, context.Cause(s.ctx))
	s.node.mu.Unlock()
	bus.Close()
	tasks.Wait()
	if s.node.ctx.Err() != nil {
		s.leave()
	}
	return context.Cause(s.ctx)
}

// endLocked takes the right to answer from a session at once; its goroutines end soon after.
func (n *Node) endLocked(s *session, cause error) {
	s.end(cause)
	if n.session == s {
		n.session = nil
		n.lease.end()
		n.changeLocked()
	}
}
