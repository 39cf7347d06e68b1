package oracle

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// State is an item in one version. Versions count from 1, and only grow. The zero State is that of an item which is not
// there.
type State struct {
	Version int64
	// Content is compared between states of the same version that both have one.
	Content string
}

// gone is the version of what is deleted, which is newer than any other.
const gone = math.MaxInt64

// String returns the state in words.
func (s State) String() string {
	switch {
	case s.Version == gone:
		return "deletion"
	case s.Version == 0:
		return "none"
	case s.Content == "":
		return fmt.Sprintf("version %d", s.Version)
	}
	return fmt.Sprintf("version %d, %q", s.Version, s.Content)
}

// Item is one thing that is written and read: a product, say, or the newest id of a list that only grows. The zero Item
// is one of which nothing was acknowledged. Its methods may be called at once.
type Item struct {
	floor    atomic.Pointer[State]
	deleting atomic.Bool
	unknown  atomic.Bool
	mu       sync.Mutex // held while floor is changed
}

// Acknowledged notes that a write was acknowledged, and what it made of the item. It returns Wrong if another write was
// acknowledged as the same version with another content: one of the two is lost. Acknowledgements may arrive in any
// order.
func (i *Item) Acknowledged(made State) Verdict {
	i.mu.Lock()
	defer i.mu.Unlock()
	floor := i.Floor()
	if made.Version > floor.Version {
		i.floor.Store(&made)
	}
	if contradicts(made, floor) {
		return Wrong
	}
	return Good
}

// Floor returns the oldest state that a read which begins now may be answered.
func (i *Item) Floor() State {
	if floor := i.floor.Load(); floor != nil {
		return *floor
	}
	return State{}
}

// Deleting notes that a deletion begins: from now on the item may be there or not.
func (i *Item) Deleting() { i.deleting.Store(true) }

// Deleted notes that a deletion was acknowledged: a read that begins now may not find the item.
func (i *Item) Deleted() {
	i.Deleting()
	i.Acknowledged(State{Version: gone})
}

// Unknown notes that a write has failed or was not answered: it may have been carried out, or may be yet.
func (i *Item) Unknown() { i.unknown.Store(true) }

// Next returns the version that the next write makes of an item with one writer. It reports false if that is not known,
// since a write ended in Unknown.
func (i *Item) Next() (version int64, ok bool) {
	return i.Floor().Version + 1, !i.unknown.Load()
}

// Judge checks the answer to a read against the floor when the read began.
func (i *Item) Judge(floor, answer State) Verdict {
	switch {
	case answer.Version == 0 && i.deleting.Load():
		return Good
	case answer.Version < floor.Version:
		return Stale
	case contradicts(answer, floor):
		return Wrong
	}
	return Good
}

// Audit checks what there really is, while nobody writes, against all that was acknowledged. It returns Lost if it is
// not there.
func (i *Item) Audit(truth State) Verdict {
	if i.Judge(i.Floor(), truth) != Good {
		return Lost
	}
	return Good
}

// contradicts reports whether a and b are one version with two contents.
func contradicts(a, b State) bool {
	return a.Version == b.Version && a.Content != b.Content && a.Content != "" && b.Content != ""
}
