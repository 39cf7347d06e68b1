package servers_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "greet" {
		greet()
		return
	}
	os.Exit(m.Run())
}

// greet serves one connection on the socket that this process was given.
func greet() {
	ln, err := servers.SelfSocket()
	if err != nil {
		panic(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, "good day")
	conn.Close()
}

// TestStartSelf connects before the program can have begun to accept, and is served.
func TestStartSelf(t *testing.T) {
	process, addr, err := servers.StartSelf(filepath.Join(t.TempDir(), "log"), "greet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "good day" {
		t.Errorf("read %q, %v\n%s", got, err, process.Log())
	}
	if err := process.Wait(); err != nil {
		t.Errorf("%v\n%s", err, process.Log())
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the port is open though the program has ended")
	}
}
