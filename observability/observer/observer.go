package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

// observer writes its probe and reads it back. Writes come one after another. Half of the reads follow them: after each
// write every way is read at once, until its answer has the write. The other half is spread evenly over time and ways,
// so that reads also meet writes that are under way, and answers that were kept a while ago.
type observer struct {
	log      *slog.Logger
	metrics  *metrics
	findings *findings
	replicas *replicas
	proxy    *way // nil where there is none
	rate     int  // reads a second

	probe    atomic.Pointer[probe]
	requests atomic.Int64
	trouble  trouble        // with writes
	group    sync.WaitGroup // reads
}

// newObserver returns an observer that logs to log, and stale answers to stale: a line of JSON each.
func newObserver(cfg config, log *slog.Logger, stale io.Writer) *observer {
	o := &observer{
		log: log, metrics: newMetrics(), findings: newFindings(stale), replicas: newReplicas(cfg), rate: cfg.Rate,
	}
	o.probe.Store(newProbe())
	o.metrics.begin(viaReplica)
	if cfg.Proxy != "" {
		o.proxy = &way{path: viaProxy, url: strings.TrimSuffix(cfg.Proxy, "/"), within: usual}
		o.metrics.begin(viaProxy)
	}
	return o
}

// run observes until ctx ends, and returns when nothing is under way any more.
func (o *observer) run(ctx context.Context) {
	o.find(ctx)
	var loops sync.WaitGroup
	loops.Go(func() { o.findAgain(ctx) })
	loops.Go(func() { o.writeAndRead(ctx) })
	loops.Go(func() { o.readSteadily(ctx) })
	loops.Wait()
	o.group.Wait()
	client.CloseIdleConnections()
}

// find looks for replicas, and logs the outcome where it changes.
func (o *observer) find(ctx context.Context) {
	before := len(o.replicas.all())
	err := o.replicas.refresh(ctx)
	now := len(o.replicas.all())
	o.metrics.replicas.Set(float64(now))
	if err != nil && ctx.Err() == nil {
		o.metrics.failedLookups.Inc()
	}
	if now != before {
		o.log.Info("replicas", "count", now, "err", err)
	}
}

func (o *observer) findAgain(ctx context.Context) {
	for pause(ctx, lookupEvery) {
		o.find(ctx)
	}
}

// ways are the ways to read that there are now.
func (o *observer) ways() []*way {
	ways := o.replicas.all()
	if o.proxy != nil {
		ways = append(ways, o.proxy)
	}
	return ways
}

// request returns a name for the next request.
func (o *observer) request(p *probe) string { return fmt.Sprintf("%s.%d", p.name, o.requests.Add(1)) }

// readOnce reads a probe by a way, and checks the answer against what had been acknowledged before. It returns the
// answered version, and false where there was no answer.
func (o *observer) readOnce(ctx context.Context, w *way, p *probe) (version int64, ok bool) {
	floor := p.item.Floor()
	began := time.Now()
	got, err := w.read(ctx, p.name, o.request(p))
	if err != nil {
		if ctx.Err() == nil {
			o.metrics.failedReads.WithLabelValues(w.path).Inc()
			w.trouble.note(o.log.With("url", w.url), "reads", err)
		}
		return 0, false
	}
	w.trouble.note(o.log.With("url", w.url), "reads", nil)
	if !p.trusted() {
		return 0, false // it may be forgotten by now
	}
	o.metrics.checked.WithLabelValues(w.path).Inc()
	if p.item.Judge(floor, oracle.State{Version: got.Version}) == oracle.Stale {
		o.metrics.stale.WithLabelValues(w.path).Inc()
		o.findings.stale(w, p, got, floor.Version, began)
	}
	return got.Version, true
}

// pause waits for d, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
