// Package load makes requests as cheaply as it can, so that what is measured is the server: it
// writes requests that were prepared before and reads no more of an answer than it needs.
package load

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Target is what to ask, and how to tell a good answer.
type Target struct {
	// Addr is HOST:PORT.
	Addr string
	// Paths are asked for in turn; each connection begins at another one.
	Paths []string
	// Header is added to each request: whole lines, each with its CRLF. Default: none.
	Header string
	// Good tells a good answer. Default: the status 200.
	Good func(status int, body []byte) bool
}

// Result is what came of a load.
type Result struct {
	// Good and Bad count the answers.
	Good, Bad int
	// Took is from the first request to the last answer.
	Took time.Duration
}

// PerSecond is how many good answers a second brought.
func (r Result) PerSecond() float64 { return float64(r.Good) / r.Took.Seconds() }

// Closed keeps conns connections busy for d, each with one request at a time: a closed loop, which
// measures throughput and says nothing of latency. A connection that fails ends the load with an
// error.
func Closed(target Target, conns int, d time.Duration) (Result, error) {
	target = target.withDefaults()
	requests := target.requests()
	results, errs := make([]Result, conns), make([]error, conns)
	var group sync.WaitGroup
	began := time.Now()
	for i := range conns {
		group.Go(func() {
			results[i], errs[i] = one(target, requests, i*len(requests)/conns, began.Add(d))
		})
	}
	group.Wait()
	return sum(results, time.Since(began)), errors.Join(errs...)
}

func (t Target) withDefaults() Target {
	if t.Good == nil {
		t.Good = func(status int, _ []byte) bool { return status == 200 }
	}
	return t
}

// requests are the target's requests, ready to be written.
func (t Target) requests() [][]byte {
	requests := make([][]byte, len(t.Paths))
	for i, path := range t.Paths {
		requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, t.Addr, t.Header)
	}
	return requests
}

func (r *Result) count(good bool) {
	if good {
		r.Good++
	} else {
		r.Bad++
	}
}

func sum(results []Result, took time.Duration) Result {
	total := Result{Took: took}
	for _, result := range results {
		total.Good += result.Good
		total.Bad += result.Bad
	}
	return total
}

func one(target Target, requests [][]byte, next int, deadline time.Time) (result Result, err error) {
	conn, err := Dial(target.Addr)
	if err != nil {
		return result, err
	}
	defer conn.Close()
	for time.Now().Before(deadline) {
		status, body, err := conn.Do(requests[next%len(requests)])
		if err != nil {
			return result, err
		}
		next++
		result.count(target.Good(status, body))
	}
	return result, nil
}
