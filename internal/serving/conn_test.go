package serving

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// mustServe serves an application with a room of places, and ends it with the test.
func mustServe(t *testing.T, app *fiber.App, places int) *listener {
	t.Helper()
	ln := newListener(mustListen(t), newRoom(places, true), slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, app, ln, Drain{Timeout: time.Minute}) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln
}

// caller is a connection on which requests are sent.
type caller struct {
	net.Conn
	answers *bufio.Reader
}

func mustCall(t *testing.T, ln *listener) *caller {
	t.Helper()
	c := mustDial(t, ln)
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &caller{c, bufio.NewReader(c)}
}

func (c *caller) mustSend(t *testing.T, path string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

func (c *caller) mustHear(t *testing.T, want string) {
	t.Helper()
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		t.Fatalf("no answer, want %q: %v", want, err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err != nil || string(got) != want {
		t.Fatalf("the answer is %q (%v), want %q", got, err, want)
	}
}

// mustBeEnded waits for the end of the connection.
func (c *caller) mustBeEnded(t *testing.T) {
	t.Helper()
	if b, err := c.answers.ReadByte(); err != io.EOF {
		t.Errorf("the connection gives %q (%v), want its end", b, err)
	}
}

// awaitIdle waits until n connections are idle.
func awaitIdle(ln *listener, n int) {
	for {
		idle := 0
		ln.room.mu.Lock()
		for c := range ln.room.taken {
			if c.idle.Load() > 0 {
				idle++
			}
		}
		ln.room.mu.Unlock()
		if idle == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestIdleConnectionsGiveWay sends requests to a server whose three places are taken: by a connection whose response is
// under way, by one that has had a response, and by one that has sent nothing yet.
func TestIdleConnectionsGiveWay(t *testing.T) {
	response := make(chan struct{})
	began := make(chan struct{})
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/slow", func(c *fiber.Ctx) error {
		close(began)
		<-response
		return c.SendString("slow")
	})
	app.Get("/quick", func(c *fiber.Ctx) error { return c.SendString("quick") })
	ln := mustServe(t, app, 3)

	slow := mustCall(t, ln)
	slow.mustSend(t, "/slow")
	<-began
	quick := mustCall(t, ln)
	quick.mustSend(t, "/quick")
	quick.mustHear(t, "quick")
	awaitIdle(ln, 1)
	silent := mustCall(t, ln)
	awaitIdle(ln, 2)

	next := mustCall(t, ln)
	next.mustSend(t, "/quick")
	next.mustHear(t, "quick")
	quick.mustBeEnded(t)
	awaitIdle(ln, 2)
	last := mustCall(t, ln)
	last.mustSend(t, "/quick")
	last.mustHear(t, "quick")
	silent.mustBeEnded(t)
	close(response)
	slow.mustHear(t, "slow")
	last.mustSend(t, "/quick")
	last.mustHear(t, "quick")
}
