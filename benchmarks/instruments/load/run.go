package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Verdict is what a response was worth.
type Verdict uint8

const (
	// Good is a response as it should be.
	Good Verdict = iota
	// Failed is no response at all, or one with an error status.
	Failed
	// Wrong is a success with wrong content.
	Wrong
	// Stale is a success that was right once, before a write that had been acknowledged.
	Stale
	verdicts
)

func (v Verdict) String() string { return [...]string{"good", "failed", "wrong", "stale"}[v] }

// Source makes the requests of one connection, which asks for one at a time, and judges the responses.
type Source interface {
	// Next is the next request, whole, and which kind of the source's it is. It is good until the
	// next call.
	Next() (request []byte, kind uint8)
	// Judge returns what the response to the request of the last Next was worth.
	Judge(Response) Verdict
}

// Plan is a load. It ends after Requests, or For, whichever is set.
type Plan struct {
	// Addr is HOST:PORT.
	Addr string
	// Conns is how many connections take part.
	Conns int
	// Rate is how many requests a second are to be sent, each at its own time whatever became of those
	// before: an open loop. Default: 0, a closed loop: each connection sends one as soon as it is free.
	Rate float64
	// Requests is how many are sent. Default: as many as there is time for.
	Requests int
	// For is how long requests are sent.
	For time.Duration
	// Source makes the source of a connection's requests.
	Source func(conn int) Source
	// Patience is how long responses are waited for when no more requests are sent; in a load without For, each
	// response by itself. Default: 30s.
	Patience time.Duration
	// Strict ends the load with an error when a connection fails. Default: that counts as a failed
	// answer, and the connection is made again.
	Strict bool
}

// Sample is one request and what came of it.
type Sample struct {
	// At is when it was sent, from the beginning of the load; in an open loop, when it was to be sent.
	At time.Duration
	// Took is from At until the response had been read.
	Took    time.Duration
	Status  uint16 // zero for none
	Kind    uint8
	Verdict Verdict
}

// Outcome is what came of a load.
type Outcome struct {
	// Samples are the requests that were sent, in the order in which they were to be.
	Samples []Sample
	// Unsent are the requests of an open loop whose turn had not come when it ended, since the server kept up with
	// fewer: failed ones, of which Took is until that end, the least that a response would have taken.
	Unsent []Sample
	// Took is from the first request to the last response.
	Took time.Duration
	// Err is why the last connection that failed did so; nil when none did.
	Err error
}

// Count returns how many responses were of each worth. Requests that were never sent have failed.
func (o Outcome) Count() (count [verdicts]int) {
	for _, s := range o.Samples {
		count[s.Verdict]++
	}
	count[Failed] += len(o.Unsent)
	return count
}

// Latencies returns the times that answers took, failed ones and those of requests that were never sent too, shortest
// first.
func (o Outcome) Latencies() Latencies {
	l := make(Latencies, 0, len(o.Samples)+len(o.Unsent))
	for _, s := range slices.Concat(o.Samples, o.Unsent) {
		l = append(l, s.Took)
	}
	slices.Sort(l)
	return l
}

// redial is how long a worker waits after a connection that could not be made.
const redial = 10 * time.Millisecond

// Run carries out a plan. Its connections are made before the first request. It ends early, with what
// it has, when ctx ends, and then returns ctx's cause.
func Run(ctx context.Context, plan Plan) (Outcome, error) {
	if plan.Patience == 0 {
		plan.Patience = 30 * time.Second
	}
	if plan.Rate > 0 && plan.Requests == 0 {
		plan.Requests = int(plan.Rate * plan.For.Seconds())
	}
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	loop := &loop{plan: plan, ctx: bounded, fail: cancel}
	workers := make([]*worker, plan.Conns)
	for i := range workers {
		workers[i] = &worker{loop: loop, source: plan.Source(i)}
	}
	each(workers, func(w *worker) { w.dial() })
	loop.began = time.Now()
	if plan.For > 0 {
		late := time.AfterFunc(plan.For+plan.Patience, func() { cancel(errLate) })
		defer late.Stop()
	}
	each(workers, func(w *worker) { w.work() })
	outcome := Outcome{Took: time.Since(loop.began)}
	for _, w := range workers {
		outcome.Samples = append(outcome.Samples, w.samples...)
		if w.err != nil {
			outcome.Err = w.err
		}
	}
	slices.SortFunc(outcome.Samples, func(a, b Sample) int { return int(a.At - b.At) })
	if cause := context.Cause(bounded); cause != nil && !errors.Is(cause, errLate) {
		return outcome, cause
	}
	outcome.Unsent = loop.unsent(outcome.Took)
	return outcome, nil
}

