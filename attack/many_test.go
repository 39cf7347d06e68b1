//go:build attack

package attack

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// limit is what the stack gives the proxy, less a fifth, for what the system has for its connections.
const limit = (1 << 30) * 4 / 5

// wantMemory fails the test if the proxy has more memory than its limit at any time until the test ends.
func wantMemory(t *testing.T, s *Shop) {
	t.Helper()
	process := fmt.Sprintf("/proc/%d/", s.Proxy.PID())
	if err := os.WriteFile(process+"clear_refs", []byte("5"), 0); err != nil { // the peak begins anew, see proc(5)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		status, err := os.ReadFile(process + "status")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		text, _, _ := strings.Cut(rest, " kB")
		peak, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatalf("%v in %s", err, status)
		}
		t.Logf("at its peak the proxy had %d MB", peak>>10)
		if peak<<10 > limit {
			t.Errorf("at its peak the proxy had %d MB, and may have %d", peak>>10, limit>>20)
		}
	})
}

// perConnection is how many requests the proxy takes at a time on a connection of HTTP/2.
const perConnection = 16

// fill begins as many requests on a connection as may be, each with a header as long as it may be, and the beginning of
// a body: the two fill the proxy's buffer. The header costs the caller a few bytes from the second one on. A length of
// "" is left out.
func fill(s *Shop, c *stream, method, path, length string, body int) error {
	x := field{"x", strings.Repeat("a", 3400)} // which the table of HPACK holds
	fields := with(s, method, path, x, x)
	if length != "" {
		fields = append(fields, field{"content-length", length})
	}
	for i := range perConnection {
		id := uint32(2*i + 1)
		if err := c.WriteHeaders(params(id, c.encode(fields...), false)); err != nil {
			return err
		}
		if err := c.WriteData(id, false, make([]byte, body)); err != nil {
			return err
		}
	}
	return nil
}

// crowd is connections of one attacker, from one address or from many.
type crowd []*stream

// gather opens connections, each from one of so many addresses, and begins on each. It stops at none that is refused.
func gather(s *Shop, conns, addresses int, begin func(c *stream) error) (all crowd) {
	next, opened := atomic.Int64{}, make(chan *stream, conns)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < conns; i = int(next.Add(1)) - 1 {
				from := i % addresses
				c, err := dialHTTP2From(s, fmt.Sprintf("127.0.%d.%d", 1+from/250, 1+from%250))
				if err != nil {
					continue
				}
				_ = c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if begin(c) != nil {
					c.conn.Close()
					continue
				}
				opened <- c
			}
		})
	}
	group.Wait()
	close(opened)
	for c := range opened {
		all = append(all, c)
	}
	return all
}

func (c crowd) Close() {
	for _, one := range c {
		one.conn.Close()
	}
}

// visit reads the page from an address that nobody else uses, over a new connection, and writes without a token, which
// a replica refuses, not the proxy. It returns what was wrong.
func visit(s *Shop) string {
	client := s.Client("127.0.0.99", true)
	defer client.CloseIdleConnections()
	if failed := get(client, s.URL+"/"); failed != "" {
		return failed
	}
	response, err := client.Post(s.URL+"/api/products", "application/json", strings.NewReader(`{"name":"x"}`))
	if err != nil {
		return err.Error()
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		return "POST /api/products: " + response.Status
	}
	return ""
}

// wantVisits fails the test unless visits are served, one after another for so long, while a crowd is there, and so is
// what others ask for meanwhile.
func wantVisits(t *testing.T, s *Shop, lasting time.Duration, come func() crowd) {
	t.Helper()
	var failed []string
	visits := 0
	WhileOthersAreServed(t, s, func() {
		all := come()
		defer all.Close()
		t.Logf("%d connections are open", len(all))
		for began := time.Now(); time.Since(began) < lasting; visits++ {
			if wrong := visit(s); wrong != "" {
				failed = append(failed, wrong)
			}
		}
	})
	if len(failed) > 0 {
		t.Errorf("of %d who came, %d were not served: %.300q", visits, len(failed), failed)
	}
}

// TestManyStalledBodies makes clients begin bodies that fill a buffer and then send nothing more: one address with more
// connections than it may have, and several with as many as they may. It checks that others are still served, and that
// the proxy stays within its memory limit.
func TestManyStalledBodies(t *testing.T) {
	s := theShop
	for _, row := range []struct {
		name             string
		conns, addresses int
		method, path     string
		length           string
		body             int
	}{
		{"writes from one address", 300, 1, "POST", "/api/products", "60000", 3500},
		{"writes from ten addresses", 900, 10, "POST", "/api/products", "60000", 3500},
		{"reads from ten addresses", 900, 10, "GET", "/api/products/1", "60000", 3500},
		{"the page from ten addresses", 900, 10, "GET", "/", "60000", 3500},
		{"writes without a length", 900, 10, "POST", "/api/products", "", 3500},
		{"a little of a body", 900, 10, "POST", "/api/products", "60000", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantMemory(t, s)
			wantVisits(t, s, 3*time.Second, func() crowd {
				return gather(s, row.conns, row.addresses, func(c *stream) error {
					return fill(s, c, row.method, row.path, row.length, row.body)
				})
			})
		})
	}
}

// TestReadersWhoTakeNothing makes one address ask for large answers on all its connections, as many at a time as HTTP/2
// allows, and take none of them. It checks that what they hold does not keep others out.
func TestReadersWhoTakeNothing(t *testing.T) {
	s := theShop
	for name, path := range map[string]string{"the page": "/", "the description": "/api/openapi.json"} {
		t.Run(name, func(t *testing.T) {
			wantVisits(t, s, 5*time.Second, func() crowd {
				return gather(s, 100, 1, func(c *stream) error {
					err := c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
					for i := range perConnection {
						if err == nil {
							err = c.WriteHeaders(params(uint32(2*i+1), c.encode(with(s, "GET", path)...), true))
						}
					}
					return err
				})
			})
		})
	}
}

// TestManyConnections opens as many as the proxy takes, but for a few, and has each begin as many requests as it may,
// as large as they may be: it has the memory that it needs.
func TestManyConnections(t *testing.T) {
	s := theShop
	many := mustAskConnections(t, s) - 50
	for name, body := range map[string]int{"full buffers": 3500, "headers": 0} {
		t.Run(name, func(t *testing.T) {
			wantMemory(t, s)
			WhileOthersAreServed(t, s, func() {
				all := gather(s, many, many/90, func(c *stream) error {
					return fill(s, c, "POST", "/api/products", "60000", body)
				})
				defer all.Close()
				if t.Logf("%d connections are open", len(all)); len(all) < many*9/10 {
					t.Errorf("of %d connections %d were taken", many, len(all))
				}
			})
		})
	}
}

// mustAskConnections returns how many connections the proxy takes from visitors.
func mustAskConnections(t *testing.T, s *Shop) int {
	t.Helper()
	response, err := http.Get(s.Proxy.MetricsURL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `haproxy_frontend_limit_sessions{proxy="public"} `)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("%v in %.300s", err, rest)
	}
	return n
}
