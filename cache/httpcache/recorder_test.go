package httpcache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// sameAsBare fails the test unless a decorated handler's response, of a fill and of a hit, is the one without the
// cache.
func sameAsBare(t *testing.T, handler http.HandlerFunc, hits bool) *program {
	t.Helper()
	p := mustServe(t, httpcache.Options{}, handler, func(s *site) { s.mux.Handle("/bare/{id}", handler) })
	bare := p.ask(context.Background(), "GET", "/bare/1")
	asks := map[string]reply{"fill": p.ask(context.Background(), "GET", "/toys/1")}
	if hits {
		asks["hit"] = p.ask(context.Background(), "GET", "/toys/1")
		if got := asks["hit"].header.Get("Cache-Status"); !strings.HasPrefix(got, "near; hit") {
			t.Errorf("the hit is %q", got)
		}
	} else if again := p.ask(
		context.Background(), "GET", "/toys/1"); strings.HasPrefix(again.header.Get("Cache-Status"), "near; hit") {
		t.Errorf("%d %q was kept", again.status, again.body)
	}
	for name, got := range asks {
		if got.status != bare.status || got.body != bare.body || (got.err == nil) != (bare.err == nil) {
			t.Errorf("the %s is %d %q %v, without the cache %d %q %v",
				name, got.status, got.body, got.err, bare.status, bare.body, bare.err)
		}
		for _, field := range []string{"Content-Type", "Link", "Content-Encoding", "Last-Modified"} {
			if a, b := got.header[field], bare.header[field]; fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s of the %s = %q, without the cache %q", field, name, a, b)
			}
		}
	}
	return p
}

// TestTheWriterIsNetHTTPs checks what a handler may do with its ResponseWriter against net/http's own.
func TestTheWriterIsNetHTTPs(t *testing.T) {
	for name, row := range map[string]struct {
		handler http.HandlerFunc
		hit     bool
	}{
		"WriteHeader twice": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.WriteHeader(500)
			io.WriteString(w, "x")
		}, true},
		"a field too late": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</early>")
			io.WriteString(w, "x")
			w.Header().Set("Link", "</late>")
			w.Header().Set("Cache-Control", "private")
		}, true},
		"a field too late for a stream": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</early>")
			w.WriteHeader(200)
			w.Header().Set("Link", "</late>")
			w.(http.Flusher).Flush()
		}, false},
		"sniffed": {text("<html><body>x"), true},
		"not to sniff": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "<html>")
		}, true},
		"nosniff": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Content-Type-Options", "nosniff")
			io.WriteString(w, "<html>")
		}, true},
		"an encoded one": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "x")
			io.WriteString(w, "<html>")
		}, true},
		"in many parts": {func(w http.ResponseWriter, _ *http.Request) {
			for i := range 5000 {
				fmt.Fprintln(w, i)
			}
		}, true},
		"its length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
		}, true},
		"a wrong length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "x")
			io.WriteString(w, "abc")
		}, true},
		"chunked": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			io.WriteString(w, "abc")
		}, true},
		"too short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			io.WriteString(w, "abc")
		}, false},
		"too long": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "abc")
			if _, err := io.WriteString(w, "d"); !errors.Is(err, http.ErrContentLength) {
				t.Errorf("a byte too many: %v", err)
			}
		}, true},
		"a body of 204": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("a body of 204: %v", err)
			}
		}, false},
		"a file": {func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "doc.go") }, true},
		"an unknown status": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(299)
			io.WriteString(w, "x")
		}, false},
		"no status": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) }, false},
		"read from": {func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, strings.NewReader("x")) }, true},
	} {
		t.Run(name, func(t *testing.T) { sameAsBare(t, row.handler, row.hit) })
	}
}

// TestTrailers checks that trailers reach the caller, announced or not.
func TestTrailers(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "x")
			w.Header().Set("X-Sum", "7")
		},
		"not announced": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "x")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "7")
		},
	} {
		p := mustServe(t, httpcache.Options{}, handler)
		for range 2 {
			response, err := http.Get(p.url + "/toys/1")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if string(body) != "x" || err != nil || response.Trailer.Get("X-Sum") != "7" {
				t.Errorf("%s: %q, %v, trailer %v", name, body, err, response.Trailer)
			}
		}
	}
}

// TestEarlyHintsGoToWhoAsked checks that 103 responses go to the caller whose request fills, and are not stored with
// the response.
func TestEarlyHintsGoToWhoAsked(t *testing.T) {
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "x")
	})
	hints := 0
	ctx := httptrace.WithClientTrace(t.Context(),
		&httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 && h.Get("Link") != "" {
				hints++
			}
			return nil
		}})
	first, second := p.ask(ctx, "GET", "/toys/1"), p.ask(ctx, "GET", "/toys/1")
	if hints != 1 || first.status != 200 || second.body != "x" || second.header.Get("Link") == "" {
		t.Errorf("%d hints; %+v, then %+v", hints, first, second)
	}
}

