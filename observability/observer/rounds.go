package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

const (
	// freshTimeout is how long a write is waited for to show.
	freshTimeout = 10 * time.Second
	// firstPause and lastPause are between the reads by a way that has not answered a write yet: each is twice as long
	// as the one before.
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
	// readsPerWrite is how many reads there are at least for each write.
	readsPerWrite = 10
)

// writeAndRead makes one round after another until ctx ends, at such a pace that half of the rate suffices for its
// reads.
func (o *observer) writeAndRead(ctx context.Context) {
	for n := 0; ; n++ {
		began := time.Now()
		reads := o.round(ctx, n)
		if !pause(ctx, time.Until(began.Add(o.roundTakes(reads)))) {
			return
		}
	}
}

// roundTakes returns how long a round with so many reads takes at least.
func (o *observer) roundTakes(reads int) time.Duration {
	return time.Duration(max(readsPerWrite, 2*reads)) * time.Second / time.Duration(o.rate)
}

// round writes the probe through the n-th replica, and reads it by all ways until each has answered the write. It
// returns how many reads that took.
func (o *observer) round(ctx context.Context, n int) (reads int) {
	replicas := o.replicas.all()
	if len(replicas) == 0 {
		return 0
	}
	p, version, ok := o.write(ctx, replicas[n%len(replicas)])
	if !ok {
		return 0
	}
	acknowledged := time.Now()
	var count atomic.Int64
	var group sync.WaitGroup
	var mu sync.Mutex
	fresh := map[string]time.Duration{}
	for _, w := range o.ways() {
		group.Go(func() {
			if !o.awaitFresh(ctx, w, p, version, &count) {
				return
			}
			took := time.Since(acknowledged)
			mu.Lock()
			defer mu.Unlock()
			fresh[w.path] = max(fresh[w.path], took)
		})
	}
	group.Wait()
	for path, took := range fresh {
		o.metrics.fresh.WithLabelValues(path).Observe(took.Seconds())
	}
	return int(count.Load())
}

// write writes the probe through a replica. It returns which version the write made, and false where it was not
// acknowledged. A probe that the shop may have forgotten meanwhile, or whose writes are lost, is given up for another.
func (o *observer) write(ctx context.Context, w *way) (p *probe, version int64, ok bool) {
	p = o.probe.Load()
	if p.item.Floor().Version > 0 && !p.trusted() {
		p = newProbe()
		o.probe.Store(p)
	}
	o.metrics.writes.Inc()
	made, err := w.write(ctx, p.name, o.request(p))
	if err != nil {
		p.item.Unknown()
		o.metrics.failedWrites.Inc()
		if ctx.Err() == nil {
			o.trouble.note(o.log, "writes", err)
		}
		return p, 0, false
	}
	o.trouble.note(o.log, "writes", nil)
	if floor := p.item.Floor(); p.acknowledge(made.Version, time.Now()) == oracle.Lost {
		o.metrics.lost.Inc()
		o.log.Error("the database has lost writes that were acknowledged: it went back", "probe", p.name,
			"acknowledged", floor.Version, "made_now", made.Version, "replica", made.servedBy, "request", made.request)
		o.probe.Store(newProbe())
		return p, 0, false
	}
	return p, made.Version, true
}

// awaitFresh reads by a way until its answer has a version, and counts the reads. It returns false where there is no
// answer, and true when the time is over.
func (o *observer) awaitFresh(ctx context.Context, w *way, p *probe, version int64, reads *atomic.Int64) bool {
	deadline := time.Now().Add(freshTimeout)
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		reads.Add(1)
		got, ok := o.readOnce(ctx, w, p)
		if !ok {
			return false
		}
		if got >= version || time.Now().After(deadline) {
			return true
		}
		if !pause(ctx, wait) {
			return false
		}
	}
}
