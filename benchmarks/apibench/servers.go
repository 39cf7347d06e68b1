package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/load"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// server is a running server and what to ask it.
type server struct {
	*servers.Process
	name   string
	target load.Target
}

// asking is the same server with another name and other paths.
func (s server) asking(name string, paths ...string) server {
	s.name, s.target.Paths = name, paths
	return s
}

// startAPI starts a replica without simulated delays.
func startAPI(program, dir, name, dsn string) (server, error) {
	shop, err := servers.StartShop(exec.Command(program), filepath.Join(dir, name+".log"), "WOODY_FRONT=off",
		"WOODY_HEAVY_DELAY=0s", "WOODY_SLOW_QUERY_DELAY=0s", "WOODY_DB_DSN="+dsn, "WOODY_DATA_DIR="+filepath.Join(dir, name))
	if err != nil {
		return server{}, err
	}
	addr := strings.Replace(strings.TrimPrefix(shop.URL, "http://"), "localhost", "127.0.0.1", 1)
	return server{Process: shop.Process, name: name, target: load.Target{Addr: addr}}, nil
}

// startConstant starts this program again as a bare Fiber handler that sends, byte for byte, the
// answer that model gives to path.
func startConstant(dir string, model server, path string) (server, error) {
	ask := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, model.target.Addr)
	conn, err := net.Dial("tcp", model.target.Addr)
	if err != nil {
		return server{}, err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, ask); err != nil {
		return server{}, err
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return server{}, err
	}
	file, log := filepath.Join(dir, "answer"), filepath.Join(dir, "constant.log")
	if err := os.WriteFile(file, []byte(strings.Replace(string(answer), "Connection: close\r\n", "", 1)), 0o644); err != nil {
		return server{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return server{}, err
	}
	process, err := servers.Start(exec.Command(self, "constant", file, path), log)
	if err != nil {
		return server{}, err
	}
	s := server{Process: process, name: "bare Fiber handler", target: load.Target{Paths: []string{path}}}
	return s, process.AwaitReady(10*time.Second, func() error {
		if s.target.Addr = strings.TrimSpace(process.Log()); s.target.Addr == "" {
			return errors.New("it has not said where it listens")
		}
		return nil
	})
}
