package servers

import "net"

// FreePort is a port at which nothing listens now, on an address of this machine such as 127.0.0.1.
func FreePort(host string) (string, error) {
	ln, err := net.Listen("tcp", host+":0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	return port, err
}
