package measure

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// Slices are replicas that have slices of processor time.
type Slices struct {
	// Replicas is how many there are, and Cores how much of a core each has.
	Replicas int
	Cores    float64
	// For is for how long each load is measured.
	For time.Duration
}

// SlicedReads measures reads in a closed loop, for each replica by as many at once as there were for each of so many
// where the highest rate was searched: what a request costs depends on how many there are with it.
func (s *Shop) SlicedReads(ctx context.Context, l Slices, unsliced int) (raw.Measurement, error) {
	return s.sliced(ctx, l, "reads", l.conns(openConns, unsliced), 0)
}

// SlicedMix measures the mix likewise, by as many at once as where it was sustained by conns.
func (s *Shop) SlicedMix(ctx context.Context, l Slices, conns, unsliced int) (raw.Measurement, error) {
	return s.sliced(ctx, l, "mix", l.conns(conns, unsliced), mixWrites)
}

// conns returns how many are at once where so many were for other replicas together.
func (l Slices) conns(all, replicas int) int { return l.Replicas * max(1, all/replicas) }

// warmRequests is how many requests each connection makes before a load in slices is measured.
const warmRequests = 5

// sliced measures a load after the same one, which is not measured: in a small slice it weighs what new connections
// cost, and the proxy opens its own to the replicas one by one, as more and more requests are under way at a time. That
// is counted in requests, since in some time the more connections there are the fewer each makes. The auditor is as
// much slower as the replicas are together smaller than a core, or it would use up a small one.
func (s *Shop) sliced(ctx context.Context, l Slices, what string, conns int, writes float64) (raw.Measurement, error) {
	m := raw.Measurement{Name: "sliced", What: what, Conns: conns, ForMs: l.For.Milliseconds(), Slices: l.Replicas}
	source, _ := s.sources(writes)
	if _, err := load.Run(ctx, load.Plan{Addr: s.Addr, Conns: conns, Requests: warmRequests * conns,
		Source: source}); err != nil {
		return m, err
	}
	every := time.Duration(float64(auditEvery) / min(1, float64(l.Replicas)*l.Cores))
	return s.loadAudited(ctx, m, load.Plan{Conns: conns, For: l.For}, writes, every)
}

// WarmEach reads the whole shelf from each replica, so that it keeps what it can: a load that reads by a Zipf law would
// take long until the last products are kept by all, the longer the more replicas there are. Where they cannot be
// reached it does nothing.
func (s *Shop) WarmEach(ctx context.Context) error {
	for _, replica := range s.Replicas {
		var next atomic.Int64
		if _, err := load.Run(ctx, load.Plan{Addr: replica, Conns: fillConns, Requests: len(s.reads),
			Source: func(int) load.Source { return &shelfReader{shop: s, next: &next} }}); err != nil {
			return err
		}
	}
	return nil
}

// shelfReader reads the shelf, one product after the other.
type shelfReader struct {
	shop  *Shop
	next  *atomic.Int64
	index int
	floor oracle.State
}

func (r *shelfReader) Next() ([]byte, uint8) {
	r.index = int(r.next.Add(1)-1) % len(r.shop.reads)
	r.floor = r.shop.shelf.products[r.index].Floor()
	return r.shop.reads[r.index], readProduct
}

func (r *shelfReader) Judge(a load.Response) load.Verdict {
	r.shop.shelf.checked(1)
	return r.shop.shelf.judge(r.index, r.floor, a)
}
