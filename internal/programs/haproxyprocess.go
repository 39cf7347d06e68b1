package programs

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// haproxyProcess is a running HAProxy, in a folder of its own.
type haproxyProcess struct {
	*servers.Process
	// MetricsURL is the inner port, where /metrics is.
	MetricsURL string

	dir string
}

// startHAProxy starts HAProxy with a configuration and settings ("BALANCE=random"), and waits until it responds. The
// keys of binds are settings that say where to listen: at free ports of the loopback, HOST:PORT, which become their
// values; NAME_PORT is that of NAME_BIND. MetricsURL is that of METRICS_BIND.
func startHAProxy(configuration string, settings []string, binds map[string]*string) (p haproxyProcess, err error) {
	program, err := servers.LookPath("haproxy")
	if err != nil {
		return p, err
	}
	if p.dir, err = os.MkdirTemp("", "woody-haproxy"); err != nil {
		return p, err
	}
	if err = p.start(program, configuration, settings, binds); err != nil {
		p.Close()
	}
	return p, err
}

func (p *haproxyProcess) start(program, configuration string, settings []string, binds map[string]*string) error {
	file := filepath.Join(p.dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(program, "-db", "-f", file)
	cmd.Env = os.Environ()
	var metrics string
	binds["METRICS_BIND"] = &metrics
	// It gets its ports open: nobody else can take them in between.
	for bind, to := range binds {
		addr, fd, given, err := servers.GiveSocket(cmd)
		if err != nil {
			return err
		}
		defer given.Close()
		*to = addr
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=fd@%d", bind, fd),
			strings.TrimSuffix(bind, "BIND")+"PORT="+addr[strings.LastIndex(addr, ":")+1:])
	}
	cmd.Env = append(cmd.Env, settings...)
	p.MetricsURL = "http://" + metrics
	var err error
	if p.Process, err = servers.Start(cmd, filepath.Join(p.dir, "log")); err != nil {
		return err
	}
	client := http.Client{Timeout: time.Second} // the port takes connections before the proxy does
	return p.AwaitReady(servers.Patience, func() error { return wantOK(&client, p.MetricsURL+"/healthz") })
}

// Close ends the proxy at once and removes its folder.
func (p *haproxyProcess) Close() {
	if p.Process != nil {
		p.Kill()
	}
	os.RemoveAll(p.dir)
}
