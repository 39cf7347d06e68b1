package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// membership is this replica's sessions, one after the other.
type membership struct {
	part
	watch   *watch     // it follows the epoch
	lease   *lease     // each session begins it, and ends it
	gate    *gate      // an incarnation that is new to this replica shuts it
	evicted *evictions // members who may still have a lease
	room    *room      // whether Redis has room for fills
	// wake is called when a fill that this replica may wait for has ended.
	wake func(waiters string)

	// away is set while Redis does not answer: from a renewal that is missed to one that comes through. Any other
	// command may be late for reasons of its own.
	away atomic.Bool

	bumped int64 // when this replica last bumped the epoch because of Redis' run
	sought State // what was known before the connections to Redis were made
	past   past

	session atomic.Pointer[session] // nil while there is none; changed under mu

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when the session or the epoch changes
	lastInc Token
}

func newMembership(p part, watch *watch, lease *lease, gate *gate, wake func(string)) *membership {
	return &membership{
		part: p, watch: watch, lease: lease, gate: gate, wake: wake,
		evicted: newEvictions(p), room: &room{part: p}, changed: make(chan struct{}),
	}
}

// current returns the session, or nil, and what is closed when there is another or the epoch has moved.
func (m *membership) current() (*session, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.session.Load(), m.changed
}

// ready returns the session, or nil while there is none or Redis is away.
func (m *membership) ready() *session {
	if m.away.Load() {
		return nil
	}
	return m.session.Load()
}

// await waits for a session, unless Redis is known to be away. It returns nil when none came in time.
func (m *membership) await(timeout time.Duration) *session {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		s, changed := m.current()
		switch {
		case m.away.Load():
			return nil
		case s != nil:
			return s
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil
		case <-m.ctx.Done():
			return nil
		}
	}
}

// moved ends the session, since the epoch has moved.
func (m *membership) moved() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.session.Load(); s != nil {
		m.endLocked(s, errEpoch)
	}
	m.changeLocked()
}

// end takes the right to answer from a session at once; its goroutines end soon after.
func (m *membership) end(s *session, cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(s, cause)
}

func (m *membership) endLocked(s *session, cause error) {
	s.end(cause)
	if m.session.CompareAndSwap(s, nil) {
		m.lease.end()
		m.changeLocked()
	}
}

// changeLocked wakes those who wait on current.
func (m *membership) changeLocked() {
	close(m.changed)
	m.changed = make(chan struct{})
}

var (
	errClosed = errors.New("the replica is closing")
	// errUnknownEpoch is a database that has not been reached yet, which watch speaks of.
	errUnknownEpoch = errors.New("the epoch is not known yet")
	errTakingOver   = errors.New("the epoch names another run of Redis, or an older release: it is bumped")
)

// retryEvery returns how long a replica waits between two tries to begin a session.
func (m *membership) retryEvery() time.Duration { return m.Lease / 20 }

// run begins a session, and the next when it ends.
func (m *membership) run() {
	var r *run
	var logged string
	for m.ctx.Err() == nil {
		if r == nil || r.gone.Load() {
			if r != nil {
				r.close()
			}
			r = newRun(m.options())
		}
		s, bus, err := m.begin(r)
		if err != nil {
			err = m.explainAccess(err)
			if text := err.Error(); text != logged && m.ctx.Err() == nil && !errors.Is(err, errUnknownEpoch) &&
				!errors.Is(err, errTakingOver) {
				logged = text
				m.Logger.Warn("cache: no session with Redis, nothing is answered from the cache", "err", err)
			}
			_, changed := m.current()
			select {
			case <-m.ctx.Done():
			case <-changed:
			case <-time.After(m.retryEvery()):
			}
			continue
		}
		logged = ""
		err = s.run(bus)
		m.past.leave(s.names.epoch, s.inc, s.known(), errors.Is(err, errWentBack))
		m.leaveBehind(s.epoch, err)
		m.Logger.Info("cache: session ended", "member", s.member, "why", err)
	}
	if r != nil {
		r.close()
	}
}

