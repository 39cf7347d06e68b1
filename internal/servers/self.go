package servers

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// StartSelf runs this very program again with other arguments, and waits until it has printed, alone,
// the address that it listens on.
func StartSelf(logFile string, args ...string) (process *Process, addr string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	if process, err = Start(exec.Command(self, args...), logFile); err != nil {
		return nil, "", err
	}
	err = process.AwaitReady(10*time.Second, func() error {
		if addr = strings.TrimSpace(process.Log()); addr == "" {
			return errors.New("it has not said where it listens")
		}
		return nil
	})
	return process, addr, err
}
