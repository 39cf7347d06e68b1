//go:build !race

package cluster

import (
	"errors"
	"maps"
	"slices"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

var (
	errRefusedModel = errors.New("the server is a copy")
	errOtherEpoch   = errors.New("the epoch has moved")
)

// runModel is a replica's connections to one run of Redis.
type runModel struct {
	id    string
	gone  bool
	links []*redisLink
}

type redisLink struct {
	*link
	server *redisModel
}

// dial makes a connection, and checks that it leads to the run.
func (r *replicaModel) dial(t *task, run *runModel) (*redisLink, error) {
	server := r.redis
	if !server.up {
		t.step()
		return nil, errBroken
	}
	c := &redisLink{newLink(&server.host, &r.wayToRedis), server}
	var id string
	var copy bool
	identify := func() { id, copy = server.identity(), server.primary != nil }
	if err := t.ask(c.link, int64(r.Timeout), identify); err != nil {
		return nil, err
	}
	switch {
	case copy:
		return nil, errRefusedModel
	case run.id == "":
		run.id = id
	case run.id != id:
		run.gone = true
		return nil, errOtherRun
	}
	return c, nil
}

// redisConn returns a connection of a run: one that is there, or a new one.
func (r *replicaModel) redisConn(t *task, run *runModel) (*redisLink, error) {
	run.links = slices.DeleteFunc(run.links, func(c *redisLink) bool { return !c.works() })
	if len(run.links) > 0 && !t.oneIn(10) {
		return run.links[t.draw.IntN(len(run.links))], nil
	}
	c, err := r.dial(t, run)
	if err == nil {
		run.links = append(run.links[max(0, len(run.links)-2):], c)
	}
	return c, err
}

// sessionModel is session, with one task for each of its goroutines.
type sessionModel struct {
	*replicaModel
	run    *runModel
	bus    *busModel
	state  State
	inc    int
	old    bool
	member string
	first  uint64
	base   uint64
	seen   uint64 // the number of the last message read
	known  uint64 // the highest number of which this session knows in any way
	acks   *acks
	acked  signal // an acknowledgement has come, or the session has ended
	asked  map[uint64]int64
	echoed int64
	due    map[string]uint64
	dueNow signal
	opened bool
	ended  bool
}

func (s *sessionModel) epoch() string {
	if s.model.off(rulePair) {
		return State{Epoch: s.state.Epoch}.Name()
	}
	return s.state.Name()
}

func (s *sessionModel) stamp(seq uint64) fence.Stamp { return fence.Stamp(s.base + seq) }

// call runs a script on the session's Redis.
func (s *sessionModel) call(t *task, script func(*redisModel) string) error {
	c, err := s.redisConn(t, s.run)
	if err != nil {
		return err
	}
	var word string
	if err := t.ask(c.link, int64(s.Timeout), func() { word = script(c.server) }); err != nil {
		return err
	}
	switch word {
	case "lost":
		return errLost
	case "evicted":
		return errEvicted
	case "refused":
		return errRefusedModel
	}
	return nil
}

// membership begins a session, and the next when it ends.
func (r *replicaModel) membership(t *task) {
	run := &runModel{}
	for {
		if run.gone {
			run = &runModel{}
		}
		s, err := r.beginSession(t, run)
		if err != nil {
			t.wait(&r.changed, int64(r.Lease)/20)
			continue
		}
		for !s.ended {
			t.wait(&s.acked, int64(r.Lease))
		}
	}
}

func (r *replicaModel) beginSession(t *task, run *runModel) (*sessionModel, error) {
	if !r.known {
		return nil, errUnknownEpoch
	}
	state := r.state
	if state.Name() == r.spoiled && !r.model.off(ruleBack) {
		_, err := r.bump(t, State{})
		return nil, errors.Join(errOtherEpoch, err)
	}
	if err := r.takeOver(t, run, state); err != nil {
		return nil, err
	}
	s := &sessionModel{
		replicaModel: r, run: run, state: state, member: r.name + "." + decimal(r.model.unique()),
		acks: newAcks(), asked: map[uint64]int64{}, due: map[string]uint64{},
	}
	if err := s.subscribe(t); err != nil {
		return nil, err
	}
	if err := s.register(t); err != nil {
		return nil, err
	}
	marks, err := s.readMarks(t)
	if err != nil {
		return nil, err
	}
	if err := s.open(marks); err != nil {
		return nil, err
	}
	t.start(r.process, s.renewals)
	t.start(r.process, s.acknowledge)
	s.listen()
	return s, nil
}

func (r *replicaModel) takeOver(t *task, run *runModel, state State) error {
	if _, err := r.redisConn(t, run); err != nil {
		return err
	}
	if state.Run == run.id {
		return nil
	}
	if now := r.Now(); r.bumped == 0 || now-r.bumped > int64(r.Lease) {
		r.readLedger(t)
		if r.state == state {
			r.bumped = now
			if _, err := r.bump(t, State{Run: run.id}); err != nil {
				return err
			}
		}
	}
	return errTakingOver
}

func (s *sessionModel) subscribe(t *task) error {
	c, err := s.dial(t, s.run)
	if err != nil {
		return err
	}
	s.bus = &busModel{link: c.link, epoch: s.epoch(), member: s.member, session: s}
	return t.ask(c.link, int64(s.Timeout), func() {
		c.server.buses = slices.DeleteFunc(c.server.buses, func(b *busModel) bool { return !b.works() })
		c.server.buses = append(c.server.buses, s.bus)
	})
}

func (s *sessionModel) register(t *task) error {
	fresh := s.model.unique()
	if s.model.off(ruleToken) {
		fresh = 1
	}
	var word string
	var members map[string]string
	err := s.call(t, func(r *redisModel) string {
		word, s.inc, s.first, members = r.open(s, fresh)
		return word
	})
	if err != nil {
		return err
	}
	if word == "moved" {
		ahead := uint64(s.inc)
		s.readLedger(t)
		if s.replicaModel.state.Epoch < ahead {
			if _, err := s.bump(t, State{Epoch: ahead + 1}); err != nil {
				return err
			}
		}
		return errOtherEpoch
	}
	s.old = isOld(members)
	s.seen, s.known = s.first, s.first
	if s.wentBack() {
		s.spoiled = s.state.Name()
		_, err := s.bump(t, State{})
		return errors.Join(errOtherEpoch, err)
	}
	return nil
}

// wentBack reports whether a replica that has registered finds less than it knew: a lower number in the incarnation
// of its last session, or one that it had left already for another.
func (s *sessionModel) wentBack() bool {
	r := s.replicaModel
	if r.model.off(ruleBack) {
		return false
	}
	return s.inc == r.lastInc && s.first < r.lastKnown || s.inc != r.lastInc && slices.Contains(r.left, s.inc)
}

// readMarks reads the marks in Redis, which are looked through in no certain order, and sees that it was one
// incarnation all the time.
func (s *sessionModel) readMarks(t *task) (marks [slotCount]uint64, err error) {
	for slot := range marks {
		if err := s.call(t, func(r *redisModel) string { marks[slot] = r.data.marks[slot]; return "" }); err != nil {
			return marks, err
		}
	}
	var inc int
	var clock uint64
	err = s.call(t, func(r *redisModel) string { inc, clock = r.data.inc, r.data.clock; return "" })
	if err == nil && (inc != s.inc || clock < s.first) {
		err = errLost
	}
	return marks, err
}

// open makes a session that has registered the current one.
func (s *sessionModel) open(marks [slotCount]uint64) error {
	r := s.replicaModel
	if r.state != s.state {
		return errOtherEpoch
	}
	if s.inc != r.lastInc && !s.old && !r.model.off(ruleGate) {
		r.gate.shut()
	}
	if s.inc != r.lastInc {
		r.left = append(r.left, r.lastInc)
	}
	r.lastInc, r.lastKnown = s.inc, max(s.first, r.lastSeqKnownIn(s.inc))
	var list []fence.Mark
	for slot, mark := range marks {
		if mark > 0 && !r.model.off(ruleMarks) {
			list = append(list, fence.Mark{Slot: uint16(slot), At: mark})
		}
	}
	s.base = uint64(r.Fences.Adopt(s.first, list))
	s.echoed = r.Now()
	r.session, s.opened = s, true
	r.away = false
	r.lease.begin()
	r.fire(&r.changed)
	r.model.say("%s begins session %s in %d from %d, epoch %s, on %s", r.name, s.member, s.inc, s.first,
		s.epoch(), s.run.id)
	return nil
}

// lastSeqKnownIn returns the highest sequence number that the replica knows of incarnation inc, or 0.
func (r *replicaModel) lastSeqKnownIn(inc int) uint64 {
	if inc == r.lastInc {
		return r.lastKnown
	}
	return 0
}

// end ends the session. With it goes the right to answer.
func (s *sessionModel) end() {
	if s.ended {
		return
	}
	s.ended = true
	s.model.say("%s ends session %s", s.name, s.member)
	s.bus.cuts-- // it is closed
	r := s.replicaModel
	if r.session == s {
		r.session = nil
		r.lease.end()
		r.fire(&r.changed)
	}
	r.fire(&s.acked)
	r.fire(&s.dueNow)
}

// knows takes note of a number.
func (s *sessionModel) knows(seq uint64) {
	s.known = max(s.known, seq)
	if r := s.replicaModel; r.lastInc == s.inc {
		r.lastKnown = max(r.lastKnown, seq)
	}
}

// goneBack ends a session in which Redis has gone back, and bumps the epoch.
func (s *sessionModel) goneBack() {
	if s.ended {
		return
	}
	s.model.say("%s sees that Redis went back", s.name)
	s.spoiled = s.state.Name()
	s.end()
	s.fire(&s.changed)
	if s.model.off(ruleBack) {
		s.start(s.process, func(t *task) { _, _ = s.bump(t, State{}) })
	}
}

// listen reads what has come in over the bus, one message at a time.
func (s *sessionModel) listen() {
	b := s.bus
	if !s.opened || s.ended || b.reading || len(b.inbox) == 0 {
		return
	}
	b.reading = true
	s.after(s.draw.Int64N(100_000), s.process, func() {
		b.reading = false
		if s.ended {
			return
		}
		m := b.inbox[0]
		b.inbox = b.inbox[1:]
		s.hear(m)
		s.listen()
	})
}

func (s *sessionModel) hear(m messageModel) {
	switch {
	case m.kind == 'w':
		s.fire(&s.woken)
		return
	case m.inc != s.inc:
		s.end()
		return
	}
	switch m.kind {
	case 'i':
		s.hearInvalidation(m)
	case 'a':
		s.acks.hear(m.who, m.number)
		s.knows(m.number)
		s.fire(&s.acked)
	case 'r':
		s.hearEcho(m.number, m.extra)
	}
}

func (s *sessionModel) hearInvalidation(m messageModel) {
	switch {
	case m.number <= s.first && s.seen == s.first:
		return // from before the registration
	case m.number <= s.seen:
		if !s.model.off(ruleBack) {
			s.goneBack()
		}
		return
	case m.number != s.seen+1:
		if !s.model.off(ruleGap) {
			s.end()
			return
		}
	}
	s.model.say("%s hears %d of slots %v", s.name, m.number, m.slots)
	s.Fences.InvalidateAt(s.stamp(m.number), m.slots)
	s.seen = m.number
	s.knows(m.number)
	switch m.who {
	case "":
	case s.member:
		s.acks.hear(s.member, m.number)
		s.fire(&s.acked)
	default:
		s.due[m.who] = m.number
		s.fire(&s.dueNow)
	}
}

// acknowledge publishes to writers what this replica has read.
func (s *sessionModel) acknowledge(t *task) {
	for !s.ended {
		if len(s.due) == 0 {
			t.wait(&s.dueNow, int64(s.Lease))
			continue
		}
		due := s.due
		s.due = map[string]uint64{}
		_ = s.call(t, func(r *redisModel) string {
			if r.primary != nil {
				return "refused"
			}
			for _, writer := range slices.Sorted(maps.Keys(due)) {
				r.toInbox(writer, messageModel{kind: 'a', inc: s.inc, number: due[writer], who: s.member})
			}
			return ""
		})
	}
}

// renewals asks for the lease at every beat.
func (s *sessionModel) renewals(t *task) {
	others := map[string]other{}
	for renewal := uint64(1); !s.ended; renewal++ {
		if s.Now()-s.echoed >= 2*int64(s.Lease) {
			s.end()
			return
		}
		asked := s.Now()
		s.asked[renewal] = asked
		var members map[string]string
		err := s.call(t, func(r *redisModel) (word string) {
			word, members = r.renew(s, renewal)
			return word
		})
		switch {
		case errors.Is(err, errLost), errors.Is(err, errEvicted), s.run.gone:
			s.end()
			return
		case err != nil:
			s.away = true
		default:
			s.evictDead(t, others, members)
		}
		t.sleep(int64(s.beat()))
	}
}

func (s *sessionModel) evictDead(t *task, others map[string]other, members map[string]string) {
	dead := map[string]string{}
	for member, renewal := range members {
		switch {
		case others[member].renewal != renewal:
			others[member] = other{renewal, s.Now()}
		case s.Now()-others[member].since > 2*int64(s.Lease):
			dead[member] = renewal
		}
	}
	s.evicted.takeOff(members)
	if len(dead) > 0 {
		_ = s.call(t, func(r *redisModel) string { return r.evict(s, offTheList, dead) })
	}
}

func (s *sessionModel) hearEcho(seq, renewal uint64) {
	switch {
	case seq < s.seen && !s.model.off(ruleBack):
		s.goneBack()
		return
	case seq != s.seen && !s.model.off(ruleGap):
		s.end()
		return
	}
	asked, found := s.asked[renewal]
	maps.DeleteFunc(s.asked, func(earlier uint64, _ int64) bool { return earlier <= renewal })
	s.echoed = s.Now()
	if !found {
		return
	}
	s.away = false
	if s.model.off(ruleAsked) {
		asked = s.Now()
	}
	if s.replicaModel.session == s {
		s.lease.extendRedis(asked + s.usableModel())
	}
}
