// Package load makes requests as cheaply as it can, so that what is measured is the server: it
// writes requests that were prepared before and reads no more of a response than it needs.
package load

import (
	"context"
	"fmt"
	"time"
)

// Target is what to request, and which responses are good.
type Target struct {
	// Addr is HOST:PORT.
	Addr string
	// Paths are asked for in turn; each connection begins at another one.
	Paths []string
	// Header is added to each request: whole lines, each with its CRLF. Default: none.
	Header string
	// Good reports whether a response is good. Default: the status 200.
	Good func(status int, body []byte) bool
}

// Result is what came of a load.
type Result struct {
	// Good and Bad count the responses; Bad has the requests of an open loop that were never sent, too.
	Good, Bad int
	// Took is from the first request to the last response.
	Took time.Duration
}

// PerSecond returns the rate of good responses, in 1/s.
func (r Result) PerSecond() float64 { return float64(r.Good) / r.Took.Seconds() }

// Closed keeps conns connections busy for d, each with one request at a time: a closed loop, which
// measures throughput and not latency. A connection that fails ends the load with an
// error.
func Closed(target Target, conns int, d time.Duration) (Result, error) {
	outcome, err := Run(context.Background(),
		Plan{Addr: target.Addr, Conns: conns, For: d, Source: target.source(conns), Strict: true})
	return outcome.result(), err
}

func (o Outcome) result() Result {
	count := o.Count()
	return Result{Good: count[Good], Bad: len(o.Samples) + len(o.Unsent) - count[Good], Took: o.Took}
}

// source makes the sources of conns connections.
func (t Target) source(conns int) func(conn int) Source {
	if t.Good == nil {
		t.Good = func(status int, _ []byte) bool { return status == 200 }
	}
	requests := make([][]byte, len(t.Paths))
	for i, path := range t.Paths {
		requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, t.Addr, t.Header)
	}
	return func(conn int) Source {
		return &inTurn{requests: requests, next: conn * len(requests) / conns, good: t.Good}
	}
}

// inTurn sends the same requests over and over.
type inTurn struct {
	requests [][]byte
	next     int
	good     func(status int, body []byte) bool
}

func (s *inTurn) Next() ([]byte, uint8) {
	request := s.requests[s.next%len(s.requests)]
	s.next++
	return request, 0
}

func (s *inTurn) Judge(response Response) Verdict {
	if s.good(response.Status, response.Body) {
		return Good
	}
	return Failed
}
