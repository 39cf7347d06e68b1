//go:build !race

package cluster

import (
	"strings"
	"time"
)

// faultModel is a way to break the model's world. It takes its time, and what it breaks is whole again at its end.
type faultModel struct {
	name string
	do   func(m *model, t *task)
}

// run breaks something, when nothing else breaks servers of the same kind: operators do one thing at a time.
func (f *faultModel) run(m *model, t *task) {
	var one *lock
	switch {
	case strings.Contains(f.name, "primary") || strings.HasPrefix(f.name, "the database") ||
		strings.Contains(f.name, "loses"):
		one = &m.oneDatabaseFault
	case strings.HasPrefix(f.name, "Redis"):
		one = &m.oneRedisFault
	}
	if one != nil {
		t.lock(one)
		defer func() { one.held = false; t.fire(&one.free) }()
	}
	if m.now > int64(latestFault) {
		return
	}
	m.say("FAULT %s", f.name)
	m.breaking++
	f.do(m, t)
	m.breaking--
	m.say("END of %s", f.name)
}

// someReplica returns a replica that lives.
func (m *model) someReplica() *replicaModel { return m.replicas[m.draw.IntN(len(m.replicas))] }

// primary returns the Redis server that new connections of most replicas lead to.
func (m *model) primary() *redisModel { return m.redis[m.leads] }

// lead points new connections to Redis at a server, for each replica at a time of its own.
func (m *model) lead(server int, overlap time.Duration) {
	m.leads = server
	for _, r := range m.replicas {
		m.after(m.between(0, overlap), nil, func() { r.redis = m.redis[server] })
	}
}

