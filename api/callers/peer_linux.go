package callers

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// peerOf reports whether the other side of a connection has sent a FIN, and whether the connection is broken. What it
// has sent before, and nobody has read yet, hides neither.
func peerOf(raw syscall.RawConn) (fin, broken bool) {
	err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if n, err := unix.Poll(fds, 0); n == 1 && err == nil {
			fin = fds[0].Revents&unix.POLLRDHUP != 0
			broken = fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
		}
	})
	return fin, broken || err != nil // an error is a connection that this side has closed
}