// TestTheLongestBodyThatIsKept checks that a body of MaxBody bytes is cached and a longer one is not.
func TestTheLongestBodyThatIsKept(t *testing.T) {
	for length, hit := range map[int]bool{99: true, 100: true, 101: false, 100_000: false} {
		for _, declared := range []bool{false, true} {
			p := mustServe(t, httpcache.Options{MaxBody: 100}, func(w http.ResponseWriter, _ *http.Request) {
				if declared {
					w.Header().Set("Content-Length", fmt.Sprint(length))
				}
				for range length {
					io.WriteString(w, "x")
				}
			})
			p.wantHit(hit, "/toys/1")
			if got := p.get("/toys/1"); got.body != strings.Repeat("x", length) {
				t.Errorf("of %d bytes, %d came", length, len(got.body))
			}
		}
	}
}

// TestAFileThatIsTooLong flows to its caller, revalidates, and is not read in parts.
func TestAFileThatIsTooLong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(file, []byte(strings.Repeat("0123456789", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	p := mustServe(t, httpcache.Options{MaxBody: 100},
		func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	got := p.get("/toys/1", "Range: bytes=1-2")
	if got.status != 200 || len(got.body) != 10_000 || got.header.Get("Content-Length") != "10000" {
		t.Errorf("got %d with %d bytes, %v", got.status, len(got.body), got.header)
	}
	again := p.get("/toys/1", "If-Modified-Since: "+got.header.Get("Last-Modified"))
	if again.status != 304 || again.body != "" {
		t.Errorf("revalidated: %d with %d bytes", again.status, len(again.body))
	}
}

// TestAStreamFlowsWhileOthersAreAnswered streams a response to alice while bob waits for the same fill. It checks that
// bob gets a stream of his own at once, and that a handler's context outlives the fill and ends when its caller leaves.
func TestAStreamFlowsWhileOthersAreAnswered(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	ended := make(chan error, 2)
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun by "+r.Header.Get("Who")+"\n")
		if asked.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	stream := func(who string) (*bufio.Reader, context.CancelFunc) {
		ctx, leave := context.WithCancel(t.Context())
		request, _ := http.NewRequestWithContext(ctx, "GET", p.url+"/toys/1", nil)
		request.Header.Set("Who", who)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Error(err)
			return nil, leave
		}
		t.Cleanup(func() { response.Body.Close() })
		return bufio.NewReader(response.Body), leave
	}
	type opened struct {
		*bufio.Reader
		leave context.CancelFunc
	}
	streams := map[string]chan opened{"alice": make(chan opened), "bob": make(chan opened)}
	begin := func(who string) {
		go func() { body, leave := stream(who); streams[who] <- opened{body, leave} }()
	}
	begin("alice")
	<-h.begun
	begin("bob")
	p.mustWait(2)
	close(h.release)
	alice, bob := <-streams["alice"], <-streams["bob"]
	for who, body := range map[string]opened{"alice": alice, "bob": bob} {
		if line, err := body.ReadString('\n'); line != "begun by "+who+"\n" || err != nil {
			t.Errorf("%s reads %q, %v", who, line, err)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("a stream's context has ended with the fill: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if p.waiting() != 0 {
		t.Errorf("%d wait", p.waiting())
	}
	alice.leave()
	<-ended
	bob.leave()
	<-ended
}

// TestAHijackedConnection checks that when the handler hijacks alice's connection, bob, who waited for the same fill,
// gets a call of his own.
func TestAHijackedConnection(t *testing.T) {
	h := newHeld()
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%5s", r.Header.Get("X-Caller"))
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("a write behind it: %v", err)
		}
	})
	if alice, bob := h.joinHeld(p, "/toys/1"); alice.body != "alice" || bob.body != "  bob" {
		t.Errorf("alice got %q, bob %q", alice.body, bob.body)
	}
}

// TestWhatIsTheConnections checks that a handler can set deadlines and enable full duplex, as without the cache.
func TestWhatIsTheConnections(t *testing.T) {
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		rc := http.NewResponseController(w)
		for _, err := range []error{rc.SetWriteDeadline(time.Now().Add(time.Minute)), rc.SetReadDeadline(time.Time{}),
			rc.EnableFullDuplex()} {
			if err != nil {
				t.Error(err)
			}
		}
		io.WriteString(w, "x")
	})
	p.wantHit(true, "/toys/1")
}

// TestABodyOfAGetPassesBy checks that a GET with a body bypasses the cache, whatever its framing.
func TestABodyOfAGetPassesBy(t *testing.T) {
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for _, framing := range []string{"Content-Length: 1\r\n\r\n%d",
		"Transfer-Encoding: chunked\r\n\r\n1\r\n%d\r\n0\r\n\r\n"} {
		for i := range 3 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET /toys/1 HTTP/1.1\r\nHost: x\r\n"+framing, i)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			if string(body) != fmt.Sprint(i) || response.Header.Get("Cache-Status") != "near; fwd=bypass" {
				t.Errorf("%q of %d (%s)", body, i, response.Header.Get("Cache-Status"))
			}
		}
	}
}