var faultModels = []faultModel{
	{"a replica is paused", func(m *model, t *task) {
		m.someReplica().paused = m.now + m.between(50*time.Millisecond, 2500*time.Millisecond)
	}},
	{"a replica dies", func(m *model, t *task) { m.kill(t, m.someReplica()) }},
	{"Redis dies and is back empty", func(m *model, t *task) {
		r := m.primary()
		r.up = false
		t.sleep(t.between(0, time.Second))
		r.restart(dataset{})
	}},
	{"Redis dies and is back with an old file", func(m *model, t *task) {
		r := m.primary()
		file := r.data.clone()
		t.sleep(t.between(0, time.Second))
		r.up = false
		t.sleep(t.between(0, 100*time.Millisecond))
		r.restart(file)
	}},
	{"Redis is paused", func(m *model, t *task) {
		r := m.primary()
		r.frozen = m.now + m.between(50*time.Millisecond, 3*time.Second)
	}},
	{"Redis drops keys", func(m *model, t *task) {
		d := &m.primary().data
		switch m.draw.IntN(5) {
		case 0:
			*d = dataset{values: d.values, fills: d.fills, membersInc: d.membersInc, members: d.members}
		case 1:
			d.members, d.membersInc = nil, 0
		case 2:
			d.values = nil
		case 3:
			d.fills = nil
		case 4:
			*d = dataset{}
		}
	}},
	{"Redis is demoted and promoted again, with the data of its copy", func(m *model, t *task) {
		a, b := m.primary(), m.otherRedis()
		copied := a.data.clone()
		t.sleep(t.between(0, 1500*time.Millisecond)) // the copy stays behind
		b.primary, b.data = nil, copied
		b.replID = m.unique()
		t.sleep(t.between(0, 50*time.Millisecond))
		a.primary, a.data = b, b.data.clone()
		if m.oneIn(3) { // Sentinel ends all connections; REPLICAOF does not
			a.life++
			a.buses = nil
		}
		if m.oneIn(3) {
			m.lead(1-m.leads, 500*time.Millisecond)
			t.sleep(t.between(0, 700*time.Millisecond))
			m.lead(1-m.leads, 500*time.Millisecond)
		}
		t.sleep(t.between(0, 100*time.Millisecond))
		if a.primary == b {
			a.data = b.data.clone()
		}
		a.primary, a.replID = nil, m.unique()
		b.primary = a
	}},
	{"Redis is demoted and promoted again, and loses a registration with it", func(m *model, t *task) {
		a, b := m.primary(), m.otherRedis()
		m.hush(t)
		r, writer := m.twoReplicas()
		if r.session != nil {
			delete(a.data.members, r.session.member) // it leaves, and is back at once
		}
		copied := a.data.clone()
		if r.session != nil {
			r.session.end()
		}
		t.sleep(t.between(200*time.Millisecond, 800*time.Millisecond))
		if s := r.session; s != nil {
			s.bus.deaf = m.now + m.between(200*time.Millisecond, 900*time.Millisecond)
		}
		b.primary, b.data, b.replID = nil, copied, m.unique()
		a.primary, a.data = b, copied.clone()
		t.sleep(t.between(0, 20*time.Millisecond))
		a.primary, a.replID, b.primary = nil, m.unique(), a
		m.writeNow(writer)
	}},
	{"Redis fails over to a copy, and both are in use for a while", func(m *model, t *task) {
		a, b := m.primary(), m.otherRedis()
		copied := a.data.clone()
		t.sleep(t.between(0, 500*time.Millisecond))
		b.primary, b.data, b.replID = nil, copied, m.unique()
		m.lead(1-m.leads, time.Second)
		r := m.someReplica()
		if m.oneIn(2) {
			r.wayToRedis.cuts++ // one loses the old one
		}
		t.sleep(t.between(0, 2*time.Second))
		switch m.draw.IntN(3) {
		case 0:
			a.up = false
			t.sleep(t.between(0, time.Second))
			a.restart(b.data.clone())
			a.primary = b
		case 1:
			a.primary, a.data = b, b.data.clone()
		case 2:
			a.primary, a.data = b, b.data.clone()
			a.life++
			a.buses = nil
		}
	}},
	{"a replica is cut off from Redis", func(m *model, t *task) {
		w := &m.someReplica().wayToRedis
		w.cuts++
		w.shut = true
		t.sleep(t.between(100*time.Millisecond, 2500*time.Millisecond))
		w.shut = false
	}},
	{"a replica's words to Redis go nowhere for a while", func(m *model, t *task) {
		m.someReplica().wayToRedis.silent = m.now + m.between(100*time.Millisecond, 2500*time.Millisecond)
	}},
	{"a bus connection is cut", func(m *model, t *task) {
		if s := m.someReplica().session; s != nil {
			s.bus.cuts--
			t.sleep(t.between(0, 300*time.Millisecond))
			s.end()
		}
	}},
	{"a bus connection is silent", func(m *model, t *task) {
		if s := m.someReplica().session; s != nil {
			s.bus.deaf = m.now + m.between(50*time.Millisecond, 2500*time.Millisecond)
		}
	}},
	{"a message of the bus is lost", func(m *model, t *task) {
		if s := m.someReplica().session; s != nil {
			s.bus.loses = true
		}
	}},
	{"the database dies and is back", func(m *model, t *task) {
		d := m.database
		d.up = false
		t.sleep(t.between(0, 2*time.Second))
		d.up, d.life = true, d.life+1
	}},
	{"the database dies and is back without its last transactions", func(m *model, t *task) {
		d := m.database
		t.sleep(t.between(0, time.Second))
		d.up = false
		t.sleep(t.between(0, time.Second))
		d.restore(m)
		d.up, d.life = true, d.life+1
	}},
	{"a replica without Redis bumps the epoch, and the database loses it", func(m *model, t *task) {
		r := m.someReplica()
		r.wayToRedis.cuts++
		r.wayToRedis.shut = true
		t.sleep(t.between(500*time.Millisecond, 2500*time.Millisecond))
		d := m.database
		d.up = false
		t.sleep(t.between(0, 300*time.Millisecond) / int64(1+99*m.draw.IntN(2)))
		if m.oneIn(2) {
			m.kill(t, r)
		}
		d.restore(m)
		d.up, d.life = true, d.life+1
		r.wayToRedis.shut = false
	}},
	{"the database loses a bump that a replica without contact never read", func(m *model, t *task) {
		apart, others := m.apart(t)
		m.awaitBump(t)
		d := m.database
		if m.oneIn(2) {
			t.sleep(t.between(0, 1500*time.Millisecond))
		} else {
			m.awaitAck(t)
		}
		die := m.oneIn(2)
		d.restore(m)
		d.life++
		apart.wayToDatabase.silent = 0
		for _, r := range others {
			r.wayToRedis.shut = false
			if die {
				m.start(nil, func(t *task) { m.kill(t, r) })
			}
		}
	}},
	{"the database dies when a replica without Redis has bumped the epoch", func(m *model, t *task) {
		apart, others := m.apart(t)
		m.awaitBump(t)
		t.sleep(t.between(0, 100*time.Millisecond))
		d := m.database
		d.up = false
		apart.wayToDatabase.silent = 0
		t.sleep(t.between(800*time.Millisecond, 2*time.Second))
		d.up, d.life = true, d.life+1
		for _, r := range others {
			r.wayToRedis.shut = false
		}
	}},
	{"the database is away while the replica that has bumped the epoch is paused", func(m *model, t *task) {
		apart, others := m.apart(t)
		apart.wayToDatabase.silent = 0
		apart.wayToRedis.silent = m.now + int64(800*time.Millisecond) // so that it carries nothing out
		m.awaitBump(t)
		others[0].paused = m.now + m.between(900*time.Millisecond, 1200*time.Millisecond)
		apart.wayToDatabase.hush(m.now, m.between(0, 300*time.Millisecond), true)
		t.sleep(t.between(0, 200*time.Millisecond))
		d := m.database
		d.up = false
		t.sleep(t.between(300*time.Millisecond, 700*time.Millisecond))
		apart.wayToDatabase.hush(m.now, int64(2*time.Second), true)
		d.up, d.life = true, d.life+1
		m.awaitAck(t)
		t.sleep(t.between(0, 300*time.Millisecond))
		for _, r := range others {
			r.wayToRedis.shut = false
		}
	}},
	{"the database dies when a replica has been without it for longer than a lease", func(m *model, t *task) {
		apart, others := m.apart(t)
		m.awaitBump(t)
		m.awaitAck(t)
		t.sleep(t.between(0, 300*time.Millisecond))
		d := m.database
		d.up = false
		apart.wayToDatabase.silent = 0
		t.sleep(t.between(500*time.Millisecond, time.Second))
		d.up, d.life = true, d.life+1
		for _, r := range others {
			r.wayToRedis.shut = false
		}
	}},
	{"a replica loses the database when another bumps the epoch", func(m *model, t *task) {
		apart, others := m.apart(t)
		apart.wayToDatabase.silent = 0
		apart.wayToRedis.silent = m.now + int64(800*time.Millisecond) // so that it carries nothing out
		if m.oneIn(2) {
			apart.wayToDatabase.late = m.between(0, 450*time.Millisecond)
		}
		m.awaitBump(t)
		apart.wayToDatabase.hush(m.now, int64(2*time.Second), true)
		m.awaitAck(t)
		t.sleep(t.between(0, 500*time.Millisecond))
		apart.wayToDatabase.late = 0
		for _, r := range others {
			r.wayToRedis.shut = false
		}
	}},
	{"the database loses a bump at once, and a replica misses what comes of that", func(m *model, t *task) {
		apart, others := m.apart(t)
		m.awaitBump(t)
		t.sleep(t.between(1100*time.Millisecond, 1300*time.Millisecond))
		apart.wayToDatabase.silent = 0
		t.sleep(t.between(300*time.Millisecond, 600*time.Millisecond)) // it has a session again
		m.writeNow(others[0])                                          // who does not try for long to hand over
		m.awaitBump(t)
		m.database.loseBump(m)
		m.database.life++
		others[0].wayToDatabase.hush(m.now, m.between(0, 250*time.Millisecond), true) // another finds out first
		t.sleep(t.between(100*time.Millisecond, 300*time.Millisecond))
		apart.wayToDatabase.hush(m.now, int64(2*time.Second), true)
		t.sleep(t.between(time.Second, 2*time.Second))
		for _, r := range others {
			r.wayToRedis.shut = false
		}
	}},
	{"a writer dies after its commit", func(m *model, t *task) { m.someReplica().dies = true }},
	{"a replica finds the new Redis while a writer is still on the old one", func(m *model, t *task) {
		reader, writer := m.twoReplicas()
		reader.wayToRedis.cuts++
		reader.wayToRedis.shut = true
		t.sleep(t.between(time.Second, 2*time.Second)) // it is evicted, and that is waited for
		m.hush(t)
		b := m.otherRedis()
		b.primary, b.data, b.replID = nil, m.primary().data.clone(), m.unique()
		reader.redis, reader.wayToRedis.shut = b, false
		m.awaitBump(t)
		t.sleep(t.between(5*time.Millisecond, 150*time.Millisecond))
		m.writeNow(writer)
		m.lead(1-m.leads, time.Second)
	}},
	{"nobody has Redis, and the database loses the bump that came of it", func(m *model, t *task) {
		m.hush(t)
		for _, r := range m.replicas {
			r.wayToRedis.cuts++
			r.wayToRedis.shut = true
		}
		m.writeNow(m.someReplica())
		m.awaitBump(t)
		t.sleep(t.between(900*time.Millisecond, 1500*time.Millisecond))
		m.database.restore(m)
		m.database.life++
		for _, r := range m.replicas {
			r.wayToRedis.shut = false
		}
	}},
	{"the database loses a bump, and its number is used again", func(m *model, t *task) {
		m.hush(t)
		m.hushed = m.now + int64(5*time.Second)
		d, apart := m.database, m.someReplica()
		m.start(apart.process, func(t *task) { _, _ = apart.bump(t, State{}) })
		m.awaitBump(t)
		t.sleep(t.between(600*time.Millisecond, 900*time.Millisecond))
		apart.wayToDatabase.hush(m.now, int64(4*time.Second), false)
		for _, r := range m.replicas {
			if r != apart {
				r.wayToRedis.shut = true
				m.start(nil, func(t *task) { m.kill(t, r) })
			}
		}
		d.loseBump(m)
		d.life++
		t.sleep(t.between(1100*time.Millisecond, 1200*time.Millisecond)) // others are there in their places
		r, _ := m.twoReplicas()
		for r == apart {
			r, _ = m.twoReplicas()
		}
		m.start(r.process, func(t *task) { r.write(t, m.draw.IntN(keyCount)) }) // one, so that it is bumped once
		m.awaitBump(t)
		m.awaitAck(t)
		t.sleep(t.between(0, 100*time.Millisecond))
		apart.wayToDatabase.silent = 0
		for _, r := range m.replicas {
			r.wayToRedis.shut = false
		}
	}},
	{"Redis forgets everything, and a writer is back before a reader hears of it", func(m *model, t *task) {
		m.hush(t)
		reader, writer := m.twoReplicas()
		if s := reader.session; s != nil {
			s.bus.deaf = m.now + m.between(300*time.Millisecond, 900*time.Millisecond)
		}
		m.primary().data = dataset{}
		if writer.session != nil {
			writer.session.end()
		}
		t.sleep(t.between(50*time.Millisecond, 300*time.Millisecond))
		m.writeNow(writer)
	}},
	{"a replica is without the database", func(m *model, t *task) {
		m.someReplica().wayToDatabase.hush(m.now, m.between(100*time.Millisecond, 3*time.Second), false)
	}},
	{"the database's primary moves", func(m *model, t *task) {
		old := m.database
		old.readOnly = true
		t.sleep(t.between(0, 300*time.Millisecond))
		fresh := &databaseModel{host: host{up: true}, model: m, readOnly: true, rows: old.rows, history: old.history}
		early := m.oneIn(2)
		if early {
			m.database = fresh
			t.sleep(t.between(0, 300*time.Millisecond))
		}
		fresh.readOnly = false
		if !early {
			t.sleep(t.between(0, 300*time.Millisecond))
			m.database = fresh
		}
	}},
	{"a replica without Redis, and the primary moves", func(m *model, t *task) {
		r := m.someReplica()
		r.wayToRedis.cuts++
		r.wayToRedis.shut = true
		old := m.database
		old.readOnly = true
		m.database = &databaseModel{host: host{up: true}, model: m, rows: old.rows, history: old.history}
		t.sleep(t.between(time.Second, 3*time.Second))
		r.wayToRedis.shut = false
	}},
}

