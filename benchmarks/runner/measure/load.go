package measure

import (
	"context"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// mixWrites is the part of the published mix that are writes.
const mixWrites = .2

// openConns is how many connections an open loop may use.
const openConns = 128

// Warm asks for the shelf until what can be kept is kept, and every connection's way is known.
func (s *Shop) Warm(ctx context.Context, d time.Duration) error {
	source, _ := s.sources(0)
	_, err := load.Run(ctx, load.Plan{Addr: s.Addr, Conns: 16, For: d, Source: source})
	return err
}

// Mix measures 80% reads and 20% writes by conns at once, in a closed loop: so many requests, or for so long.
func (s *Shop) Mix(ctx context.Context, name string, conns, requests int, d time.Duration) (raw.Measurement, error) {
	m := raw.Measurement{Name: name, Conns: conns, Requests: requests, ForMs: d.Milliseconds()}
	return s.load(ctx, m, load.Plan{Conns: conns, Requests: requests, For: d}, mixWrites)
}

// Watched measures the mix at a rate for d, in an open loop: with those who watch the shop, or without, as what says.
func (s *Shop) Watched(ctx context.Context, what string, rate float64, d time.Duration) (raw.Measurement, error) {
	m := raw.Measurement{Name: "watched", What: what, Conns: openConns, Rate: rate, ForMs: d.Milliseconds()}
	return s.load(ctx, m, load.Plan{Conns: openConns, Rate: rate, For: d, Patience: 5 * time.Second}, mixWrites)
}

// Nodes measures reads or writes by conns at once for d, in a closed loop: with one database or with three nodes, as
// what says.
func (s *Shop) Nodes(ctx context.Context, what string, conns int, writes float64, d time.Duration) (
	raw.Measurement, error) {
	m := raw.Measurement{Name: "nodes", What: what, Conns: conns, ForMs: d.Milliseconds()}
	return s.load(ctx, m, load.Plan{Conns: conns, For: d}, writes)
}

// Latency measures reads at a rate for d, in an open loop.
func (s *Shop) Latency(ctx context.Context, name string, rate float64, d time.Duration) (raw.Measurement, error) {
	m := raw.Measurement{Name: name, Conns: openConns, Rate: rate, ForMs: d.Milliseconds()}
	return s.load(ctx, m, load.Plan{Conns: openConns, Rate: rate, For: d, Patience: 5 * time.Second}, 0)
}

func (s *Shop) load(ctx context.Context, m raw.Measurement, plan load.Plan, writes float64) (raw.Measurement, error) {
	return s.loadAudited(ctx, m, plan, writes, auditEvery)
}

// loadAudited is load with an auditor that writes so often.
func (s *Shop) loadAudited(ctx context.Context, m raw.Measurement, plan load.Plan, writes float64,
	every time.Duration) (raw.Measurement, error) {
	var addTo func(*raw.Measurement)
	plan.Addr = s.Addr
	plan.Source, addTo = s.sources(writes)
	return s.around(m, func(m *raw.Measurement) error {
		done := make(chan struct{})
		var audit sync.WaitGroup
		audit.Go(func() { s.audit(ctx, done, every) })
		outcome, err := load.Run(ctx, plan)
		close(done)
		audit.Wait()
		keep(m, outcome)
		addTo(m)
		return err
	})
}
