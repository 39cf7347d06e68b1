package serving

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func mustAnnounce(t *testing.T, file string, pairs ...string) *Announcement {
	t.Helper()
	a, err := Announce(file, pairs...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAnnounce follows a file from a start over a crash, which leaves it, and another start to that one's end.
func TestAnnounce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "listening")
	crashed := mustAnnounce(t, file, "WOODY_ADDR", "127.0.0.1:1")
	a := mustAnnounce(t, file, "WOODY_ADDR", "[::]:2", "WOODY_ADMIN_ADDR", "off")
	want := map[string]string{"WOODY_ADDR": "[::]:2", "WOODY_ADMIN_ADDR": "off", "PID": fmt.Sprint(os.Getpid())}
	if got, err := ReadAnnouncement(file); err != nil || !maps.Equal(got, want) {
		t.Errorf("announced %v, %v; want %v", got, err, want)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o644 {
		t.Errorf("the file is %v, %v; want that anybody may read it", info.Mode(), err)
	}
	crashed.Remove()
	if _, err := ReadAnnouncement(file); err != nil {
		t.Errorf("another process' announcement was removed: %v", err)
	}
	a.Remove()
	a.Remove()
	if _, err := ReadAnnouncement(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: %v, want no file", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	mustAnnounce(t, "").Remove() // nothing was asked for
}

// TestAnnounceIsWhole checks that a file in which many processes announce themselves is whole whenever it is read.
func TestAnnounceIsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "listening")
	mustAnnounce(t, file, "WOODY_ADDR", "first")
	done := make(chan struct{})
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for range 200 {
				if _, err := Announce(file, "WOODY_ADDR", strings.Repeat(fmt.Sprint(i), 1000)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		got, err := ReadAnnouncement(file)
		if n := len(got["WOODY_ADDR"]); err != nil || got["PID"] == "" || n != 1000 && got["WOODY_ADDR"] != "first" {
			t.Fatalf("read %v, %v: not one whole announcement", got, err)
		}
	}
}

// TestAnnounceRefuses checks that nothing is written where no file can be, or where it would take the place of
// something else.
func TestAnnounceRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink("/dev/null", link)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{dir, pipe, link, "/dev/null", "/proc/listening", filepath.Join(dir, "none", "x")} {
		_, err := Announce(file, "WOODY_ADDR", "x")
		if err == nil || !strings.Contains(err.Error(), "WOODY_LISTENING_FILE cannot be written") {
			t.Errorf("%s: %v, want a refusal that names the setting", file, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left are %v, %v; want the pipe and the link", left, err)
	}
}

// TestHealthcheckOfAnAnnouncement asks who announced itself, and not who is at the address.
func TestHealthcheckOfAnAnnouncement(t *testing.T) {
	ready := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer ready.Close()
	addr := ready.Listener.Addr().(*net.TCPAddr).String()
	file := filepath.Join(t.TempDir(), "listening")
	if err := Healthcheck(addr, file); err == nil {
		t.Error("nobody announced itself, and is ready")
	}
	announced := mustAnnounce(t, file, "WOODY_ADDR", addr)
	defer announced.Remove()
	if err := Healthcheck("127.0.0.1:1", file); err != nil {
		t.Errorf("who announced itself: %v", err)
	}
}
