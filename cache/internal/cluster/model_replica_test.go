//go:build !race

package cluster

import (
	"context"
	"errors"
	"slices"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
)

// replicaModel is one life of a replica. Its decisions are the code's own where they can be called: the fences, the
// lease, the gate, the contacts, the evictions, the acknowledgements.
type replicaModel struct {
	*process
	*model
	part
	name string
	dies bool // after its next commit

	lease    *lease
	gate     *gate
	evicted  *evictions
	contacts contacts
	changed  signal // the session or the epoch

	// Redis.
	redis      *redisModel // where new connections lead
	wayToRedis way
	session    *sessionModel
	away       bool
	bumped     int64
	lastInc    int    // the incarnation of the last session
	lastKnown  uint64 // the highest number of which this replica knows there
	spoiled    string // an epoch in which Redis has gone back
	left       []int  // incarnations that it has left for another
	woken      signal // a fill has ended

	// The database.
	wayToDatabase way
	databases     []*databaseLink
	demoted       bool // the server that answered last takes no writes
	reading       lock
	state         State
	known         bool
	carrying      map[int]bool
	alone         int64 // until when nobody takes what is handed over

	near    [keyCount]*entryModel
	flights [keyCount]*flightModel
}

func (m *model) startReplica(name string) *replicaModel {
	p := &process{rate: m.rate(), offset: m.between(0, 1<<30) - m.now}
	r := &replicaModel{process: p, model: m, name: name, lease: &lease{}, carrying: map[int]bool{}, redis: m.redis[0]}
	p.offset -= m.now * (p.rate - 1000) / 1000
	config := m.config
	config.Now = func() int64 { return m.now*p.rate/1000 + p.offset + 1<<40 }
	config.Fences = m.table(len(m.lives))
	r.part = part{Config: &config, ctx: context.Background()}
	r.gate, r.evicted = newGate(r.part), newEvictions(r.part)
	m.lives = append(m.lives, r)
	m.start(p, r.watch)
	m.start(p, r.membership)
	return r
}

// rate returns a clock's: one may go a tenth slower than another.
func (m *model) rate() int64 {
	if m.oneIn(2) {
		return 956 + m.draw.Int64N(89)
	}
	return 956 + 88*m.draw.Int64N(2)
}

func (r *replicaModel) usableModel() int64 {
	if r.model.off(ruleMargin) {
		return int64(r.Lease)
	}
	return r.usable()
}

func (r *replicaModel) isLive(now int64) bool {
	return r.lease.holds(now) || r.model.off(ruleLease) && r.known
}

func (r *replicaModel) ready() *sessionModel {
	if r.away {
		return nil
	}
	return r.session
}

// watch reads the ledger at every beat.
func (r *replicaModel) watch(t *task) {
	for {
		r.readLedger(t)
		t.sleep(int64(r.beat()))
	}
}

// readLedger is watch.read.
func (r *replicaModel) readLedger(t *task) {
	t.lock(&r.reading)
	asked := r.Now()
	timeout := int64(r.Lease) / 2
	if r.contacts.silent(asked, r.Lease) {
		timeout = int64(r.Lease) / 4
	}
	var state State
	var left []recordModel
	err := r.onDatabase(t, timeout, func(c *databaseLink, timeout int64) error {
		both := !t.oneIn(4) // the two statements right after each other
		err := t.ask(c.link, timeout, func() {
			if state = c.server.rows.state; both {
				left = c.server.due(int64(r.grace()))
			}
		})
		if both || err != nil {
			return err
		}
		return t.ask(c.link, timeout, func() { left = c.server.due(int64(r.grace())) })
	})
	r.take(t, asked, state, left, err)
	t.unlock(&r.reading)
}