// begin subscribes first, then reads the marks, and then registers, so that nothing between these is missed.
func (m *membership) begin(r *run) (*session, *redis.PubSub, error) {
	state, known := m.watch.current()
	if !known {
		return nil, nil, errUnknownEpoch
	}
	if state.Wire > Wire {
		return nil, nil, fmt.Errorf("a newer release has taken over with wire format %d", state.Wire)
	}
	if err := m.reach(r, state); err != nil {
		m.away.Store(true) // until a session begins; no write waits for one
		return nil, nil, err
	}
	if err := m.takeOver(r, state); err != nil {
		return nil, nil, err
	}
	s := newSession(m, r, state)
	bus, err := s.subscribe()
	if err == nil {
		s.marks, err = s.readMarks()
	}
	if err == nil {
		err = s.register()
	}
	if err == nil {
		err = m.open(s)
	}
	if err != nil {
		s.end(err)
		if bus != nil {
			bus.Close()
		}
		s.leave()
		m.leaveBehind(s.epoch, err)
		return nil, nil, err
	}
	return s, bus, nil
}

// reach connects to Redis, and looks whether it lets this replica do what it has to and, once for each run, whether it
// has room.
func (m *membership) reach(r *run, state State) error {
	if r.id.Load() == nil {
		m.sought = state // no connection was made yet
	}
	if err := m.checkAccess(r, m.names(state)); err != nil {
		return err
	}
	if !r.looked {
		r.looked = true
		m.room.look(r)
	}
	return nil
}

// leaveBehind bumps the epoch when Redis went back in time in it, so that nothing that Redis has counts any more.
// Should that fail, no session begins until it has been bumped: see past.
func (m *membership) leaveBehind(epoch State, cause error) {
	if !errors.Is(cause, errWentBack) {
		return
	}
	m.watch.read() // another replica may have bumped it
	if state, known := m.watch.current(); known && !state.SameEpoch(epoch) {
		return
	}
	m.Logger.Warn("cache: all replicas leave behind what Redis has", "why", cause)
	if _, err := m.watch.bump(State{Wire: Wire}); err != nil {
		m.Logger.Warn("cache: begin anew", "err", err)
	}
}

// takeOver bumps the epoch where it does not name the run of the server that this replica has reached, or
// names an older wire format. Replicas that reach different servers would take turns: each waits for a
// lease in between. Before it does, it connects anew, since old connections may lead to a server that was the primary.
func (m *membership) takeOver(r *run, state State) error {
	if broken.Epoch || state.Wire == Wire && state.Run == m.place(r.id.Load().name) {
		return nil
	}
	if m.sought != state {
		r.gone.Store(true)
		return errTakingOver
	}
	if now := m.Now(); m.bumped == 0 || now-m.bumped > int64(m.Lease) {
		m.watch.read() // another replica may have bumped it
		if again, _ := m.watch.current(); again == state {
			m.bumped = now
			if _, err := m.watch.bump(State{Wire: Wire, Run: m.place(r.id.Load().name)}); err != nil {
				return err
			}
		}
	}
	return errTakingOver
}

// overtaken returns an error about a state that does not come before the ledger's, as this replica has read it: the
// ledger was read before it was bumped, or the database has gone back since.
func (m *membership) overtaken(epoch, token string) error {
	number, err := strconv.ParseUint(epoch, 10, 64)
	if err != nil {
		return err
	}
	m.watch.read()
	if state, known := m.watch.current(); known && !state.Follows(State{Epoch: number, Token: token}) {
		_, err = m.watch.bump(State{Epoch: number + 1, Wire: Wire})
	}
	return errors.Join(errEpoch, err)
}

// open makes a session that has registered the current one, unless the epoch has moved meanwhile. Should it move now,
// moved comes after, and ends the session.
func (m *membership) open(s *session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if state, known := m.watch.current(); !known || !state.SameEpoch(s.epoch) {
		return errEpoch
	}
	if s.inc != m.lastInc && !s.old {
		// Members of the incarnation before may still have leases.
		m.gate.shut()
	}
	m.lastInc = s.inc
	if broken.Marks {
		s.marks.list = nil
	}
	s.zero, s.marks.list = m.Fences.Adopt(s.marks.seq, s.marks.list), nil
	s.echoed = m.Now()
	m.session.Store(s)
	m.away.Store(false)
	m.lease.begin()
	m.changeLocked()
	m.metrics.sessions.Inc()
	m.Logger.Info("cache: session", "member", s.member, "epoch", s.epoch.Name())
	return nil
}
