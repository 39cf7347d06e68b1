package cluster

import (
	"errors"
	"sync"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// errWentBack is a Redis server that has less than it had before, within the same run: it has been a copy of one
// that had not heard of all, or a machine was set back with it. It lacks invalidations, and has values.
var errWentBack = errors.New("this Redis server went back in time")

// past is what a replica remembers of the incarnations of an epoch. By it a session that begins finds out whether Redis
// went back in time, as sessions that last do by the numbers that they hear.
type past struct {
	mu      sync.Mutex
	epoch   string // State.Name
	left    map[Token]bool
	last    Token
	highest uint64 // the highest number of the last one that this replica knows of
	back    bool   // Redis went back, so that nothing of the epoch counts
}

// enter notes that the replica has registered in an incarnation, whose clock reads seq. It returns errWentBack where it
// had been left for another, or has been further; and from then on until the epoch moves.
func (p *past) enter(epoch string, inc Token, seq uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if epoch != p.epoch {
		p.epoch, p.left, p.last, p.highest, p.back = epoch, map[Token]bool{}, inc, seq, false
	}
	if inc != p.last {
		p.left[p.last] = true
		p.last, p.highest = inc, 0
	}
	p.back = p.back || p.left[inc] || seq < p.highest
	p.highest = max(p.highest, seq)
	if p.back && !broken.Past {
		return errWentBack
	}
	return nil
}

// leave notes how far a session had come in its incarnation, and whether it ended since Redis went back.
func (p *past) leave(epoch string, inc Token, seq uint64, back bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if epoch == p.epoch && inc == p.last {
		p.highest = max(p.highest, seq)
		p.back = p.back || back
	}
}
