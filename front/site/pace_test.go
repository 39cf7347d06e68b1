package site_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/front/art"
	"github.com/woodytoys/woodytoys/front/site"
)

// Times here have much room above, for a machine that is busy with other tests; stream_test.go has the exact ones.

// TestHeroTakesItsTime checks the lab's limit of 300k, ten times faster: the hero takes 1.6 to 1.8 s instead of 16 to
// 18 s.
func TestHeroTakesItsTime(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{LimitRate: 3_000_000})
	took, waits := fetchHero(t, base)
	if took < 1600*time.Millisecond || took > 15*time.Second {
		t.Errorf("the hero took %s, want 1.6 to 1.8 s, or up to 15 s on a busy machine", took)
	}
	if waits < 10 {
		t.Errorf("it came in %d parts, want one every 50 ms or so, or ten on a machine that stalls", waits+1)
	}
}

// TestEachConnectionHasItsOwnRate asks for five seconds' worth of bytes on four connections at once. If they shared one
// rate, the last would end after 20 s.
func TestEachConnectionHasItsOwnRate(t *testing.T) {
	t.Parallel()
	base := mustStartShop(t, newFakeAPI(), site.Config{LimitRate: 50_000})
	begun := time.Now()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			part, err := ask(t.Context(), http.MethodGet, base+"/5mo.jpg", "Range", "bytes=0-249999")
			if err != nil || len(part.body) != 250_000 {
				t.Errorf("%d bytes came (%v), want 250000", len(part.body), err)
			}
			if took := time.Since(begun); took < 4990*time.Millisecond || took > 18*time.Second {
				t.Errorf("beside three others it took %s, want 5 s, or up to 18 s on a busy machine", took)
			}
		})
	}
	all.Wait()
}

// fetchHero reads the hero over a connection of its own and returns how long that took, and how often it had to wait
// for more.
func fetchHero(t *testing.T, base string) (took time.Duration, waits int) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	begun := time.Now()
	response, err := client.Get(base + "/5mo.jpg")
	if err != nil {
		t.Errorf("fetch the hero: %v", err)
		return 0, 0
	}
	defer response.Body.Close()
	var got bytes.Buffer
	last := time.Now()
	piece := make([]byte, 64<<10)
	for err == nil {
		var n int
		n, err = response.Body.Read(piece)
		got.Write(piece[:n])
		if time.Since(last) > 5*time.Millisecond {
			waits++
		}
		last = time.Now()
	}
	if err != io.EOF || !bytes.Equal(got.Bytes(), art.Picture("hero.jpg")) {
		t.Errorf("%d bytes came that are not the hero's %d: %v", got.Len(), len(art.Picture("hero.jpg")), err)
	}
	return time.Since(begun), waits
}

func TestPageIsPacedToo(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{LimitRate: 50_000})
	mustAsk(t, http.MethodHead, base+"/")
	begun := time.Now()
	page := mustAsk(t, http.MethodGet, base+"/")
	if took, want := time.Since(begun), time.Duration(len(page.body))*time.Second/50_000; took < want*9/10 {
		t.Errorf("%d bytes took %s, want about %s", len(page.body), took, want)
	}
}

// TestClientThatLeaves waits for the log to say that the site noticed, long before the response would have ended.
func TestClientThatLeaves(t *testing.T) {
	log := &logWatcher{said: make(chan string, 8)}
	base := mustStartShop(t, newFakeAPI(), site.Config{LimitRate: 100_000, Logger: slog.New(log)})
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	if _, err := conn.Write([]byte("GET /5mo.jpg HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatalf("ask: %v", err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 2_000)); err != nil {
		t.Fatalf("read the beginning: %v", err)
	}
	conn.Close()
	select {
	case got := <-log.said:
		if got != "client left" {
			t.Errorf("the log says %q, want that the client left", got)
		}
	case <-time.After(40 * time.Second): // the whole hero would take 50 s
		t.Fatal("the site still sends to a client that has left")
	}
}

// logWatcher passes the messages that it logs on to a test.
type logWatcher struct{ said chan string }

func (l *logWatcher) Enabled(context.Context, slog.Level) bool { return true }
func (l *logWatcher) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logWatcher) WithGroup(string) slog.Handler            { return l }

func (l *logWatcher) Handle(_ context.Context, r slog.Record) error {
	l.said <- r.Message
	return nil
}