func each(workers []*worker, do func(*worker)) {
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(func() { do(w) })
	}
	group.Wait()
}

// errLate ends a load whose answers do not come.
var errLate = errors.New("the answer did not come in time")

// loop is what the connections of a load share.
type loop struct {
	plan  Plan
	ctx   context.Context
	fail  context.CancelCauseFunc
	began time.Time
	sent  atomic.Int64 // how many requests were started
}

// turn returns when the next request is to be sent; false when there is none left.
func (l *loop) turn() (at time.Duration, more bool) {
	n := l.sent.Add(1) - 1
	if l.plan.Requests > 0 && n >= int64(l.plan.Requests) {
		return 0, false
	}
	if l.plan.Rate > 0 {
		return l.due(n), true
	}
	at = time.Since(l.began)
	return at, l.plan.For == 0 || at < l.plan.For
}

// due returns when the n-th request of an open loop is to be sent, the first of which is 0.
func (l *loop) due(n int64) time.Duration {
	return time.Duration(float64(n) / l.plan.Rate * float64(time.Second))
}

// unsent returns the requests of an open loop that took so long whose turn did not come.
func (l *loop) unsent(took time.Duration) (samples []Sample) {
	if l.plan.Rate <= 0 {
		return nil
	}
	for n := l.sent.Load(); n < int64(l.plan.Requests); n++ {
		at := l.due(n)
		samples = append(samples, Sample{At: at, Took: took - at, Verdict: Failed})
	}
	return samples
}

// await waits until a time of the load, or until the load ends.
func (l *loop) await(at time.Duration) {
	wait := time.Until(l.began.Add(at))
	if wait < 100*time.Millisecond {
		time.Sleep(wait)
		return
	}
	select {
	case <-l.ctx.Done():
	case <-time.After(wait):
	}
}

// ended reports whether the load was ended during a request, whose failure is then not the server's.
func (l *loop) ended() bool {
	cause := context.Cause(l.ctx)
	return cause != nil && !errors.Is(cause, errLate)
}

// worker is one connection.
type worker struct {
	*loop
	source  Source
	samples []Sample
	err     error

	conn *Conn       // nil when there is none at the moment
	undo func() bool // unregisters the function that closes conn when the load ends
}

func (w *worker) work() {
	defer w.hangUp()
	for w.ctx.Err() == nil {
		at, more := w.turn()
		if !more {
			return
		}
		if w.plan.Rate > 0 {
			w.await(at)
		}
		sample := Sample{At: at, Verdict: Failed}
		request, kind := w.source.Next()
		sample.Kind = kind
		response, ok := w.do(request)
		sample.Took = time.Since(w.began) - at
		if w.ended() {
			return
		}
		if ok {
			sample.Verdict, sample.Status = w.source.Judge(response), uint16(response.Status)
		}
		w.samples = append(w.samples, sample)
		if !ok || response.Closing {
			w.hangUp()
		}
	}
}

// do makes a request, on a new connection where there is none.
func (w *worker) do(request []byte) (response Response, ok bool) {
	if w.conn == nil && !w.dial() {
		time.Sleep(redial) // so that a refusing server is not counted as fast as the loop can spin
		return response, false
	}
	response, err := w.conn.Ask(request)
	if err != nil {
		w.failed(err)
	}
	return response, err == nil
}

func (w *worker) dial() bool {
	conn, err := DialContext(w.ctx, w.plan.Addr)
	if err != nil {
		w.failed(err)
		return false
	}
	if w.plan.For == 0 {
		conn.Patience = w.plan.Patience
	}
	w.conn = conn
	w.undo = context.AfterFunc(w.ctx, func() { conn.Close() })
	return true
}

func (w *worker) failed(err error) {
	if w.ctx.Err() != nil {
		err = context.Cause(w.ctx)
	}
	w.err = err
	if w.plan.Strict {
		w.fail(err)
	}
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.undo()
		w.conn.Close()
		w.conn = nil
	}
}
