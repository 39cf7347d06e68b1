package tracing

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queue sends spans on in the background, many at a time. It is bounded, and whoever ends a span never waits: what does
// not fit is dropped, and counted, which the SDK's own processor does not report.
type queue struct {
	exporter sdktrace.SpanExporter
	log      *slog.Logger
	counts   *prometheus.CounterVec

	waiting chan sdktrace.ReadOnlySpan
	most    int           // spans that are sent together
	every   time.Duration // how long the first of them waits at most
	timeout time.Duration // how long sending may take

	closing chan struct{}
	close   sync.Once
	closed  chan struct{} // run has ended
	cancel  context.CancelFunc
	failing bool // the last sending failed
}

// The results of woody_trace_spans_total.
const (
	exported = "exported"
	dropped  = "dropped" // the queue was full, or closed
	failed   = "failed"  // the receiver did not take them
)

// newQueue begins a queue, with the bounds that OTEL_BSP_ sets or the defaults of OpenTelemetry's specification.
func newQueue(exporter sdktrace.SpanExporter, registerer prometheus.Registerer, log *slog.Logger) *queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &queue{
		exporter: exporter, log: log, cancel: cancel,
		counts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "woody_trace_spans_total",
			Help: "Spans that were sent on, that the full queue dropped, or that could not be sent.",
		}, []string{"result"}),
		waiting: make(chan sdktrace.ReadOnlySpan, number("OTEL_BSP_MAX_QUEUE_SIZE", 2048)),
		most:    number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
		every:   time.Duration(number("OTEL_BSP_SCHEDULE_DELAY", 5000)) * time.Millisecond,
		timeout: time.Duration(number("OTEL_BSP_EXPORT_TIMEOUT", 30000)) * time.Millisecond,
		closing: make(chan struct{}), closed: make(chan struct{}),
	}
	registerer.MustRegister(q.counts)
	for _, result := range []string{exported, dropped, failed} {
		q.counts.WithLabelValues(result)
	}
	go q.run(ctx)
	return q
}

// number returns a whole number above zero from the environment; otherwise where there is none.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 && n < 1<<31/1000 {
		return n
	}
	return otherwise
}

// OnStart implements sdktrace.SpanProcessor.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor. It never waits.
func (q *queue) OnEnd(span sdktrace.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	select {
	case <-q.closing:
	default:
		select {
		case q.waiting <- span:
			return
		default:
		}
	}
	q.counts.WithLabelValues(dropped).Inc()
}

// ForceFlush implements sdktrace.SpanProcessor. Nobody asks for it: Shutdown sends what waits.
func (q *queue) ForceFlush(context.Context) error { return nil }

// Shutdown implements sdktrace.SpanProcessor: it sends what waits, until ctx ends at most.
func (q *queue) Shutdown(ctx context.Context) error {
	q.close.Do(func() { close(q.closing) })
	defer q.cancel()
	select {
	case <-q.closed:
	case <-ctx.Done():
		q.cancel()
		<-q.closed
	}
	return q.exporter.Shutdown(ctx)
}

// run sends group after group until the queue is closed and empty.
func (q *queue) run(ctx context.Context) {
	defer close(q.closed)
	for closing := false; !closing; {
		var group []sdktrace.ReadOnlySpan
		group, closing = q.gather()
		q.send(ctx, group)
	}
	for {
		group := q.rest()
		if len(group) == 0 {
			return
		}
		q.send(ctx, group)
	}
}

// gather waits for a group of spans, and reports whether the queue is closing.
func (q *queue) gather() (group []sdktrace.ReadOnlySpan, closing bool) {
	select {
	case span := <-q.waiting:
		group = append(group, span)
	case <-q.closing:
		return nil, true
	}
	timer := time.NewTimer(q.every)
	defer timer.Stop()
	for len(group) < q.most {
		select {
		case span := <-q.waiting:
			group = append(group, span)
		case <-timer.C:
			return group, false
		case <-q.closing:
			return group, true
		}
	}
	return group, false
}

// rest returns the next group of those that wait, without waiting for more.
func (q *queue) rest() (group []sdktrace.ReadOnlySpan) {
	for len(group) < q.most {
		select {
		case span := <-q.waiting:
			group = append(group, span)
		default:
			return group
		}
	}
	return group
}

func (q *queue) send(ctx context.Context, group []sdktrace.ReadOnlySpan) {
	if len(group) == 0 {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	err := q.exporter.ExportSpans(bounded, group)
	switch {
	case err != nil:
		q.counts.WithLabelValues(failed).Add(float64(len(group)))
		if !q.failing {
			q.log.Warn("traces cannot be sent; what is lost is counted in woody_trace_spans_total", "err", err)
		}
	default:
		q.counts.WithLabelValues(exported).Add(float64(len(group)))
		if q.failing {
			q.log.Info("traces are sent again")
		}
	}
	q.failing = err != nil
}
