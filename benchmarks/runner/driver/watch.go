package driver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// Watch is what watches a running stage: what stage observability adds to it, without Grafana.
type Watch struct {
	prometheus *servers.Prometheus
	processes  []*servers.Process
	end        func()
}

// Pause stops them until Resume. Whom Prometheus has missed meanwhile it then asks once, at once, and goes on
// as if there had been no pause.
func (w *Watch) Pause() error { return w.signal(syscall.SIGSTOP) }

// Resume continues them, if they are paused.
func (w *Watch) Resume() error { return w.signal(syscall.SIGCONT) }

func (w *Watch) signal(signal syscall.Signal) (all error) {
	for _, process := range w.processes {
		all = errors.Join(all, process.Signal(signal))
	}
	return all
}

// Targets returns how many of the targets that Prometheus has asked by now answered it, and how many did not.
func (w *Watch) Targets() (up, down int, err error) {
	samples, err := w.prometheus.Query("up")
	for _, s := range samples {
		if s.Value == 1 {
			up++
		} else {
			down++
		}
	}
	return up, down, err
}

// End ends who watches.
func (w *Watch) End() { w.end() }

// watchPrograms are what has to be installed.
var watchPrograms = []string{"prometheus", "prometheus-alertmanager", "prometheus-node-exporter",
	"prometheus-mysqld-exporter", "prometheus-redis-exporter"}

// Unwatched implements Driver.
func (l *Local) Unwatched() string {
	for _, name := range watchPrograms {
		if _, err := servers.LookPath(name); err != nil {
			return err.Error()
		}
	}
	return ""
}

// Watch implements Driver. The observer finds replicas by a name that has the addresses of all, with one port: here,
// where they have one address and ports of their own, it looks at one of them and at the proxy. That makes as many
// reads and writes.
func (l *Local) Watch(running *Running) (*Watch, error) {
	w := &watching{Local: l, running: running, watched: map[string][]string{}}
	ends, parts := len(l.ends), len(running.Parts)
	end := func() {
		l.endBut(ends)
		running.Parts = running.Parts[:parts]
	}
	prometheus, err := w.start()
	if err != nil {
		end()
		return nil, fmt.Errorf("watch stage %s: %w", running.Name, err)
	}
	return &Watch{prometheus, w.processes, end}, nil
}

// watching is what is being started.
type watching struct {
	*Local
	running   *Running
	processes []*servers.Process
	watched   map[string][]string // the addresses of each service's figures
}

// add adds a process to those who watch.
func (w *watching) add(name string, process *servers.Process, end func()) {
	w.ends, w.processes = append(w.ends, w.watch(name, process, end)), append(w.processes, process)
	w.running.Parts = append(w.running.Parts, Part{Name: name, PIDs: []int{process.PID()}, Watcher: true})
}

func (w *watching) start() (*servers.Prometheus, error) {
	root, err := moduleFolder()
	if err != nil {
		return nil, err
	}
	files, err := w.render(root)
	if err != nil {
		return nil, err
	}
	w.watched["reverse-proxy"] = []string{w.running.metrics}
	for _, admin := range w.running.Admin {
		w.watched["api"] = append(w.watched["api"], loopback(admin))
	}
	if err := w.startExporters(root); err != nil {
		return nil, err
	}
	if err := w.startObserver(); err != nil {
		return nil, err
	}
	alertmanager, err := servers.StartAlertmanager(files["alertmanager.yml"])
	if err != nil {
		return nil, err
	}
	w.add("alertmanager", alertmanager.Process, alertmanager.Close)
	w.watched["alertmanager"] = []string{alertmanager.Addr}
	return w.startPrometheus(files)
}

// render returns the files that the stage is deployed with, by name.
func (w *watching) render(root string) (map[string]string, error) {
	dir := filepath.Join(w.dir, "observability")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(root, "observability", "render"), dir, "redis")
	cmd.Env = append(os.Environ(), fmt.Sprint("EXPECTED=api=", len(w.running.Replicas)), "ALERT_SPEED=1",
		"ALERT_WEBHOOK=", "ALERTMANAGER_CONFIG=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("observability/render: %w\n%s", err, out)
	}
	files := map[string]string{}
	for _, name := range []string{"prometheus.yml", "rules.yml", "alertmanager.yml"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, nil
}

