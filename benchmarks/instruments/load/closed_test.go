package load_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// TestClosedCountsRight asks a server that knows how often it was asked and refuses every tenth.
func TestClosedCountsRight(t *testing.T) {
	var asked, refused atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%10 == 0 {
			refused.Add(1)
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Length", "5000")
		w.Write([]byte(strings.Repeat("x", 5000)))
	}))
	defer server.Close()
	got, err := load.Closed(load.Target{
		Addr: server.Listener.Addr().String(), Paths: []string{"/a", "/b"},
		Good: func(status int, body []byte) bool { return status == 200 && len(body) == 5000 },
	}, 4, 3*time.Second) // a machine may stall for most of that
	if err != nil {
		t.Fatal(err)
	}
	if got.Bad != int(refused.Load()) || got.Good != int(asked.Load()-refused.Load()) || got.Good == 0 {
		t.Errorf("counted %d good and %d bad; the server answered %d and refused %d",
			got.Good, got.Bad, asked.Load()-refused.Load(), refused.Load())
	}
}

// TestClosedMeasuresAKnownRate asks a server that takes 10 ms: one connection gets at most 100/s.
func TestClosedMeasuresAKnownRate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond)
		w.Write([]byte("x"))
	}))
	defer server.Close()
	got, err := load.Closed(load.Target{Addr: server.Listener.Addr().String(), Paths: []string{"/"}}, 1,
		300*time.Millisecond)
	if err != nil || got.PerSecond() > 100 {
		t.Errorf("%.1f requests/s, %v; want at most 100", got.PerSecond(), err)
	}
}

func TestClosedTellsOfAnAbsentServer(t *testing.T) {
	if _, err := load.Closed(load.Target{Addr: "127.0.0.1:1", Paths: []string{"/"}}, 2, time.Second); err == nil {
		t.Error("a load on nothing had no error")
	}
}
