package cache_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/woodytoys/woodytoys/cache"
)

// fewReads are enough to see a rule broken; make long has many more.
const fewReads = 30_000

var oracleReads = flag.Int("oracle-reads", fewReads, "how many reads the oracle checks")

// TestOracle reads under concurrent writes on few keys. Before each read it takes the highest
// version acknowledged; the read may not answer an older one.
func TestOracle(t *testing.T) {
	const keys, readers, writers = 4, 6, 2
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var rows [keys]truth
	var acknowledged [keys]atomic.Int64
	var reads, stale atomic.Int64
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				k := rand.IntN(keys)
				version := rows[k].write()
				runtime.Gosched()
				c.Invalidate(fmt.Sprint("row:", k))
				raise(&acknowledged[k], version)
				for range rand.IntN(20) { // let the readers hit in between
					runtime.Gosched()
				}
			}
		})
	}
	for range readers {
		reading.Go(func() {
			for stale.Load() == 0 && reads.Add(1) <= int64(*oracleReads) {
				k := rand.IntN(keys)
				floor := acknowledged[k].Load()
				got, _, err := l.Get(context.Background(), fmt.Sprint(k), []string{fmt.Sprint("row:", k)},
					func(context.Context, *cache.Fill) (int64, error) {
						v := rows[k].read()
						for range rand.IntN(100) { // between the read and the store is where writes do harm
							runtime.Gosched()
						}
						return v, nil
					})
				if err != nil {
					t.Error(err)
				}
				if got < floor {
					stale.Add(1)
				}
			}
		})
	}
	reading.Wait()
	close(done)
	writing.Wait()
	if n := stale.Load(); n > 0 {
		t.Errorf("%d of the first %d reads were stale", n, reads.Load())
	}
}

// raise sets to the higher of it and version.
func raise(to *atomic.Int64, version int64) {
	for {
		now := to.Load()
		if now >= version || to.CompareAndSwap(now, version) {
			return
		}
	}
}
