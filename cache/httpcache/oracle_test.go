package httpcache_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/woodytoys/woodytoys/cache/httpcache"
)

var oracleReads = flag.Int("oracle-reads", 8_000, "how many reads the oracle checks over HTTP")

// TestOracle reads over HTTP under concurrent writes on few keys. Before each read it takes the highest version
// acknowledged; the answer may not hold an older one. Some answers name their tags late, some are flushed, and some
// callers leave.
func TestOracle(t *testing.T) {
	const keys, readers = 4, 8
	var rows, acknowledged [keys]atomic.Int64
	row := func(r *http.Request) int { k, _ := strconv.Atoi(r.PathValue("id")); return k }
	p := mustServe(t, httpcache.Options{},
		func(w http.ResponseWriter, r *http.Request) {
			version := rows[row(r)].Load()
			for range rand.IntN(50) { // between the read and the store is where writes do harm
				runtime.Gosched()
			}
			httpcache.Tag(r.Context(), "row:"+r.PathValue("id"))
			if rand.IntN(16) == 0 {
				w.(http.Flusher).Flush()
			}
			io.WriteString(w, strconv.FormatInt(version, 10))
		},
		func(s *site) {
			s.mux.HandleFunc("PUT /rows/{id}", func(w http.ResponseWriter, r *http.Request) {
				version := rows[row(r)].Add(1)
				s.cache.Invalidate("row:" + r.PathValue("id"))
				io.WriteString(w, strconv.FormatInt(version, 10))
			})
		})
	var reads, stale atomic.Int64
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	writing.Go(func() {
		connection := mustDial(t, p)
		defer connection.Close()
		for {
			select {
			case <-done:
				return
			default:
			}
			k := rand.IntN(keys)
			version := ask(t, connection, "PUT", fmt.Sprint("/rows/", k))
			acknowledged[k].Store(version) // the only writer
		}
	})
	for range readers {
		reading.Go(func() {
			connection := mustDial(t, p)
			defer func() { connection.Close() }()
			for stale.Load() == 0 && reads.Add(1) <= int64(*oracleReads) && !t.Failed() {
				k := rand.IntN(keys)
				if rand.IntN(200) == 0 { // somebody leaves
					send(connection, "GET", fmt.Sprint("/toys/", k))
					connection.Close()
					connection = mustDial(t, p)
				}
				floor := acknowledged[k].Load()
				if ask(t, connection, "GET", fmt.Sprint("/toys/", k)) < floor {
					stale.Add(1)
				}
			}
		})
	}
	reading.Wait()
	close(done)
	writing.Wait()
	if n := stale.Load(); n > 0 {
		t.Errorf("%d of the first %d reads were stale", n, reads.Load())
	}
	counted := p.cache.Stats().Loaders[0]
	t.Logf("%d hits, %d misses, %d joined, %d refused", counted.Hits, counted.Misses, counted.Joined, counted.Refused)
}

// conn is a kept connection to a server.
type conn struct {
	net.Conn
	answers *bufio.Reader
}

func mustDial(t *testing.T, p *program) conn {
	t.Helper()
	dialed, err := net.Dial("tcp", p.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	return conn{dialed, bufio.NewReader(dialed)}
}

func send(c conn, method, path string) {
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n", method, path)
}

// ask returns the number that a request answers; zero, and a failed test, when there is none.
func ask(t *testing.T, c conn, method, path string) int64 {
	t.Helper()
	send(c, method, path)
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0
	}
	body, err := io.ReadAll(response.Body)
	version, parseErr := strconv.ParseInt(string(body), 10, 64)
	if err != nil || parseErr != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %d %q %v", method, path, response.StatusCode, body, err)
	}
	return version
}