func (w *watching) startExporters(root string) error {
	collectors, err := nodeCollectors(root)
	if err != nil {
		return err
	}
	for _, one := range []struct {
		name  string
		start func() (*servers.Exporter, error)
	}{
		{"node-exporter", func() (*servers.Exporter, error) {
			return servers.StartNodeExporter("/proc", collectors...)
		}},
		{"database-exporter", w.mariadb.StartExporter},
		{"redis-exporter", w.running.redis.StartExporter},
	} {
		exporter, err := one.start()
		if err != nil {
			return err
		}
		w.add(one.name, exporter.Process, exporter.Close)
		w.watched[one.name] = []string{exporter.Addr}
	}
	return nil
}

func (w *watching) startObserver() error {
	if w.observer == "" {
		file := filepath.Join(w.dir, "observer")
		if err := programs.BuildObserver(file); err != nil {
			return err
		}
		w.observer = file
	}
	_, adminPort, err := net.SplitHostPort(loopback(w.running.Admin[0]))
	if err != nil {
		return err
	}
	observer, err := programs.StartObserver(exec.Command(w.observer), filepath.Join(w.dir, "observer.log"),
		"WOODY_OBSERVER_API="+w.running.Replicas[0], "WOODY_OBSERVER_ADMIN_PORT="+adminPort,
		"WOODY_OBSERVER_PROXY=http://"+w.running.Addr, "WOODY_LOG_LEVEL=warn")
	if err != nil {
		return err
	}
	w.add("observer", observer.Process, observer.Kill)
	w.watched["observer"] = []string{loopback(observer.URL)}
	return nil
}

func (w *watching) startPrometheus(files map[string]string) (*servers.Prometheus, error) {
	var unfilled error
	prometheus, err := servers.StartPrometheus(func(addr string) map[string]string {
		w.watched["prometheus"] = []string{addr}
		var config string
		config, unfilled = programs.FillPrometheus(files["prometheus.yml"], w.watched)
		return map[string]string{"prometheus.yml": config, "rules.yml": files["rules.yml"]}
	})
	if err != nil {
		return nil, err
	}
	w.add("prometheus", prometheus.Process, prometheus.Close)
	return prometheus, errors.Join(unfilled, prometheus.AwaitReady(servers.Patience, func() error {
		return w.wantFound(prometheus)
	}))
}

// wantFound returns nil once Prometheus has found everyone whom it is to ask: a few seconds after it was started.
func (w *watching) wantFound(prometheus *servers.Prometheus) error {
	want := 0
	for _, addresses := range w.watched {
		want += len(addresses)
	}
	found, err := prometheus.ActiveTargets()
	if err == nil && found != want {
		err = fmt.Errorf("it has found %d targets of %d", found, want)
	}
	time.Sleep(50 * time.Millisecond)
	return err
}

// collector is a line of the stack file's with a flag for the node's exporter. Dollars are doubled there.
var collector = regexp.MustCompile(`(?m)^ +- (--collector\.\S+)$`)

// nodeCollectors returns what the stage has the node's exporter collect, as its flags.
func nodeCollectors(root string) (flags []string, err error) {
	stack, err := os.ReadFile(filepath.Join(root, "stack-observability.yml"))
	if err != nil {
		return nil, err
	}
	for _, line := range collector.FindAllStringSubmatch(string(stack), -1) {
		flags = append(flags, strings.ReplaceAll(line[1], "$$", "$"))
	}
	if len(flags) == 0 {
		return nil, errors.New("stack-observability.yml names no collector of the node's exporter")
	}
	return flags, nil
}

// loopback returns the HOST:PORT of a URL of this machine.
func loopback(url string) string {
	return strings.Replace(strings.TrimPrefix(url, "http://"), "localhost", "127.0.0.1", 1)
}