// take takes a reading over.
func (r *replicaModel) take(t *task, asked int64, state State, left []recordModel, err error) {
	if errors.Is(err, errNoAnswer) {
		err = context.DeadlineExceeded
	}
	held := r.lease.hasDatabase(r.Now()) // when the answer came, whenever it was asked for
	if err == nil && r.downwards(state) {
		r.contacts.broken = asked
		state, err = r.bumpRow(t, State{Epoch: r.state.Epoch + 1})
	}
	was := r.contacts.broken
	if r.model.off(ruleOverlap) && errors.Is(err, ErrUnreachable) {
		r.contacts.refusing = asked - overlap(r.Lease)
	}
	unreachable := r.contacts.note(asked, r.Now(), held || r.model.off(ruleContinues), err, r.Lease)
	if r.model.off(ruleOverlap) && err == nil {
		r.contacts.broken = was
	}
	if unreachable && !held && asked-r.contacts.answered > silentFor*int64(r.Lease) {
		// it has reached only Redis for long, while others reached the database: that is not promised
		r.model.outside = true
	}
	if err == nil {
		r.learn(state)
		r.gate.passBy(asked, r.contacts.broken)
	}
	byTheDead := slices.ContainsFunc(left, func(record recordModel) bool { return !record.handedOver }) &&
		!r.model.off(ruleDue)
	if err == nil && (held || !byTheDead) || unreachable && r.known {
		if r.model.off(ruleAsked) {
			asked = r.Now()
		}
		r.lease.extendDatabase(asked + r.usableModel())
	}
	if !r.model.off(ruleOutbox) {
		r.carryOutLeft(left)
	}
}

// due returns the records that are older than grace, and those that were handed over.
func (d *databaseModel) due(grace int64) (left []recordModel) {
	for _, record := range d.rows.records {
		if record.handedOver && record.progress != CarriedOut ||
			!record.handedOver && record.recorded < d.model.now-grace {
			left = append(left, record)
		}
	}
	return left
}

// downwards reports whether a state is not one that comes after what this replica knows.
func (r *replicaModel) downwards(state State) bool {
	switch {
	case !r.known, state.Follows(r.state):
		return false
	case state.Epoch == r.state.Epoch:
		return !r.model.off(rulePair)
	}
	return !r.model.off(ruleDownwards)
}

// learn is watch.learn.
func (r *replicaModel) learn(state State) {
	if r.known && state == r.state {
		return
	}
	r.model.say("%s learns epoch %v", r.name, state)
	if r.known && !r.model.off(ruleGate) {
		r.gate.shut()
	}
	r.state, r.known = state, true
	if s := r.session; s != nil {
		s.end()
	}
	r.fire(&r.changed)
}

// bumpRow bumps the epoch, to that of least or above.
func (r *replicaModel) bumpRow(t *task, least State) (state State, err error) {
	token := "t" + decimal(r.model.unique())
	err = r.change(t, int64(r.Lease)/2, func(d *rows) {
		d.state.Epoch = max(d.state.Epoch+1, least.Epoch)
		if d.state.Token = token; r.model.off(rulePair) {
			d.state.Token = ""
		}
		if least.Run != "" {
			d.state.Run = least.Run
		}
		d.bumps = append(d.bumps, token)
		state = d.state
		r.model.say("%s bumps to %v", r.name, state)
	})
	return state, err
}

// bump models watch.bump.
func (r *replicaModel) bump(t *task, least State) (state State, err error) {
	until := r.Now() + int64(r.Lease)
	for {
		t.lock(&r.reading)
		past := least
		past.Epoch = max(least.Epoch, r.state.Epoch+1)
		if state, err = r.bumpRow(t, past); err == nil {
			r.learn(state)
			r.gate.shut()
		}
		t.unlock(&r.reading)
		if err == nil || r.Now() > until {
			return state, err
		}
		t.sleep(int64(r.Lease) / 20)
	}
}

