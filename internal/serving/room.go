package serving

import "syscall"

// connections is the room that all listeners of the process share.
var connections = newRoom(descriptorLimit())

// room bounds how many connections are open at once, so that some descriptors are left for the database, Redis and files.
type room struct {
	places chan struct{}
	size   int
}

// newRoom makes room in a process that may have limit descriptors.
func newRoom(limit int) *room {
	size := max(limit-max(reserve, limit/8), 1)
	return &room{places: make(chan struct{}, size), size: size}
}

// reserve is how many descriptors are left at the least: the default settings need some 40 of them.
const reserve = 48

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

func (r *room) tryEnter() bool {
	select {
	case r.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (r *room) leave() { <-r.places }
