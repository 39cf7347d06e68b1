package cluster

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// command is what a pipeline sends; its reply is noted in it.
type command[T any] interface {
	// same reports whether the reply to another command, which has not been sent yet, answers this one too.
	same(other T) bool
	// size is how many bytes it brings, beside a few.
	size() int
}

// pipeline sends commands to Redis, those that are asked for at the same time together: a round trip costs several times
// what a command in it does. A caller who finds no more under way than may be goes at once; another one waits with those
// who come then, and the first of them goes for all when it is their turn.
//
// It is bounded, so that nothing of it keeps Redis from what keeps the protocol going for longer than about a
// millisecond: how many batches are under way, and what is in one.
type pipeline[T command[T]] struct {
	// send sends commands. The client's timeouts bound it. An error is that of all commands.
	send func(commands []T) error
	// patience is how long commands may wait for their turn.
	patience time.Duration

	mu       sync.Mutex
	underWay int
	waiting  []*together[T] // for their turn; all but the last are full
}

// The bounds of a pipeline.
var (
	mostUnderWay = min(max(runtime.GOMAXPROCS(0), 2), 4) // batches
	mostTogether = 64                                    // commands of a batch
	mostBytes    = 256 << 10                             // that they bring, but for the first of them
)

// errLate are commands whose turn did not come in time.
var errLate = errors.New("too many commands wait for Redis")

// together is commands that wait for their turn as one batch.
type together[T any] struct {
	commands []T
	bytes    int
	turn     chan struct{} // closed when it has come; nobody joins then
	done     chan struct{} // closed when the replies are there
	err      error         // read after done
}

// do has a command sent, and returns it, or the same command of another caller who came at the same time, with the reply.
func (p *pipeline[T]) do(c T) (T, error) {
	p.mu.Lock()
	if p.underWay < mostUnderWay {
		p.underWay++
		p.mu.Unlock()
		defer p.pass()
		return c, p.send([]T{c})
	}
	b, c, first := p.joinLocked(c)
	p.mu.Unlock()
	if first {
		p.lead(b)
	} else {
		<-b.done
	}
	return c, b.err
}

// joinLocked puts a command into the last batch that waits, and reports whether it is the first of a new one.
func (p *pipeline[T]) joinLocked(c T) (b *together[T], joined T, first bool) {
	if n := len(p.waiting); n > 0 {
		b = p.waiting[n-1]
		for _, other := range b.commands {
			if c.same(other) {
				return b, other, false
			}
		}
		if len(b.commands) < mostTogether && b.bytes+c.size() <= mostBytes {
			b.commands, b.bytes = append(b.commands, c), b.bytes+c.size()
			return b, c, false
		}
	}
	b = &together[T]{commands: append(make([]T, 0, 8), c), bytes: c.size(), turn: make(chan struct{}), done: make(chan struct{})}
	p.waiting = append(p.waiting, b)
	return b, c, true
}

// lead waits for a batch's turn and sends it.
func (p *pipeline[T]) lead(b *together[T]) {
	defer close(b.done)
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	select {
	case <-b.turn:
	case <-timer.C:
		if p.withdraw(b) {
			b.err = errLate
			return
		}
	}
	defer p.pass()
	b.err = p.send(b.commands)
}

// withdraw takes a batch out of those that wait, and reports whether it did: not if its turn has come.
func (p *pipeline[T]) withdraw(b *together[T]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.waiting, b)
	if at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
	}
	return at >= 0
}

// pass ends a batch's turn: that of the next one has come, if one waits.
func (p *pipeline[T]) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.underWay--
		return
	}
	close(p.waiting[0].turn)
	p.waiting = slices.Delete(p.waiting, 0, 1)
}