// awaitBumped models watch.awaitBumped.
func (r *replicaModel) awaitBumped(t *task, bumped State) (State, error) {
	if r.model.off(ruleWait) {
		return bumped, nil
	}
	err := AwaitBumped(func() bool {
		began := r.Now()
		r.awaitGate(t)
		r.readLedger(t)
		known := r.contacts.unbroken(began) || r.model.off(ruleUnbroken)
		if known && !r.model.off(ruleLineage) {
			known = r.survives(t, bumped)
		}
		if known = known && r.state.Epoch >= bumped.Epoch; !known {
			bumped = r.state
			r.gate.shut()
		}
		return known
	})
	return bumped, err
}

// survives reports whether a bump is in the history of the database that is there now.
func (r *replicaModel) survives(t *task, bumped State) bool {
	var bumps []string
	err := r.onDatabase(t, int64(r.Lease)/2, func(c *databaseLink, timeout int64) error {
		return t.ask(c.link, timeout, func() { bumps = c.server.rows.bumps })
	})
	return err == nil && (slices.Contains(bumps, bumped.Token) || r.model.off(rulePair))
}

func (r *replicaModel) awaitGate(t *task) { t.sleep(r.gate.until - r.Now()) }

// passGate waits until the gate has been shut for a lease through which the database was there: had it been
// unreachable, that would have counted as a contact for members of an epoch before, who have not read of another.
func (r *replicaModel) passGate(t *task) error {
	return AwaitBumped(func() bool {
		shut := r.gate.until
		r.awaitGate(t)
		if r.gate.isPassed(shut) || r.model.off(ruleOutage) {
			return true
		}
		r.readLedger(t)
		if !r.contacts.unbroken(shut - int64(r.Lease)) {
			r.gate.shut()
			return false
		}
		r.gate.pass(shut)
		return true
	})
}

// carryOutLeft is writes.carryOutLeft.
func (r *replicaModel) carryOutLeft(left []recordModel) {
	if r.ready() == nil {
		return
	}
	for _, record := range left {
		if r.carrying[record.id] {
			continue
		}
		r.carrying[record.id] = true
		if record.handedOver {
			r.start(r.process, func(t *task) { r.progress(t, record.id, Taken) })
		}
		r.start(r.process, func(t *task) {
			bump, err := r.settle(t, record.slots)
			// One that waits is not told of a bump: it would have to ask for it, too, before it forgets its own record.
			untold := record.handedOver && bump != "" && !r.model.off(ruleRemoval)
			if err == nil && !untold {
				r.remove(t, record.id, bump)
			}
			delete(r.carrying, record.id)
		})
	}
}

// remove forgets a record that has been carried out. One that was by a bump is forgotten only where that is known.
func (r *replicaModel) remove(t *task, id int, bump string) {
	t.sleep(t.between(0, removeEvery))
	_ = r.change(t, int64(r.Lease), func(d *rows) {
		if bump != "" && !slices.Contains(d.bumps, bump) && !r.model.off(ruleRemoval) {
			return
		}
		for i := range d.records {
			if d.records[i].id == id && d.records[i].handedOver {
				d.records[i].progress = CarriedOut // its writer waits to hear of it
				return
			}
		}
		d.forget(id)
	})
}

// progress notes how far a record that was handed over has come.
func (r *replicaModel) progress(t *task, id int, to Progress) {
	_ = r.change(t, int64(r.Lease), func(d *rows) {
		for i := range d.records {
			if record := &d.records[i]; record.id == id && record.handedOver && record.progress < to {
				record.progress = to
			}
		}
	})
}

func (d *rows) forget(id int) {
	d.records = slices.DeleteFunc(d.records, func(record recordModel) bool { return record.id == id })
}

// entryModel is a value that is kept near.
type entryModel struct {
	version int
	since   fence.Stamp
}

// flightModel is one load, and those who wait for it.
type flightModel struct {
	since   fence.Stamp
	ended   bool
	end     signal
	version int
	err     error
}

// slotsOf are the slots of each key's tags.
var slotsOf = [keyCount][]uint16{{0}, {1}}

