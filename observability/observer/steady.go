package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// readSteadily reads one way after another until ctx ends, with half of the rate. A way that has not answered its last
// such read yet is passed over, so that a replica that is paused does not gather reads.
func (o *observer) readSteadily(ctx context.Context) {
	every := 2 * time.Second / time.Duration(o.rate)
	for n := 0; pause(ctx, every/2+rand.N(every)); n++ { // every on average, in no step with the writes
		ways, p := o.ways(), o.probe.Load()
		if len(ways) == 0 || !p.trusted() {
			continue
		}
		w := ways[n%len(ways)]
		if !w.steady.CompareAndSwap(false, true) {
			continue
		}
		o.group.Go(func() {
			defer w.steady.Store(false)
			o.readOnce(ctx, w, p)
		})
	}
}
