//go:build !race

package cluster

import (
	"maps"
	"slices"
)

// slotCount is how many slots the model's tags have: one for each key.
const slotCount = 2

// dataset is what a Redis server holds. Incarnations are numbers; 0 is none.
type dataset struct {
	epoch string // of the state
	run   string
	inc   int
	clock uint64
	marks [slotCount]uint64

	membersInc int
	members    map[string]string

	values []stored
	fills  []filling
}

// stored is a value: its name is the epoch and the key.
type stored struct {
	epoch   string
	key     int
	inc     int
	fence   uint64
	version int
	id      int
}

// filling is a fill lease.
type filling struct {
	epoch string
	key   int
	token int
	until int64
}

func (d *dataset) clone() dataset {
	c := *d
	c.members, c.values, c.fills = maps.Clone(d.members), slices.Clone(d.values), slices.Clone(d.fills)
	return c
}

// redisModel is a Redis server.
type redisModel struct {
	host
	*model
	runID, replID int
	primary       *redisModel // the server that it copies; nil for a primary
	data          dataset
	buses         []*busModel
}

// identity returns the run, as a connection finds it.
func (r *redisModel) identity() string {
	if r.model.off(ruleBack) {
		return decimal(r.runID)
	}
	return decimal(r.runID) + "/" + decimal(r.replID)
}

// restart starts the server again, with what it finds on its disk.
func (r *redisModel) restart(data dataset) {
	r.up, r.life, r.data = true, r.life+1, data
	r.runID, r.replID = r.model.unique(), r.model.unique()
	r.buses = nil
}

// busModel is a bus connection, from the server's side and from the replica's.
type busModel struct {
	*link
	epoch   string
	member  string
	session *sessionModel
	last    int64 // when the last message arrives
	deaf    int64 // until when nothing arrives
	loses   bool  // the next invalidation does not arrive
	inbox   []messageModel
	reading bool
}

type messageModel struct {
	kind   byte // 'i', 'r', 'a', 'w' as in bus.go
	inc    int
	number uint64
	who    string // the writer, or the member who acknowledges
	extra  uint64 // the renewal's number
	slots  []uint16
	key    int
}

// publish sends a message to those who hear it, in order on each connection. A copy passes on what its primary says.
func (r *redisModel) publish(m messageModel, hears func(*busModel) bool) {
	for _, b := range r.buses {
		if !b.works() || !hears(b) {
			continue
		}
		b.last = max(b.last+1, b.deaf, b.by.silent, r.model.now+r.model.moment())
		r.model.after(b.last-r.model.now, nil, func() {
			switch {
			case !b.works():
			case b.loses && m.kind == 'i':
				b.loses = false
			default:
				b.inbox = append(b.inbox, m)
				b.session.listen()
			}
		})
	}
	for _, other := range r.model.redis {
		if other.primary == r && other.up {
			other.publish(m, hears)
		}
	}
}

func (r *redisModel) toBus(epoch string, m messageModel) {
	r.publish(m, func(b *busModel) bool { return b.epoch == epoch })
}

func (r *redisModel) toInbox(member string, m messageModel) {
	r.publish(m, func(b *busModel) bool { return b.member == member })
}

// lost reports whether a script finds another incarnation, or another run, than its caller's.
func (r *redisModel) lost(s *sessionModel) bool {
	if !r.model.off(ruleRun) && !r.model.off(ruleBack) && s.run.id != r.identity() {
		return true
	}
	return r.data.inc != s.inc && !r.model.off(ruleToken)
}

// The scripts. A word "refused" is a server that is a copy.

func (r *redisModel) open(s *sessionModel, fresh int) (word string, inc int, clock uint64, members map[string]string) {
	d := &r.data
	if r.primary != nil {
		return "refused", 0, 0, nil
	}
	if d.inc != 0 && d.run == s.run.id && epochNumber(d.epoch) > s.state.Epoch {
		return "moved", int(epochNumber(d.epoch)), 0, nil
	}
	if d.inc == 0 || d.epoch != s.epoch() || d.run != s.run.id || d.membersInc != d.inc {
		values, fills := d.values, d.fills
		*d = dataset{values: values, fills: fills, epoch: s.epoch(), run: s.run.id, inc: fresh, membersInc: fresh}
	}
	if d.members == nil {
		d.members = map[string]string{}
	}
	d.members[s.member] = "0"
	return "open", d.inc, d.clock, maps.Clone(d.members)
}

