package serving

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// counted counts how often the deadline for reading is set.
type counted struct {
	net.Conn
	set int
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.set++
	return c.Conn.SetReadDeadline(t)
}

// mustPair returns the two ends of a connection: the one that fasthttp would have, and the client's.
func mustPair(t *testing.T, p patience) (c *conn, below *counted, client net.Conn) {
	t.Helper()
	ln := mustListen(t)
	client = mustDial(t, ln)
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	below = &counted{Conn: accepted}
	return &conn{Conn: framing.NewConn(below), stall: callerStall, reads: arrival{patience: p}}, below, client
}

const wholeRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// mustPass sends text and reads it.
func mustPass(t *testing.T, c *conn, client net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(client, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len(text))); err != nil {
		t.Fatalf("%q, which has come: %v", text, err)
	}
}

// mustEnd reads what does not come, and checks that this ends at a deadline after `from` and not before its end.
func mustEnd(t *testing.T, c *conn, from time.Time, after time.Duration) {
	t.Helper()
	_, err := c.Read(make([]byte, 1))
	if took := time.Since(from); !errors.Is(err, os.ErrDeadlineExceeded) || took < after {
		t.Errorf("a read of nothing: %v after %v, want os.ErrDeadlineExceeded after %v", err, took, after)
	}
}

const short = 40 * time.Millisecond

// TestABusyConnectionKeepsItsDeadline checks that the deadline of a connection is set once for its first request and
// once for the hundred that follow.
func TestABusyConnectionKeepsItsDeadline(t *testing.T) {
	c, below, client := mustPair(t, patience{arrive: time.Hour, idle: 5 * time.Hour})
	for range 101 {
		mustPass(t, c, client, wholeRequest)
	}
	if below.set != 2 {
		t.Errorf("the deadline was set %d times for 101 requests, want twice", below.set)
	}
}

// TestRequestsArriveInTime checks how long a connection waits for its first request, for the next, and for the rest of
// one, which has no more time when some of it comes.
func TestRequestsArriveInTime(t *testing.T) {
	t.Run("first", func(t *testing.T) {
		c, _, _ := mustPair(t, patience{arrive: short, idle: time.Hour})
		mustEnd(t, c, time.Now(), short)
	})
	t.Run("next", func(t *testing.T) {
		c, _, client := mustPair(t, patience{arrive: time.Hour, idle: short})
		mustPass(t, c, client, wholeRequest)
		mustEnd(t, c, time.Now(), short*15/16)
	})
	for name, begun := range map[string]string{
		"head": "GET", "body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", "empty line": "\r\n",
		"second of two": wholeRequest + "GET",
	} {
		t.Run(name, func(t *testing.T) {
			c, _, client := mustPair(t, patience{arrive: short, idle: time.Hour})
			c.reads.arrive = time.Hour
			mustPass(t, c, client, wholeRequest)
			c.reads.arrive = short
			mustPass(t, c, client, begun)
			mustEnd(t, c, time.Now(), short)
		})
	}
}

// TestATrickleEnds sends a request byte by byte, each in time by itself.
func TestATrickleEnds(t *testing.T) {
	c, _, client := mustPair(t, patience{arrive: 10 * short, idle: time.Hour})
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			_, _ = io.WriteString(client, "G") // fails when the other end is closed
			select {
			case <-stop:
				return
			case <-time.After(short):
			}
		}
	}()
	for began := time.Now(); ; {
		switch _, err := c.Read(make([]byte, 1)); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil:
			t.Fatal(err)
		case time.Since(began) > time.Minute:
			t.Fatal("a request that is still coming after a minute had 400 ms")
		}
	}
}

// TestEachPipelinedRequestHasItsTime sends requests each of which comes with the beginning of the next, for longer than
// one may take.
func TestEachPipelinedRequestHasItsTime(t *testing.T) {
	c, _, client := mustPair(t, patience{arrive: time.Hour, idle: time.Hour})
	mustPass(t, c, client, wholeRequest[:4])
	deadlines := map[int64]bool{}
	for range 10 {
		mustPass(t, c, client, wholeRequest[4:]+wholeRequest[:4])
		deadlines[c.reads.by] = true
	}
	if len(deadlines) != 10 {
		t.Errorf("10 requests had %d deadlines", len(deadlines))
	}
}

// TestServeWaitsAsTheServerWould checks that an application's own timeouts hold on the connections of Serve.
func TestServeWaitsAsTheServerWould(t *testing.T) {
	app := fiber.New(fiber.Config{ReadTimeout: short, IdleTimeout: 2 * short, DisableStartupMessage: true})
	app.Get("/", func(*fiber.Ctx) error { return nil })
	ln, err := Listen("127.0.0.1:0", slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, app, ln, Drain{Timeout: time.Minute}) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	for name, sent := range map[string]string{"nothing": "", "a part": wholeRequest[:5], "one": wholeRequest} {
		t.Run(name, func(t *testing.T) {
			client := mustDial(t, ln)
			if _, err := io.WriteString(client, sent); err != nil {
				t.Fatal(err)
			}
			client.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, client); err != nil { // until the server closes it
				t.Errorf("the connection is not closed in its time: %v", err)
			}
		})
	}
}
