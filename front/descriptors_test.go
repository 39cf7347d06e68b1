package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestOutOfDescriptors opens 200 silent connections to a front that may have 64 descriptors, and checks that it
// responds to another.
func TestOutOfDescriptors(t *testing.T) {
	few := exec.Command("sh", "-c", `ulimit -n 64 && exec "$0"`, os.Args[0])
	few.Env = append(os.Environ(), beTheFront+"=1", "WOODY_API_URL=http://"+nobody)
	front, err := programs.StartFront(few, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Kill)
	crowd := make([]net.Conn, 200)
	for i := range crowd {
		if crowd[i], err = net.Dial("tcp", front.Addr); err != nil {
			t.Fatal(err)
		}
		defer crowd[i].Close()
	}
	if err := front.AwaitLog("all connections are taken"); err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(front.URL + "/robots.txt")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("beside the crowd: %s", response.Status)
	}
}
