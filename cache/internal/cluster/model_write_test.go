//go:build !race

package cluster

import (
	"errors"
)

// write changes a key, and has it acknowledged when no replica can be answering what was before.
func (r *replicaModel) write(t *task, key int) {
	version, record := 0, 0
	slots := slotsOf[key]
	err := r.change(t, int64(r.Lease), func(d *rows) {
		version = r.model.unique()
		d.versions[key] = version
		r.model.committed = r.model.now
		record = d.newID(r.model)
		d.records = append(d.records, recordModel{id: record, slots: slots, recorded: r.model.now})
		r.model.say("%s commits version %d of key %d", r.name, version, key)
	})
	if err != nil {
		_, _ = r.settle(t, slots) // nobody knows whether it has been
		return
	}
	if r.dies {
		r.dies = false
		r.model.start(nil, func(t *task) { r.model.kill(t, r) })
		t.sleep(int64(r.Lease))
	}
	r.carrying[record] = true
	bump, err := r.settle(t, slots)
	if err == nil {
		r.model.acknowledged(key, version)
		r.remove(t, record, bump)
	}
	delete(r.carrying, record)
}

// settle models writes.carryOut, and waits for the end of it. It returns the bump that it took, if it took one.
func (r *replicaModel) settle(t *task, slots []uint16) (bump string, err error) {
	for try := 0; try < announceTries; {
		s := r.awaitSession(t)
		if s == nil {
			break
		}
		seq, members, err := s.announce(t, slots)
		if err == nil {
			again, err := s.conclude(t, seq, members)
			if !again {
				return "", err
			}
			try++
			continue
		}
		if !errors.Is(err, errLost) && !s.ended {
			if try++; r.away {
				break
			}
			continue
		}
		s.end()
		r.readLedger(t)
		try++
	}
	return r.fallBack(t, slots)
}

// awaitSession waits for a session, unless Redis is known to be away.
func (r *replicaModel) awaitSession(t *task) *sessionModel {
	until := r.Now() + int64(r.AckTimeout)
	for {
		switch {
		case r.away:
			return nil
		case r.session != nil:
			return r.session
		case r.Now() >= until:
			return nil
		}
		t.wait(&r.changed, until-r.Now())
	}
}

// announce announces the write to Redis. A number that is not above what was known before means that Redis has gone
// back.
func (s *sessionModel) announce(t *task, slots []uint16) (seq uint64, members map[string]string, err error) {
	s.model.say("%s announces %v", s.name, slots)
	known := s.known
	err = s.call(t, func(r *redisModel) (word string) {
		word, seq, members = r.invalidate(s, slots)
		return word
	})
	if err == nil && seq <= known && !s.model.off(ruleBack) {
		s.goneBack()
		err = errLost
	}
	if err == nil {
		s.knows(seq)
	}
	return seq, members, err
}

// conclude waits until all members have read an announcement, or can answer no more; then it looks at the epoch for
// the last time.
func (s *sessionModel) conclude(t *task, seq uint64, members map[string]string) (again bool, err error) {
	if s.model.off(ruleAck) {
		return false, nil
	}
	early := s.model.oneIn(2) // beside the acknowledgements, the look may come first or last
	if early {
		if again, err := s.look(t); again || err != nil {
			return again, err
		}
	}
	over := s.evicted.takeOff(members)
	if s.model.off(ruleEvict) {
		over = 0
	}
	until := s.Now() + int64(s.AckTimeout)
	missing := s.acks.missing(members, seq)
	for len(missing) > 0 && !s.ended && s.Now() < until {
		t.wait(&s.acked, until-s.Now())
		missing = s.acks.missing(members, seq)
	}
	if len(missing) > 0 && s.ended {
		return true, nil
	}
	if len(missing) > 0 {
		err := s.call(t, func(r *redisModel) string { return r.evict(s, evicted, missing) })
		if err != nil && !errors.Is(err, errLost) {
			return true, nil // they may go on renewing
		}
		over = s.Now() + int64(s.Lease)
	}
	t.sleep(over - s.Now())
	if !s.model.off(ruleGate) {
		if err := s.passGate(t); err != nil {
			return false, err
		}
	}
	if !early {
		again, err = s.look(t)
	}
	return again, err
}

// lookTries is how often the epoch is asked for before a write is given up.
const lookTries = 3

// look reads the epoch once more: it has to be the session's.
func (s *sessionModel) look(t *task) (moved bool, err error) {
	if s.model.off(ruleLook) {
		return false, nil
	}
	for range lookTries {
		var state State
		err = s.onDatabase(t, int64(s.Lease)/2, func(c *databaseLink, timeout int64) error {
			return t.ask(c.link, timeout, func() { state = c.server.rows.state })
		})
		if err == nil {
			if state.Name() == s.state.Name() {
				return false, nil
			}
			s.readLedger(t)
			s.end()
			return true, nil
		}
	}
	return false, err
}

// fallBack hands a write whose invalidation cannot reach Redis over to others, or bumps the epoch.
func (r *replicaModel) fallBack(t *task, slots []uint16) (bump string, err error) {
	if r.model.off(ruleEpoch) {
		return "", nil
	}
	if r.Now() >= r.alone {
		switch r.handOver(t, slots) {
		case CarriedOut:
			return "", nil
		case Waiting:
			r.alone = r.Now() + aloneLeases*int64(r.Lease)
		}
	}
	bumped, err := r.bump(t, State{})
	if err == nil {
		bumped, err = r.awaitBumped(t, bumped)
	}
	return bumped.Token, err
}

// handOver makes a record for others to carry out, and returns how far it has come when it has come no further in time.
func (r *replicaModel) handOver(t *task, slots []uint16) Progress {
	id := 0
	err := r.change(t, int64(r.Lease)/2, func(d *rows) {
		id = d.newID(r.model)
		d.records = append(d.records, recordModel{id: id, slots: slots, handedOver: true})
	})
	if err != nil {
		return Waiting
	}
	progress, until := Waiting, r.Now()+int64(takenWithin(r.Lease))
	for r.Now() < until {
		t.sleep(int64(r.Lease) / 20)
		next := Waiting
		err := r.onDatabase(t, int64(r.Lease)/2, func(c *databaseLink, timeout int64) error {
			return t.ask(c.link, timeout, func() {
				for _, record := range c.server.rows.records {
					if record.id == id && record.handedOver {
						next = record.progress
					}
				}
			})
		})
		switch {
		case err != nil:
		case next == CarriedOut, next == Taken && r.model.off(ruleTaken):
			progress = CarriedOut
			until = 0
		case next == Taken && progress == Waiting:
			progress, until = Taken, r.Now()+takenLeases*int64(r.Lease)
		}
	}
	_ = r.change(t, int64(r.Lease)/4, func(d *rows) { d.forget(id) })
	return progress
}

// newID returns the number of a new record.
func (d *rows) newID(m *model) int {
	if !m.off(ruleUniqueIDs) {
		return m.unique()
	}
	d.nextID++
	return d.nextID
}