// get returns what a read of a key is answered with.
func (r *replicaModel) get(t *task, key int) (version int, err error) {
	now := r.Now()
	if t.oneIn(3) {
		t.step()
	}
	if e := r.near[key]; r.isLive(now) && e != nil && (r.Fences.Holds(e.since, slotsOf[key]) || r.model.off(ruleNear)) {
		return e.version, nil
	}
	for {
		mayJoin := r.isLive(r.Now())
		if t.oneIn(3) {
			t.step()
		}
		f := r.flights[key]
		if f == nil {
			f = &flightModel{since: r.Fences.Now()}
			r.flights[key] = f
			r.runFlight(t, f, key)
			return f.version, f.err
		}
		joins := mayJoin && r.Fences.Holds(f.since, slotsOf[key]) || r.model.off(ruleJoin)
		for !f.ended {
			t.wait(&f.end, int64(5*r.Lease))
		}
		if joins {
			return f.version, f.err
		}
	}
}

// runFlight finds the value in Redis or loads it, and caches it.
func (r *replicaModel) runFlight(t *task, f *flightModel, key int) {
	e, lease := r.fetch(t, key)
	if e != nil {
		f.version = e.version
	} else {
		var keep bool
		if f.version, keep, f.err = r.load(t, key); keep {
			e = &entryModel{f.version, f.since}
		}
		if lease != nil {
			lease.end(t, key, f.version, keep)
		}
	}
	if e != nil {
		if r.Fences.Holds(e.since, slotsOf[key]) || r.model.off(ruleFence) {
			if r.model.off(ruleFence) {
				e.since = r.Fences.Now()
			}
			r.near[key] = e
		}
	}
	f.ended = true
	r.flights[key] = nil
	r.fire(&f.end)
}

// fillModel is a fill lease that this replica has.
type fillModel struct {
	s     *sessionModel
	token int
	fence uint64
}

func (l *fillModel) end(t *task, key, version int, keep bool) {
	v := stored{epoch: l.s.epoch(), key: key, inc: l.s.inc, fence: l.fence, version: version, id: l.token}
	if !keep {
		v.id = 0
	}
	_ = l.s.call(t, func(r *redisModel) string { r.finish(l.s, v, l.token, slotsOf[key]); return "" })
}

// fetch looks a key up in Redis; where there is nothing it acquires the fill lease, or waits for who has it.
func (r *replicaModel) fetch(t *task, key int) (*entryModel, *fillModel) {
	for range fetchRounds {
		before := r.Fences.Now()
		s := r.ready()
		if s == nil {
			return nil, nil
		}
		found, seen, err := s.lookup(t, key, before)
		if err != nil || found != nil {
			return found, nil
		}
		l := &fillModel{s: s, token: r.model.unique()}
		var word string
		var left int64
		err = s.call(t, func(d *redisModel) string {
			word, l.fence, left = d.acquire(s, key, l.token, seen)
			return word
		})
		switch {
		case err != nil:
			return nil, nil
		case word == "lead":
			return nil, l
		case word == "wait":
			t.wait(&r.woken, left)
		}
	}
	return nil, nil
}

// lookup looks a key up in Redis, and checks the fence of what is there by this replica's own marks.
func (s *sessionModel) lookup(t *task, key int, before fence.Stamp) (found *entryModel, seen int, err error) {
	if !s.lease.holds(s.Now()) {
		return nil, 0, errNoLease
	}
	var v stored
	var there bool
	if err := s.call(t, func(r *redisModel) string { v, there = r.get(s, key); return "" }); err != nil || !there {
		return nil, 0, err
	}
	if v.inc != s.inc && !s.model.off(ruleToken) {
		return nil, v.id, nil
	}
	since := min(s.stamp(v.fence), before)
	if !s.Fences.Holds(since, slotsOf[key]) && !s.model.off(ruleNear) {
		return nil, v.id, nil
	}
	return &entryModel{v.version, since}, v.id, nil
}
