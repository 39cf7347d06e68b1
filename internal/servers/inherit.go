package servers

import (
	"net"
	"os"
	"os/exec"
	"strconv"
)

// GiveSocket opens a free port of the loopback and gives it to the program that cmd is about to start, as the file
// descriptor fd. Nobody else can take the port in between, and whoever connects before the program accepts waits. Given
// is to be closed once the program was started: the port is open as long as the program has it.
func GiveSocket(cmd *exec.Cmd) (addr string, fd int, given *os.File, err error) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", 0, nil, err
	}
	defer port.Close()
	if given, err = port.(*net.TCPListener).File(); err != nil {
		return "", 0, nil, err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, given)
	return port.Addr().String(), 2 + len(cmd.ExtraFiles), given, nil
}

// TakeSocket returns the socket that this process was given as the file descriptor fd.
func TakeSocket(fd int) (net.Listener, error) {
	file := os.NewFile(uintptr(fd), "socket "+strconv.Itoa(fd))
	defer file.Close()
	return net.FileListener(file)
}
