package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// await asks until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute not so: %s", what)
		}
	}
}

// ask sends a request whose caller leaves with ctx, and hands over the answer; nil when there is none.
func (s *testShop) ask(ctx context.Context, method, path string) <-chan *reply {
	answered := make(chan *reply, 1)
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(answered)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- &reply{response.StatusCode, response.Header, string(body)}
	}()
	return answered
}

// lookedAt is long enough for a caller to have been seen waiting.
const lookedAt = 300 * time.Millisecond

// TestCallersWhoLeaveKeepNothingBusy makes fifty callers ask for fifty names and leave, and checks that the computing
// slot and its queue are free again, whether the response would be cached (GET) or not (HEAD).
func TestCallersWhoLeaveKeepNothingBusy(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		t.Run(method, func(t *testing.T) {
			s := mustServeShop(t, shop.Config{HeavyDelay: time.Hour, HeavySlots: 1, Wait: time.Hour})
			slots := s.shop.HeavySlots()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			for i := range 50 {
				s.ask(ctx, method, fmt.Sprintf("/api/misc/heavy?name=%d", i))
			}
			await(t, "one computes, and all others wait",
				func() bool { return slots.InUse() == 1 && slots.Waiting() == 49 })
			time.Sleep(lookedAt)
			leave()
			await(t, "all is free", func() bool { return slots.InUse() == 0 && slots.Waiting() == 0 })
		})
	}
}

// TestTheOthersStillWait makes three callers wait for one computation. The first, whose request started it, and the
// third leave. It checks that the second still gets the result of that computation.
func TestTheOthersStillWait(t *testing.T) {
	t.Parallel()
	s := mustServeShop(t, shop.Config{HeavyDelay: 15 * time.Second, HeavySlots: 2, Wait: time.Hour})
	const path = "/api/misc/heavy?name=x"
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	waiting := func(n float64) func() bool {
		return func() bool { return s.sum("woody_http_in_flight") == n }
	}
	s.ask(ctx, http.MethodGet, path)
	await(t, "the first waits", func() bool { return s.shop.HeavySlots().InUse() == 1 })
	second := s.ask(t.Context(), http.MethodGet, path)
	await(t, "the second waits", waiting(2))
	s.ask(ctx, http.MethodGet, path)
	await(t, "the third waits", waiting(3))
	time.Sleep(lookedAt)
	leave()
	await(t, "the third has left", waiting(2))
	if got := <-second; got == nil || got.status != http.StatusOK || !strings.HasSuffix(got.body, ": Woody -x- Woody") {
		t.Errorf("who stayed got %+v", got)
	} else if status := got.header.Get("Cache-Status"); !strings.Contains(status, "collapsed") {
		t.Errorf("Cache-Status = %q, want the first one's computation", status)
	}
}

// sum returns a metric's value.
func (s *testShop) sum(name string) (sum float64) {
	s.t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// TestAHalfClosedCallerIsAnswered sends a request and a FIN behind it, as nc -N and some clients of HTTP/1.0 do.
func TestAHalfClosedCallerIsAnswered(t *testing.T) {
	s := mustServeShop(t, shop.Config{HeavyDelay: time.Second, HeavySlots: 8, Wait: time.Hour})
	var group sync.WaitGroup
	for _, request := range []string{
		"GET /api/misc/heavy?name=a HTTP/1.0\r\n\r\n", "GET /api/misc/heavy?name=b HTTP/1.1\r\nHost: x\r\n\r\n",
		"HEAD /api/misc/heavy?name=c HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		group.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(request)); err != nil {
				t.Error(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn),
				&http.Request{Method: request[:strings.Index(request, " ")]})
			if err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("%.20q was answered %v, %v", request, response, err)
			}
		})
	}
	group.Wait()
}
