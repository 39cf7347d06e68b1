package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePort returns a port at which nothing listens now, on an address of this machine such as 127.0.0.1. It is below
// those that the kernel gives to whoever asks for any (ip_local_port_range): nobody else comes to have it by chance
// before the caller.
func FreePort(host string) (port string, err error) {
	for range 100 {
		port = strconv.Itoa(20_000 + rand.IntN(10_000))
		var ln net.Listener
		if ln, err = net.Listen("tcp", net.JoinHostPort(host, port)); err == nil {
			return port, ln.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}
