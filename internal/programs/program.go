// Package programs starts the programs of this repository, and the servers whose configuration ships with it, for tests
// and benchmarks.
package programs

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/serving"
)

// builtIn is the variable that names a folder in which a caller of several test programs has built the commands, such
// that none of them need build one again.
const builtIn = "WOODYTEST_PROGRAMS"

// build builds a command of this module into a file, with more flags of go build. Without such flags the file may be a
// link to one that is built already.
func build(command, file string, flags ...string) error {
	if dir := os.Getenv(builtIn); dir != "" && len(flags) == 0 {
		built := filepath.Join(dir, path.Base(command))
		if _, err := os.Stat(built); err != nil {
			return fmt.Errorf("build the %s: %s names a folder without it: %w", command, builtIn, err)
		}
		return os.Symlink(built, file)
	}
	args := append([]string{"build", "-ldflags=-s -w", "-o", file}, flags...)
	cmd := exec.Command("go", append(args, "github.com/woodytoys/woodytoys/"+command)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the %s: %w\n%s", command, err, out)
	}
	return nil
}

// listeningFile begins the setting for the file in which a program is to announce itself (see serving.Announce).
const listeningFile = "WOODY_LISTENING_FILE="

// configure gives a command settings, of which the last counts. Where it has no environment, those that this process
// has are not among them: what is measured or tested is the same in every shell.
func configure(cmd *exec.Cmd, settings []string) {
	env := cmd.Environ()
	if cmd.Env == nil {
		env = slices.DeleteFunc(env, func(v string) bool {
			return strings.HasPrefix(v, "WOODY_") || strings.HasPrefix(v, "OTEL_")
		})
	}
	cmd.Env = append(env, settings...)
}

// startProgram starts a program of ours with settings, as configure does. What it prints goes to logFile, and it
// announces itself in the file that is returned.
func startProgram(cmd *exec.Cmd, logFile string, settings ...string) (p *servers.Process, file string, err error) {
	settings = append([]string{listeningFile + logFile + ".listening"}, settings...)
	for _, setting := range settings {
		if named, found := strings.CutPrefix(setting, listeningFile); found {
			file = named
		}
	}
	configure(cmd, settings)
	p, err = servers.Start(cmd, logFile)
	return p, file, err
}

// startOpen starts a program and waits until it is ready. One that is not in time is killed; it is returned beside the
// error, for its log, with what it has announced. It is nil where it could not be started at all.
func startOpen(cmd *exec.Cmd, logFile string, settings ...string) (
	p *servers.Process, announced map[string]string, err error,
) {
	p, announcement, err := startProgram(cmd, logFile, settings...)
	if err != nil {
		return nil, nil, err
	}
	if announced, err = awaitOpen(p, announcement); err != nil {
		p.Kill()
	}
	return p, announced, err
}

// awaitOpen waits until a program has announced where it listens and responds there on /readyz that it is ready. What
// it announced is returned even if it never is; nil when it announced nothing.
func awaitOpen(p *servers.Process, announcement string) (announced map[string]string, err error) {
	err = p.AwaitReady(servers.Patience, func() (err error) {
		if announced == nil {
			if announced, err = announcedBy(p.PID(), announcement); err != nil {
				return err
			}
		}
		return wantOK(http.DefaultClient, "http://"+announced["WOODY_ADDR"]+"/readyz")
	})
	return announced, err
}

// announcedBy returns what a process announced. It is an error when the file is not there, or another's.
func announcedBy(pid int, file string) (map[string]string, error) {
	announced, err := serving.ReadAnnouncement(file)
	if err != nil {
		return nil, fmt.Errorf("it has not announced where it listens: %w", err)
	}
	if announced["PID"] != strconv.Itoa(pid) {
		return nil, fmt.Errorf("process %s announced itself in %s, and not %d", announced["PID"], file, pid)
	}
	return announced, nil
}

// localURL returns how a browser on this machine reaches an address of the loopback: by name.
func localURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if host == "127.0.0.1" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// wantOK returns nil if a GET of the URL is answered 200.
func wantOK(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
