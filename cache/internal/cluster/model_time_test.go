//go:build !race

package cluster

import (
	"errors"
	"iter"
	"math/rand/v2"
	"time"
)

// timeline is the model's clock: what happens, and when. Nothing happens at the same time, and how long each step and
// each message takes is drawn, so that a seed decides the whole schedule.
type timeline struct {
	draw   *rand.Rand
	now    int64    // nanoseconds
	queue  []queued // the next first, as a heap
	events []event
	free   []int32 // places in events
	tasks  []*task
	slow   int // of a thousand steps, how many take long
}

// event is something that happens: a task goes on, or do is called.
type event struct {
	at      int64
	process *process // it must live for this to happen, and not be paused; nil where no process does it
	do      func()
	task    *task
	stays   int // the task's, so that only the first of what it waits for wakes it
}

// process is one life of a replica.
type process struct {
	dead   bool
	paused int64 // until when nothing of it goes on
	rate   int64 // of its clock, in thousandths
	offset int64 // of its clock
}

// queued is an event's place in the queue: the events themselves stay where they are.
type queued struct {
	at    int64
	event int32
}

func (l *timeline) add(e event) {
	var at int32
	if n := len(l.free); n > 0 {
		at = l.free[n-1]
		l.free = l.free[:n-1]
		l.events[at] = e
	} else {
		at = int32(len(l.events))
		l.events = append(l.events, e)
	}
	l.queue = append(l.queue, queued{e.at, at})
	q, i := l.queue, len(l.queue)-1
	for i > 0 && q[i].at < q[(i-1)/2].at {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
		i = (i - 1) / 2
	}
}

func (l *timeline) pop() event {
	q, last := l.queue, len(l.queue)-1
	first := q[0].event
	q[0] = q[last]
	q = q[:last]
	for i := 0; ; {
		least := 2*i + 1
		if least >= last {
			break
		}
		if least+1 < last && q[least+1].at < q[least].at {
			least++
		}
		if q[i].at <= q[least].at {
			break
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
	l.queue, l.free = q, append(l.free, first)
	return l.events[first]
}

// run lets happen what happens until a time, or until it is enough.
func (l *timeline) run(until int64, enough func() bool) {
	for len(l.queue) > 0 && l.queue[0].at <= until && !enough() {
		e := l.pop()
		l.now = e.at
		switch p := e.process; {
		case p != nil && p.dead:
		case p != nil && p.paused > l.now:
			e.at = p.paused + l.moment()
			l.add(e)
		case e.task == nil:
			e.do()
		case e.stays == e.task.stays:
			e.task.goOn()
		}
	}
	l.now = max(l.now, until)
}

// close ends all tasks.
func (l *timeline) close() {
	for _, t := range l.tasks {
		t.stop()
	}
}

// moment returns how long a step or a message takes.
func (l *timeline) moment() int64 {
	n := l.draw.IntN(1000)
	switch {
	case n < l.slow:
		return l.draw.Int64N(int64(400 * time.Millisecond))
	case n < 150:
		return l.draw.Int64N(int64(20 * time.Millisecond))
	}
	return l.draw.Int64N(int64(time.Millisecond))
}

// between draws a time.
func (l *timeline) between(least, most time.Duration) int64 {
	return int64(least) + l.draw.Int64N(int64(most-least))
}

// oneIn reports true once in n times.
func (l *timeline) oneIn(n int) bool { return l.draw.IntN(n) == 0 }

// after makes do happen later, to a process or to the world.
func (l *timeline) after(d int64, process *process, do func()) {
	l.add(event{at: l.now + d, process: process, do: do})
}

// task is something that goes on step by step, like a goroutine. Between two steps anything may happen.
type task struct {
	*timeline
	process *process
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	stays   int // how often it has waited
}

var errEnded = errors.New("the schedule has ended")

// start begins a task of a process, or of the world.
func (l *timeline) start(process *process, f func(t *task)) {
	t := &task{timeline: l, process: process}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if e := recover(); e != nil && e != errEnded {
				panic(e)
			}
		}()
		t.yield = yield
		f(t)
	})
	l.tasks = append(l.tasks, t)
	l.add(event{at: l.now + l.moment(), process: process, task: t})
}

func (t *task) goOn() {
	t.stays++
	t.next()
}

