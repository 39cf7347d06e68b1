package cluster

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// command is what a pipeline sends; its reply is noted in it.
type command interface {
	// what distinguishes commands whose replies differ; those with an empty one all do.
	what() string
	// size is about how many bytes its payload has.
	size() int
}

// pipeline sends commands to Redis, those that are asked for at the same time together: a round trip costs several
// times what a command in it does. The first of a bundle's callers sends it for all: at once while fewer are under way
// than may be, else when one of those has ended.
//
// How many are under way is bounded, and what is in one, so that none of them keeps Redis from what keeps the protocol
// going for longer than about a millisecond.
type pipeline[T command] struct {
	// send sends commands. The client's timeouts bound it. An error is that of all commands.
	send func(commands []T) error
	// timeout is how long commands may wait for their turn.
	timeout time.Duration

	mu       sync.Mutex
	asked    map[string]place[T] // by what(), while there is no reply
	underWay []*bundle[T]
	waiting  []*bundle[T] // bundles that wait for their turn
	open     *bundle[T]   // the last one; nil once it is being sent
}

// The bounds of a pipeline.
const (
	mostUnderWay = 4                           // bundles
	mostTogether = 64                          // commands of a bundle
	mostBytes    = 256 << 10                   // payload of a bundle, not counting its first command
	mostAtOnce   = mostUnderWay * mostTogether // commands of one caller that wait for their turn together
)

func newPipeline[T command](timeout time.Duration, send func([]T) error) *pipeline[T] {
	return &pipeline[T]{timeout: timeout, send: send, asked: map[string]place[T]{}}
}

// errLate are commands whose turn did not come in time.
var errLate = errors.New("too many commands wait for Redis")

// bundle is commands that are sent together.
type bundle[T any] struct {
	commands []T
	first    [1]T // storage for the commands of a single caller
	bytes    int
	turn     chan struct{} // closed when the bundle's turn has come; nil if it had come at the start
	done     chan struct{} // closed when the replies are there; nil while nobody else waits for them
	err      error         // read after done
}

// place is where a command is.
type place[T any] struct {
	bundle  *bundle[T]
	command T
}

// do sends a command with others, and returns it, or the same command of another caller, with the reply.
func (p *pipeline[T]) do(c T) (T, error) {
	p.mu.Lock()
	if same, found := p.asked[c.what()]; found {
		done := same.bundle.doneLocked()
		p.mu.Unlock()
		<-done
		return same.command, same.bundle.err
	}
	b, leads := p.addLocked(c)
	if leads {
		p.mu.Unlock()
		p.lead(b)
		return c, b.err
	}
	done := b.doneLocked()
	p.mu.Unlock()
	<-done
	return c, b.err
}

// doAll is like do, for several commands. It returns where each is, or the same command of another caller, once the
// replies are there. More than may be under way are sent one part after the other: a turn's time is for others'
// commands. When a part fails, those behind it get its error, and are not sent.
func (p *pipeline[T]) doAll(commands []T) []place[T] {
	places := make([]place[T], 0, len(commands))
	var failed *bundle[T]
	for part := range slices.Chunk(commands, mostAtOnce) {
		if failed != nil {
			for _, c := range part {
				places = append(places, place[T]{failed, c})
			}
			continue
		}
		done := p.doTogether(part)
		if i := slices.IndexFunc(done, func(of place[T]) bool { return of.bundle.err != nil }); i >= 0 {
			failed = done[i].bundle
		}
		places = append(places, done...)
	}
	return places
}

// doTogether asks for all commands before any of them is sent, so that as few bundles as possible have them.
func (p *pipeline[T]) doTogether(commands []T) []place[T] {
	places := make([]place[T], len(commands))
	var led []*bundle[T]
	var others []<-chan struct{}
	p.mu.Lock()
	for i, c := range commands {
		same, found := p.asked[c.what()]
		leads := false
		if places[i] = same; !found {
			places[i].command = c
			places[i].bundle, leads = p.addLocked(c)
		}
		if b := places[i].bundle; leads {
			led = append(led, b)
		} else if !slices.Contains(led, b) {
			others = append(others, b.doneLocked())
		}
	}
	p.mu.Unlock()
	var leading sync.WaitGroup
	for _, b := range led {
		leading.Go(func() { p.lead(b) })
	}
	leading.Wait()
	for _, done := range others {
		<-done
	}
	return places
}

// addLocked puts a command into a bundle, and reports whether its caller leads that.
func (p *pipeline[T]) addLocked(c T) (b *bundle[T], leads bool) {
	defer func() {
		if what := c.what(); what != "" {
			p.asked[what] = place[T]{b, c}
		}
	}()
	if b = p.open; b != nil && len(b.commands) < mostTogether && b.bytes+c.size() <= mostBytes {
		b.commands, b.bytes = append(b.commands, c), b.bytes+c.size()
		return b, false
	}
	b = &bundle[T]{first: [1]T{c}, bytes: c.size()}
	b.commands, p.open = b.first[:], b
	if len(p.underWay) < mostUnderWay {
		p.underWay = append(p.underWay, b)
	} else {
		b.turn = make(chan struct{})
		p.waiting = append(p.waiting, b)
	}
	return b, true
}

func (b *bundle[T]) doneLocked() <-chan struct{} {
	if b.done == nil {
		b.done = make(chan struct{})
	}
	return b.done
}

// lead waits for a bundle's turn and sends it.
func (p *pipeline[T]) lead(b *bundle[T]) {
	defer p.end(b)
	if b.turn != nil && !p.await(b) {
		b.err = errLate
		return
	}
	runtime.Gosched() // let other runnable callers add their commands
	b.err = p.send(p.shut(b))
}

// shut returns a bundle's commands, after which nobody joins it.
func (p *pipeline[T]) shut(b *bundle[T]) []T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == b {
		p.open = nil
	}
	return b.commands
}

// await waits for a bundle's turn, and reports whether it came in time.
func (p *pipeline[T]) await(b *bundle[T]) bool {
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	select {
	case <-b.turn:
		return true
	case <-timer.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == b {
		p.open = nil
	}
	n := len(p.waiting)
	p.waiting = slices.DeleteFunc(p.waiting, func(other *bundle[T]) bool { return other == b })
	return len(p.waiting) == n // the turn came just now
}

// end lets those who wait for a bundle go on, and has the next one begin if this one was under way.
func (p *pipeline[T]) end(b *bundle[T]) {
	done, turn := p.leave(b)
	if turn != nil {
		close(turn)
	}
	if done != nil {
		close(done)
	}
}

// leave takes a bundle out, and returns what those wait on who wait for it, and for the turn that it leaves; nil where
// nobody does.
func (p *pipeline[T]) leave(b *bundle[T]) (done, turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range b.commands {
		delete(p.asked, c.what())
	}
	at := slices.Index(p.underWay, b)
	if at < 0 {
		return b.done, nil
	}
	p.underWay = slices.Delete(p.underWay, at, at+1)
	if len(p.waiting) == 0 {
		return b.done, nil
	}
	next := p.waiting[0]
	p.waiting, p.underWay = slices.Delete(p.waiting, 0, 1), append(p.underWay, next)
	return b.done, next.turn
}