// restore puts the database back by some transactions. No row that was acknowledged is lost with them.
func (d *databaseModel) restore(m *model) {
	first := len(d.history)
	for first > 0 && m.hasAcknowledged(&d.history[first-1]) {
		first--
	}
	if first == len(d.history) {
		return
	}
	i := first + m.draw.IntN(len(d.history)-first)
	if m.oneIn(2) {
		i = first
	}
	d.goBack(m, i)
}

// loseBump puts the database back to before the epoch was bumped last, if no row that was acknowledged is lost
// with that.
func (d *databaseModel) loseBump(m *model) {
	i := len(d.history) - 1
	for i > 0 && d.history[i].state == d.rows.state {
		i--
	}
	if m.hasAcknowledged(&d.history[i]) {
		d.goBack(m, i)
	}
}

// goBack puts the database back to after a transaction.
func (d *databaseModel) goBack(m *model, i int) {
	m.say("the database loses %d transactions", len(d.history)-1-i)
	if d.history[i].state.Run != d.rows.state.Run {
		m.outside = true // which Redis is in use is lost in the middle of a failover: that is not promised
	}
	for _, lost := range d.history[i+1:] {
		for key, version := range lost.versions {
			if version > d.history[i].versions[key] {
				m.lost[version] = true
			}
		}
	}
	d.rows, d.history = d.history[i], d.history[:i+1]
}

