package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// startProxy starts HAProxy with a configuration before api, and waits until it passes the read on.
func startProxy(dir string, r rung, api, accessLog string) (versus.Side, *servers.Process, error) {
	program, err := servers.LookPath("haproxy")
	if err != nil {
		return versus.Side{}, nil, err
	}
	if dir, err = os.MkdirTemp(dir, "proxy"); err != nil {
		return versus.Side{}, nil, err
	}
	file := filepath.Join(dir, "haproxy.cfg")
	cfg := programs.HAProxyConfig{API: []string{api}}
	if err := os.WriteFile(file, []byte(cfg.Fill(r.text)), 0o644); err != nil {
		return versus.Side{}, nil, err
	}
	cmd := exec.Command(program, "-db", "-f", file)
	cmd.Env = append(os.Environ(), "BALANCE=leastconn", "STICKY=off", "RATE_LIMIT=", "TRUSTED_PROXIES=",
		"ACCESS_LOG="+accessLog, "HTTP_BIND=fd@3",
		"METRICS_BIND=unix@"+filepath.Join(dir, "metrics"), "WRITES_BIND=unix@"+filepath.Join(dir, "writes"))
	process, addr, err := servers.StartOnSocket(cmd, filepath.Join(dir, "log"))
	if err != nil {
		return versus.Side{}, nil, err
	}
	target := load.Target{Addr: addr, Paths: []string{read}}
	if err := process.AwaitReady(servers.Patience, func() error { return ask(addr) }); err != nil {
		process.Kill()
		return versus.Side{}, nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return versus.Side{Name: r.name, PID: process.PID(), Target: target}, process, nil
}

// ask returns an error unless the read is answered with 200.
func ask(addr string) error {
	conn, err := load.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	response, err := conn.Ask(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", read, addr))
	if err == nil && response.Status != 200 {
		err = fmt.Errorf("GET %s is answered %d", read, response.Status)
	}
	return err
}
