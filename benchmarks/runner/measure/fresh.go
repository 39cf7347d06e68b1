package measure

import (
	"context"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// Kinds of the samples of Fresh.
const (
	untilAcknowledged = iota
	untilEverywhere
)

// freshReaders is how many ask at once where the replicas themselves cannot be asked.
const freshReaders = 8

// Fresh times writes until each was acknowledged, and until every replica, asked directly, returns it.
// Each product is read everywhere before it is written, so that there is something to be forgotten.
func (s *Shop) Fresh(ctx context.Context, writes int) (raw.Measurement, error) {
	return s.around(raw.Measurement{Name: "fresh", Requests: writes}, func(m *raw.Measurement) error {
		readers := s.Replicas
		for len(readers) == 0 || len(s.Replicas) == 0 && len(readers) < freshReaders {
			readers = append(readers, s.Addr)
		}
		conns := make([]*load.Conn, len(readers))
		for i, addr := range readers {
			conn, err := load.DialContext(ctx, addr)
			if err != nil {
				return orCause(ctx, err)
			}
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			conn.Patience = patience
			conns[i] = conn
		}
		writer := &auditor{shop: s, ctx: ctx}
		defer writer.hangUp(0)
		for n := range writes {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			last := len(s.shelf.products) - 1
			i := last - n%((last+1)/2+1)
			if _, ok := s.shelf.products[i].Next(); !ok {
				continue
			}
			if err := s.freshOnce(m, writer, conns, i); err != nil {
				return orCause(ctx, err)
			}
		}
		return nil
	})
}

func (s *Shop) freshOnce(m *raw.Measurement, writer *auditor, conns []*load.Conn, i int) error {
	if _, err := s.readEverywhere(m, conns, i); err != nil {
		return err
	}
	began := time.Now()
	at := began.Sub(m.Began).Microseconds()
	version, ok := s.write(writer, i)
	acknowledged := time.Since(began)
	sample := raw.Sample{AtUs: at, TookUs: acknowledged.Microseconds(), Status: 200, Kind: untilAcknowledged}
	if !ok {
		sample.Status, sample.Verdict = 0, int(load.Failed)
		m.Samples = append(m.Samples, sample)
		return nil
	}
	m.Samples = append(m.Samples, sample)
	verdict := load.Failed
	// One try is enough unless a read is stale, which is counted.
	for tries := 0; tries < 1000 && verdict != load.Good; tries++ {
		oldest, err := s.readEverywhere(m, conns, i)
		if err != nil {
			return err
		}
		if oldest >= version {
			verdict = load.Good
		}
	}
	m.Samples = append(m.Samples, raw.Sample{AtUs: at, TookUs: time.Since(began).Microseconds(), Status: 200,
		Kind: untilEverywhere, Verdict: int(verdict)})
	return nil
}

// readEverywhere reads a product on all connections at once and returns the oldest version found.
func (s *Shop) readEverywhere(m *raw.Measurement, conns []*load.Conn, i int) (oldest int64, err error) {
	versions, errs := make([]int64, len(conns)), make([]error, len(conns))
	floor := s.shelf.products[i].Floor()
	var group sync.WaitGroup
	for c, conn := range conns {
		group.Go(func() {
			response, err := conn.Ask(s.reads[i])
			if errs[c] = err; err == nil {
				s.shelf.judge(i, floor, response)
				versions[c] = oracle.VersionOf(response.Body)
			}
		})
	}
	group.Wait()
	m.Oracle.Checked += len(conns)
	oldest = versions[0]
	for c := range conns {
		oldest = min(oldest, versions[c])
		if errs[c] != nil {
			err = errs[c]
		}
	}
	return oldest, err
}
