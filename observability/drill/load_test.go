package drill

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is customers: a hundred calls a second, which come whether those before were answered or not.
type load struct {
	stop   chan struct{}
	ended  sync.WaitGroup
	every  atomic.Int64 // a call is made at every so many ticks of the hundred in a second
	failed atomic.Int64 // calls without a response, or with a 5xx
	slow   atomic.Int64 // calls whose answer took longer than the objective allows
	sent   atomic.Int64
}

// objective is how long a call may take that does not wait on purpose: see the rules.
const objective = 250 * time.Millisecond

// underWay bounds how many calls wait for their responses.
const underWay = 200

func mustLoad(t *testing.T, s *stage) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	l.every.Store(1)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: underWay}}
	room := make(chan struct{}, underWay)
	l.ended.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for tick, i := int64(0), 0; ; tick++ {
			select {
			case <-l.stop:
				return
			case <-ticker.C:
			}
			if tick%l.every.Load() != 0 {
				continue
			}
			i++
			select {
			case room <- struct{}{}:
			default: // nobody is answered: there are enough
				continue
			}
			request, err := call(s, i)
			if err != nil {
				t.Error(err)
				return
			}
			l.ended.Go(func() {
				defer func() { <-room }()
				l.send(t, client, request)
			})
		}
	})
	t.Cleanup(func() {
		close(l.stop)
		l.ended.Wait()
		client.CloseIdleConnections()
	})
	return l
}

// call returns the i-th call: of a hundred, ten write, three wait on purpose, and some are for assets.
func call(s *stage, i int) (*http.Request, error) {
	api := s.proxy.URL + "/api/"
	of := func(method, url, body string) (*http.Request, error) {
		request, err := http.NewRequest(method, url, strings.NewReader(body))
		if err == nil && body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		return request, err
	}
	switch n := i % 100; {
	case n == 0:
		return of(http.MethodGet, api+"misc/heavy?name=x", "")
	case n == 33:
		return of(http.MethodGet, api+"products/last", "")
	case n == 66:
		return of(http.MethodGet, api+"products/no-number", "")
	case n%20 == 1:
		return of(http.MethodPost, api+"orders", `{"product":"Yoyo"}`)
	case n%20 == 11:
		return of(http.MethodPut, fmt.Sprint(api, "products/", 1+i/100%2), fmt.Sprintf(`{"name":"Toy %d"}`, i))
	case n%10 == 5:
		request, err := of(http.MethodGet, s.proxy.URL+"/5mo.jpg", "")
		if err == nil {
			request.Host = "cdn.localhost"
		}
		return request, err
	case n%10 == 6:
		return of(http.MethodGet, api+"products", "")
	case n%10 == 7:
		return of(http.MethodGet, api+"ping", "")
	}
	return of(http.MethodGet, fmt.Sprint(api, "products/", 1+i%2), "")
}

func (l *load) send(t *testing.T, client *http.Client, request *http.Request) {
	l.sent.Add(1)
	failed := func(how any) {
		if l.failed.Add(1) <= 5 {
			t.Logf("%s %s: %v", request.Method, request.URL.Path, how)
		}
	}
	began := time.Now()
	response, err := client.Do(request)
	if time.Since(began) > objective {
		l.slow.Add(1)
	}
	if err != nil {
		failed(err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusInternalServerError {
		failed(fmt.Sprintf("%s, %v: %.200s", response.Status, err, body))
	}
}
