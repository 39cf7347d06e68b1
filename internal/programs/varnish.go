package programs

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// Varnish is a running edge: varnishd with the VCL that ships, started by the entrypoint that ships.
// The Process is the entrypoint.
type Varnish struct {
	*servers.Process
	// Addr is where it listens, HOST:PORT, and URL the same with http:// before it.
	Addr, URL string
	dir       string
}

// StartVarnish starts the edge on a free port of the loopback, before the origin at one or several
// addresses HOST:PORT, and waits until it is ready. The settings ("WOODY_CDN_X=…", see
// cdn/entrypoint --help) may say otherwise; the last counts. Unless they do, the edge's hosts are
// cdn.* and this machine (127.0.0.1, localhost, *.localhost), and it may keep 64 MB. It must be called
// from within the repository.
func StartVarnish(origin []string, settings ...string) (*Varnish, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	if _, err := servers.LookPath("varnishd"); err != nil {
		return nil, err
	}
	if err := lookAtFiles("cdn"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "woody-varnish")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(root, "cdn", "entrypoint"))
	settings = append([]string{
		"WOODY_ADDR=127.0.0.1:0", "WOODY_CDN_ORIGIN=" + strings.Join(origin, " "), "WOODY_CDN_MEMORY=64M",
		"WOODY_CDN_HOSTS=cdn.* 127.0.0.1 localhost *.localhost", "WOODY_CDN_DIR=" + filepath.Join(dir, "edge"),
	}, settings...)
	process, announcement, err := startProgram(cmd, filepath.Join(dir, "log"), settings...)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	announced, err := awaitOpen(process, announcement)
	addr := announced["WOODY_ADDR"]
	v := &Varnish{Process: process, Addr: addr, URL: "http://" + addr, dir: dir}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// Kill ends the edge at once, as the loss of its machine would, and waits until nothing listens.
func (v *Varnish) Kill() {
	if pid, err := os.ReadFile(filepath.Join(v.Dir(), "_.pid")); err == nil {
		if varnishd, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
			_ = syscall.Kill(-varnishd, syscall.SIGKILL) // varnishd has a process group of its own
		}
	}
	v.Process.Kill()
	for v.Listens() {
		time.Sleep(time.Millisecond)
	}
}

// Listens reports whether the edge still takes connections: varnishd's worker ends a little after its
// manager.
func (v *Varnish) Listens() bool {
	conn, err := net.DialTimeout("tcp", v.Addr, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// Dir returns varnishd's working folder, by which its tools find it.
func (v *Varnish) Dir() string { return filepath.Join(v.dir, "edge") }

// Counter returns one of varnishd's counters, such as MAIN.n_lru_nuked; counters that match a pattern are
// added up.
func (v *Varnish) Counter(pattern string) (sum int64, err error) {
	out, err := exec.Command("varnishstat", "-n", v.Dir(), "-1", "-f", pattern).Output()
	if err != nil {
		return 0, fmt.Errorf("varnishstat %s: %w", pattern, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, line := range lines {
		var name string
		var value int64
		if _, err := fmt.Sscan(line, &name, &value); err != nil {
			return 0, fmt.Errorf("varnishstat %s says %q: %w", pattern, line, err)
		}
		sum += value
	}
	return sum, nil
}

// Close ends the edge and removes its folder.
func (v *Varnish) Close() {
	v.Stop(5 * time.Second)
	if v.Addr != "" {
		v.Kill()
	}
	os.RemoveAll(v.dir)
}

// lookAtFiles stats each file of a folder of the repository, so that go test runs a test again when one changes: it
// does not see what another program reads.
func lookAtFiles(folder string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*"))
	for _, file := range files {
		_, failed := os.Stat(file)
		err = errors.Join(err, failed)
	}
	return err
}

// repository returns the folder of this repository, which the working directory must be in.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "stack.yml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not within the repository: there is no stack.yml here or above")
		}
		dir = filepath.Dir(dir)
	}
}
