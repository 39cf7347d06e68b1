package fibercache

import "sync"

// loan is a request that is lent to a load. The load may begin after the request's caller has left, or go on then, for
// others who wait for it; but the request is the caller's connection's, and is used again when its handler has
// returned.
type loan struct {
	using sync.Mutex // held by the load while it uses the request
	over  bool
}

// take begins the use of the request, and reports whether the load may: not after end.
func (l *loan) take() bool {
	l.using.Lock()
	if l.over {
		l.using.Unlock()
		return false
	}
	return true
}

// giveBack ends the use of the request.
func (l *loan) giveBack() { l.using.Unlock() }

// end waits until the request is not used, and has it not be used any more.
func (l *loan) end() {
	l.using.Lock()
	defer l.using.Unlock()
	l.over = true
}
