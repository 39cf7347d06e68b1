package load

import (
	"context"
	"time"
)

// Latencies are how long responses took, shortest first, each from the time when its request was to
// be sent: a server that stalls makes all those late that were to be sent meanwhile.
type Latencies []time.Duration

// At returns the latency that a part q of the responses, from 0 to 1, did not exceed; zero without any.
func (l Latencies) At(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(int(q*float64(len(l))), len(l)-1)]
}

// Open sends rate requests a second for d, each at its own time whatever became of those before: an
// open loop. A request goes out on whichever connection is free; when none is, it goes late, and its
// response counts from when it was to be sent. A connection that fails ends the load with an error.
func Open(target Target, conns int, rate float64, d time.Duration) (Result, Latencies, error) {
	outcome, err := Run(context.Background(),
		Plan{Addr: target.Addr, Conns: conns, Rate: rate, For: d, Source: target.source(conns), Strict: true})
	return outcome.result(), outcome.Latencies(), err
}