// stay waits until the task is woken.
func (t *task) stay() {
	if !t.yield(struct{}{}) {
		panic(errEnded)
	}
}

// wakeAt wakes the task, unless something else does before.
func (t *task) wakeAt(at int64) {
	t.add(event{at: max(at, t.now), process: t.process, task: t, stays: t.stays})
}

// step lets other things happen.
func (t *task) step() { t.wakeAt(t.now + t.moment()); t.stay() }

// sleep waits for d by the process's clock, or a little longer.
func (t *task) sleep(d int64) {
	if t.process != nil {
		d = d * 1000 / t.process.rate
	}
	t.wakeAt(t.now + d + t.moment())
	t.stay()
}

// signal is what tasks wait for.
type signal struct{ waiting []event }

// wait waits for a signal, at most for timeout by the process's clock.
func (t *task) wait(s *signal, timeout int64) {
	s.waiting = append(s.waiting, event{process: t.process, task: t, stays: t.stays})
	t.sleep(max(timeout, 0))
}

// fire wakes those who wait.
func (l *timeline) fire(s *signal) {
	for _, e := range s.waiting {
		if e.stays == e.task.stays {
			e.at = l.now + l.draw.Int64N(int64(50*time.Microsecond))
			l.add(e)
		}
	}
	s.waiting = s.waiting[:0]
}

// lock is a mutex of tasks.
type lock struct {
	held bool
	free signal
}

func (t *task) lock(m *lock) {
	for m.held {
		t.wait(&m.free, int64(time.Second))
	}
	m.held = true
}

func (t *task) unlock(m *lock) {
	m.held = false
	t.fire(&m.free)
}

// host is a server's machine: Redis or the database.
type host struct {
	up     bool
	life   int   // how often it was started
	frozen int64 // until when it does nothing
}

// way is a replica's way to all servers of a kind.
type way struct {
	cuts   int   // how often its connections were cut
	shut   bool  // connections are refused
	silent int64 // until when all that is sent is held back
	mute   int64 // until when what the replica sends is held back
	late   int64 // how much later answers arrive
	hushed int64 // when it was last heard
}

// hush lets nothing through for a while: what is sent, or what is sent by the replica. A database that is silent for
// five leases counts as unreachable, which nobody can distinguish from one that writes for others: it is not silent for
// so long.
func (w *way) hush(now, while int64, mute bool) {
	if max(w.silent, w.mute) < now {
		w.hushed = now
	}
	until := min(now+while, w.hushed+int64(4500*time.Millisecond))
	if mute {
		w.mute = until
	} else {
		w.silent = until
	}
}

// link is a connection to a server.
type link struct {
	to   *host
	by   *way
	life int
	cuts int
}

func newLink(to *host, by *way) *link { return &link{to: to, by: by, life: to.life, cuts: by.cuts} }

// works reports whether the connection is still there.
func (c *link) works() bool {
	return c.to.up && c.life == c.to.life && c.cuts == c.by.cuts && !c.by.shut
}

var (
	errNoAnswer = errors.New("no answer in time")
	errBroken   = errors.New("the connection is broken")
)

// ask does f at a server, once, and waits for its reply. With an error nobody knows whether f was done, or will be.
func (t *task) ask(c *link, timeout int64, f func()) error {
	if !c.works() {
		t.step()
		return errBroken
	}
	answered := false
	stays := t.stays
	var arrive func()
	arrive = func() {
		switch {
		case !c.works():
		case max(c.by.silent, c.by.mute) > t.now:
			t.after(max(c.by.silent, c.by.mute)-t.now+t.moment(), nil, arrive)
		case c.to.frozen > t.now:
			t.after(c.to.frozen-t.now+t.moment(), nil, arrive)
		default:
			f()
			var back func()
			back = func() {
				switch {
				case !c.works():
				case c.by.silent > t.now:
					t.after(c.by.silent-t.now+t.moment(), nil, back)
				default:
					answered = true
					t.add(event{at: t.now, process: t.process, task: t, stays: stays})
				}
			}
			t.after(t.moment()+c.by.late, nil, back)
		}
	}
	t.after(t.moment(), nil, arrive)
	t.wakeAt(t.now + timeout)
	t.stay()
	switch {
	case answered:
		return nil
	case !c.works():
		return errBroken
	}
	return errNoAnswer
}
