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
	if target.Good == nil {
		target.Good = func(status int, _ []byte) bool { return status == 200 }
	}
	requests := make([][]byte, len(target.Paths))
	for i, path := range target.Paths {
		requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, target.Addr, target.Header)
	}
	results, errs := make([]Result, conns), make([]error, conns)
	var group sync.WaitGroup
	began := time.Now()
	for i := range conns {
		group.Go(func() {
			results[i], errs[i] = one(target, requests, i*len(requests)/conns, began.Add(d))
		})
	}
	group.Wait()
	total := Result{Took: time.Since(began)}
	for _, result := range results {
		total.Good += result.Good
		total.Bad += result.Bad
	}
	return total, errors.Join(errs...)
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
		if target.Good(status, body) {
			result.Good++
		} else {
			result.Bad++
		}
	}
	return result, nil
}
