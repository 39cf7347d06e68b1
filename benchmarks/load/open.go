package load

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Latencies are how long answers took, shortest first, each from the time when its request was to
// be sent: a server that stalls makes all those late that were to be sent meanwhile.
type Latencies []time.Duration

// At is the latency that a part q of the answers, from 0 to 1, did not exceed; zero without any.
func (l Latencies) At(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(int(q*float64(len(l))), len(l)-1)]
}

// Open sends rate requests a second for d, each at its own time whatever became of those before: an
// open loop. Its connections take turns; one that is still waiting for an answer sends its next
// request late, and the answer counts from when it was to be sent.
func Open(target Target, conns int, rate float64, d time.Duration) (Result, Latencies, error) {
	target = target.withDefaults()
	requests := target.requests()
	count := int(rate * d.Seconds())
	results, errs, latencies := make([]Result, conns), make([]error, conns), make([]Latencies, conns)
	began := time.Now().Add(10 * time.Millisecond) // when all connections are there
	var group sync.WaitGroup
	for i := range conns {
		group.Go(func() {
			conn, err := Dial(target.Addr)
			if err != nil {
				errs[i] = err
				return
			}
			defer conn.Close()
			for n := i; n < count; n += conns {
				intended := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
				time.Sleep(time.Until(intended))
				status, body, err := conn.Do(requests[n%len(requests)])
				if err != nil {
					errs[i] = fmt.Errorf("request %d: %w", n, err)
					return
				}
				results[i].count(target.Good(status, body))
				latencies[i] = append(latencies[i], time.Since(intended))
			}
		})
	}
	group.Wait()
	total := sum(results, time.Since(began))
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return total, all, errors.Join(errs...)
}
