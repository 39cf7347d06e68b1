package callers_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/callers"
)

// mustConnect returns both ends of a TCP connection over which a request has come, and what else was sent with it.
func mustConnect(t *testing.T, more func(client *net.TCPConn)) (server net.Conn, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client = conn.(*net.TCPConn)
	t.Cleanup(func() { client.Close() })
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	const request = "GET / HTTP/1.0\r\n\r\n"
	if _, err := client.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if more != nil {
		more(client)
	}
	if _, err := server.Read(make([]byte, len(request))); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func mustEnd(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("after 30 s the context of a caller who left has not ended")
	}
}

// looks is longer than three looks take.
const looks = 500 * time.Millisecond

func mustGoOn(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
		t.Fatal("the context of a caller who waits has ended")
	case <-time.After(looks):
	}
}

// TestCallersWhoLeave checks that the context ends when a waiting caller leaves, in each way that there is.
func TestCallersWhoLeave(t *testing.T) {
	for how, leave := range map[string]func(client *net.TCPConn){
		"close": func(client *net.TCPConn) { client.Close() },
		"reset": func(client *net.TCPConn) { _ = client.SetLinger(0); client.Close() },
		"close behind a second request": func(client *net.TCPConn) {
			_, _ = client.Write([]byte("GET /next HTTP/1.0\r\n\r\n"))
			client.Close()
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			server, client := mustConnect(t, nil)
			ctx, stop := callers.Watch(callers.Process(t.Context()), server)
			defer stop()
			mustGoOn(t, ctx)
			leave(client)
			mustEnd(t, ctx)
		})
	}
}

// TestHalfClosedCallersWait checks that a caller who sends FIN after its request, as nc -N does, and reads on, does not
// count as gone.
func TestHalfClosedCallersWait(t *testing.T) {
	t.Parallel()
	server, client := mustConnect(t, func(client *net.TCPConn) {
		if err := client.CloseWrite(); err != nil {
			t.Error(err)
		}
	})
	ctx, stop := callers.Watch(callers.Process(t.Context()), server)
	defer stop()
	mustGoOn(t, ctx)
	_ = client.SetLinger(0)
	client.Close()
	_, _ = server.Write([]byte("x")) // has the kernel of one who is gone say so
	mustEnd(t, ctx)
}

// wrapped is a connection around another one.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func TestWatchSeesThroughWrappers(t *testing.T) {
	t.Parallel()
	server, client := mustConnect(t, nil)
	ctx, stop := callers.Watch(callers.Process(t.Context()), wrapped{wrapped{server}})
	defer stop()
	mustGoOn(t, ctx)
	client.Close()
	mustEnd(t, ctx)
}

// TestBegun ends a caller, and then the process: what has begun goes on until the second.
func TestBegun(t *testing.T) {
	process, end := context.WithCancel(t.Context())
	one, other := net.Pipe() // of which nobody is seen to leave
	defer one.Close()
	defer other.Close()
	caller, leave := callers.Watch(callers.Process(process), one)
	deadline := time.Now().Add(time.Hour)
	bounded, cancel := context.WithDeadline(caller, deadline)
	defer cancel()
	begun, done := callers.Begun(bounded)
	defer done()
	leave()
	if bounded.Err() == nil || begun.Err() != nil {
		t.Errorf("the caller left: its context has ended with %v, what it began with %v", bounded.Err(), begun.Err())
	}
	if got, _ := begun.Deadline(); !got.Equal(deadline) {
		t.Errorf("the deadline of what has begun is %v, want its caller's, %v", got, deadline)
	}
	end()
	if begun.Err() == nil {
		t.Error("the process ends, and what has begun goes on")
	}
	if ctx, done := callers.Begun(t.Context()); ctx != t.Context() {
		t.Error("the context of nobody's is not left as it is")
	} else {
		done()
	}
}

func BenchmarkWatch(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	process := callers.Process(b.Context())
	for b.Loop() {
		_, stop := callers.Watch(process, conn)
		stop()
	}
}