func (r *redisModel) renew(s *sessionModel, renewal uint64) (word string, members map[string]string) {
	d := &r.data
	switch {
	case r.primary != nil:
		return "refused", nil
	case r.lost(s) || d.membersInc != d.inc:
		return "lost", nil
	}
	if last, found := d.members[s.member]; !found || last == evicted {
		return "evicted", nil
	}
	d.members[s.member] = listed(renewal, s.gate)
	r.toInbox(s.member, messageModel{kind: 'r', inc: d.inc, number: d.clock, extra: renewal})
	return "renewed", maps.Clone(d.members)
}

func (r *redisModel) invalidate(s *sessionModel, slots []uint16) (word string, seq uint64, members map[string]string) {
	d := &r.data
	switch {
	case r.primary != nil:
		return "refused", 0, nil
	case r.lost(s) || d.membersInc != d.inc || d.inc == 0:
		return "lost", 0, nil
	}
	d.clock++
	r.model.say("%s announces %d of %v to %v", s.member, d.clock, slots, d.members)
	for _, slot := range slots {
		d.marks[slot] = d.clock
	}
	r.toBus(s.epoch(), messageModel{kind: 'i', inc: d.inc, number: d.clock, who: s.member, slots: slots})
	return "announced", d.clock, maps.Clone(d.members)
}

func (r *redisModel) evict(s *sessionModel, become string, members map[string]string) (word string) {
	d := &r.data
	switch {
	case r.primary != nil:
		return "refused"
	case r.lost(s):
		return "lost"
	}
	for member, renewal := range members {
		last, found := d.members[member]
		if !found || renewal != anyRenewal && renewal != last {
			continue
		}
		if become == offTheList {
			delete(d.members, member)
		} else {
			d.members[member] = become
		}
	}
	return "done"
}

// value returns the place of a key's value, or -1.
func (d *dataset) value(epoch string, key int) int {
	return slices.IndexFunc(d.values, func(v stored) bool { return v.epoch == epoch && v.key == key })
}

func (r *redisModel) get(s *sessionModel, key int) (v stored, found bool) {
	if i := r.data.value(s.epoch(), key); i >= 0 {
		return r.data.values[i], true
	}
	return stored{}, false
}

func (r *redisModel) acquire(s *sessionModel, key, token, seen int) (word string, fence uint64, left int64) {
	d := &r.data
	switch {
	case r.primary != nil:
		return "refused", 0, 0
	case r.lost(s):
		return "lost", 0, 0
	}
	id := 0
	if i := d.value(s.epoch(), key); i >= 0 {
		id = d.values[i].id
	}
	if id != seen {
		return "again", 0, 0
	}
	d.fills = slices.DeleteFunc(d.fills, func(f filling) bool { return f.until <= r.model.now })
	for _, f := range d.fills {
		if f.epoch == s.epoch() && f.key == key {
			return "wait", 0, f.until - r.model.now
		}
	}
	d.fills = append(d.fills, filling{s.epoch(), key, token, r.model.now + int64(s.FillLease)})
	return "lead", d.clock, 0
}

// finish stores a value, unless its id is 0, and frees the fill lease.
func (r *redisModel) finish(s *sessionModel, v stored, token int, slots []uint16) {
	d := &r.data
	if r.primary != nil {
		return
	}
	keep := v.id != 0 && !r.lost(s)
	for _, slot := range slots {
		keep = keep && (d.marks[slot] <= v.fence || r.model.off(ruleFence))
	}
	if keep {
		if i := d.value(v.epoch, v.key); i >= 0 {
			d.values[i] = v
		} else {
			d.values = append(d.values, v)
		}
	}
	d.fills = slices.DeleteFunc(d.fills, func(f filling) bool { return f.token == token })
	r.publish(messageModel{kind: 'w', key: v.key}, func(*busModel) bool { return true })
}
