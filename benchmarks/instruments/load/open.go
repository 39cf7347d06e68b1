package load

import (
	"context"
	"math"
	"time"
)

// Latencies are how long responses took, shortest first, each from the time when its request was to
// be sent: a server that stalls makes all those late that were to be sent meanwhile.
type Latencies []time.Duration

// At returns the least latency that a part q of the responses, from 0 to 1, did not exceed: the nearest rank. It is one
// of the latencies, and zero without any.
func (l Latencies) At(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	rank := int(math.Ceil(q*float64(len(l)) - 1e-9)) // a product such as .07 * 100 is a little too much
	return l[min(max(rank, 1), len(l))-1]
}

// Shows reports whether there are enough latencies for a part q of them to leave one out: less is their maximum.
func (l Latencies) Shows(q float64) bool {
	return q == 1 || (1-q)*float64(len(l)) >= 1-1e-9
}

// Open sends rate requests a second for d, each at its own time whatever became of those before: an
// open loop. A request goes out on whichever connection is free; when none is, it goes late, and its
// response counts from when it was to be sent. A connection that fails ends the load with an error.
func Open(target Target, conns int, rate float64, d time.Duration) (Result, Latencies, error) {
	outcome, err := Run(context.Background(),
		Plan{Addr: target.Addr, Conns: conns, Rate: rate, For: d, Source: target.source(conns), Strict: true})
	return outcome.result(), outcome.Latencies(), err
}
