package servers

import (
	"net"
	"os"
	"os/exec"
)

// StartSelf runs this very program again with other arguments, and a socket on which it is to serve: see SelfSocket.
// Connections to its address wait until it does.
func StartSelf(logFile string, args ...string) (process *Process, addr string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	return StartOnSocket(exec.Command(self, args...), logFile)
}

// StartOnSocket is like Start, with a socket as StartSelf gives one.
func StartOnSocket(cmd *exec.Cmd, logFile string) (process *Process, addr string, err error) {
	addr, _, given, err := GiveSocket(cmd)
	if err != nil {
		return nil, "", err
	}
	defer given.Close()
	process, err = Start(cmd, logFile)
	return process, addr, err
}

// SelfSocket returns the socket that StartSelf gave this process.
func SelfSocket() (net.Listener, error) { return TakeSocket(3) }
