package serving

import (
	"cmp"
	"slices"
	"sync"
	"syscall"
)

// forCallers is the room that all listeners for callers share, forOperators that of the admin port: who asks there why
// nobody gets through must not wait with them.
var (
	forCallers   = newRoom(callerPlaces(descriptorLimit()), true)
	forOperators = newRoom(operatorPlaces, false)
)

const (
	operatorPlaces = 8
	// reserve is how many descriptors are left at the least: the default settings need some 40 of them, the admin port
	// takes its places, and each of two listeners one for a caller who waits.
	reserve = 40 + operatorPlaces + 2
)

// callerPlaces returns how many callers a process has room for that may have limit descriptors.
func callerPlaces(limit int) int { return max(limit-max(reserve, limit/8), 1) }

// maxDescriptors bounds the room where the system sets no limit.
const maxDescriptors = 1 << 20

// descriptorLimit returns how many descriptors the process may have. Go has raised the soft limit to the hard one.
func descriptorLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > maxDescriptors {
		return maxDescriptors
	}
	return int(limit.Cur)
}

// room bounds how many connections are open at once, so that some descriptors are left for the database, Redis and
// files.
type room struct {
	size     int
	places   chan struct{}
	endsIdle bool // whether idle connections give way to those who wait

	mu    sync.Mutex
	taken map[*conn]struct{}
}

func newRoom(size int, endsIdle bool) *room {
	return &room{size: size, places: make(chan struct{}, size), endsIdle: endsIdle, taken: map[*conn]struct{}{}}
}

// enter gives c, which has a place now, its entry among those who have.
func (r *room) enter(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[c] = struct{}{}
}

func (r *room) leave(c *conn) {
	r.mu.Lock()
	delete(r.taken, c)
	r.mu.Unlock()
	<-r.places
}

// endIdle ends connections that are idle, those first that have been so the longest: one in sixteen of all, so that a
// crowd in a large room does not have it searched for each of them. Their places are free a moment later.
func (r *room) endIdle() {
	type idle struct {
		*conn
		since int64
	}
	var all []idle
	r.mu.Lock()
	for c := range r.taken {
		if since := c.idle.Load(); since > 0 {
			all = append(all, idle{c, since})
		}
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b idle) int { return cmp.Compare(a.since, b.since) })
	for _, c := range all[:min(len(all), r.size/16+1)] {
		c.end(c.since)
	}
}
