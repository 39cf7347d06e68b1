//go:build attack

package attack

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long a good request may take, on a machine of which an attack has taken what it could.
const patience = 5 * time.Second

// Client returns a client of the shop that comes from an address of the loopback and speaks HTTP/2, or 1.1.
func (s *Shop) Client(from string, http2 bool) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: s.Authority.Client(), ForceAttemptHTTP2: http2,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext,
	}
	if !http2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return &http.Client{Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// traffic is what good callers have seen.
type traffic struct {
	sync.Mutex
	took   []time.Duration
	failed []string
}

// WhileOthersAreServed calls the attack, and meanwhile has good callers ask for the page and the API, by HTTP/1.1 and
// HTTP/2, from another address than 127.0.0.1. Not one of their requests may fail. It logs what they have seen.
func WhileOthersAreServed(t *testing.T, s *Shop, attack func()) {
	t.Helper()
	over := make(chan struct{})
	seen := &traffic{}
	var group sync.WaitGroup
	for i, path := range []string{"/", "/api/ping", "/api/products/1", "/api/products?limit=5"} {
		client := s.Client(fmt.Sprintf("127.0.0.%d", 100+i), i%2 == 0)
		group.Go(func() {
			defer client.CloseIdleConnections()
			seen.ask(client, s.URL+path, over)
		})
	}
	func() {
		defer group.Wait()
		defer close(over)
		atLeast := time.After(time.Second)
		attack()
		<-atLeast
	}()
	slices.Sort(seen.took)
	n := len(seen.took)
	if n == 0 || len(seen.failed) > 0 {
		t.Errorf("of others' requests %d were served and %d failed: %.300q", n, len(seen.failed), seen.failed)
		return
	}
	t.Logf("others: %d requests served, 0 failed, p99 %v, max %v",
		n, seen.took[n*99/100].Round(time.Millisecond), seen.took[n-1].Round(time.Millisecond))
}

// ask asks fifty times a second until it is over, and once at least.
func (seen *traffic) ask(client *http.Client, url string, over <-chan struct{}) {
	for {
		began := time.Now()
		failed := get(client, url)
		seen.Lock()
		if failed == "" {
			seen.took = append(seen.took, time.Since(began))
		} else {
			seen.failed = append(seen.failed, failed)
		}
		seen.Unlock()
		select {
		case <-over:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// get returns what was wrong with a response, or "".
func get(client *http.Client, url string) string {
	response, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Sprintf("GET %s: %s %.100q %v", url, response.Status, body, err)
	}
	return ""
}

// TestTheShopIsWell checks the harness: a shop that nobody attacks counts as serving, and a 404 counts as a failure.
func TestTheShopIsWell(t *testing.T) {
	WhileOthersAreServed(t, theShop, func() { time.Sleep(time.Second) })
	seen, over := &traffic{}, make(chan struct{})
	close(over)
	seen.ask(theShop.Client("127.0.0.1", true), theShop.URL+"/api/nowhere", over)
	if len(seen.failed) != 1 || len(seen.took) != 0 {
		t.Errorf("an answer of 404 counts as served: %v", seen.failed)
	}
}
