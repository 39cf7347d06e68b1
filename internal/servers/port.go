package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// FreePort returns a port at which nothing listens now, on an address of this machine such as 127.0.0.1. It is below
// those that the kernel gives to whoever asks for any (ip_local_port_range), and no FreePort of this machine returns it
// again before this process has ended: nobody else comes to have it by chance before the caller.
func FreePort(host string) (port string, err error) {
	for range 100 {
		port = strconv.Itoa(20_000 + rand.IntN(10_000))
		if err = claim(port); err != nil {
			continue
		}
		var ln net.Listener
		if ln, err = net.Listen("tcp", net.JoinHostPort(host, port)); err == nil {
			return port, ln.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

// claims are what keeps other processes from ports that this one has returned: the kernel closes them with it.
var claims struct {
	sync.Mutex
	open []net.Listener
}

// claim takes a name for a port that one process alone can have, and that is no file.
func claim(port string) error {
	ln, err := net.Listen("unix", "@woodytoys-port-"+port)
	if err != nil {
		return err
	}
	claims.Lock()
	defer claims.Unlock()
	claims.open = append(claims.open, ln)
	return nil
}