// hush stops writes for a while, and lets the writes that are under way end.
func (m *model) hush(t *task) {
	m.hushed = m.now + m.between(time.Second, 2*time.Second)
	t.sleep(t.between(0, 500*time.Millisecond))
}

// writeNow writes all keys by a replica.
func (m *model) writeNow(r *replicaModel) {
	for key := range keyCount {
		m.start(r.process, func(t *task) { r.write(t, key) })
	}
}

// apart cuts a replica off from the database, and all others from Redis, one of which writes.
func (m *model) apart(t *task) (apart *replicaModel, others []*replicaModel) {
	m.hush(t)
	m.hushed = m.now + int64(2*time.Second)
	apart = m.someReplica()
	apart.wayToDatabase.hush(m.now, int64(5*time.Second), false)
	for _, r := range m.replicas {
		if r != apart {
			r.wayToRedis.cuts++
			r.wayToRedis.shut = true
			others = append(others, r)
		}
	}
	m.writeNow(others[0])
	return apart, others
}

// awaitBump waits until the epoch is bumped, though not for ever.
func (m *model) awaitBump(t *task) {
	epoch := m.database.rows.state.Epoch
	for range 150 {
		if m.database.rows.state.Epoch > epoch {
			return
		}
		t.sleep(t.between(0, 20*time.Millisecond))
	}
}

// awaitAck waits until a write is acknowledged, though not for ever.
func (m *model) awaitAck(t *task) {
	for before, until := m.acks, m.now+int64(1500*time.Millisecond); m.acks == before && m.now < until; {
		t.sleep(t.between(0, time.Millisecond))
	}
}

// twoReplicas returns two that are not the same.
func (m *model) twoReplicas() (one, other *replicaModel) {
	i := m.draw.IntN(len(m.replicas))
	return m.replicas[i], m.replicas[(i+1+m.draw.IntN(len(m.replicas)-1))%len(m.replicas)]
}

// kill ends a replica, and starts another in its place.
func (m *model) kill(t *task, r *replicaModel) {
	r.dead = true
	r.wayToRedis.cuts++
	r.wayToDatabase.cuts++
	m.died = true
	t.sleep(t.between(0, time.Second))
	for i := range m.replicas {
		if m.replicas[i] == r {
			m.replicas[i] = m.startReplica(r.name)
			m.replicas[i].redis, m.replicas[i].wayToRedis.shut = r.redis, r.wayToRedis.shut
			m.busy(m.replicas[i])
		}
	}
}

func (m *model) otherRedis() *redisModel { return m.redis[1-m.leads] }
