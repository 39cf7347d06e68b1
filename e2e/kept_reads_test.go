//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// keptReads asks for a product that nobody writes, again and again: every replica has it in its cache.
type keptReads struct {
	asking sync.WaitGroup
	end    func() // stops it

	mu sync.Mutex
	keptResult
}

// keptResult is what became of them.
type keptResult struct {
	good                      int
	failures                  map[string]int
	slowest                   time.Duration
	firstFailure, lastFailure time.Time
}

// startKeptReads caches the first product in the replicas, and begins to read it.
func startKeptReads(t *testing.T) *keptReads {
	t.Helper()
	const path = "/api/products/1"
	for range 12 {
		get(t, path) // until all replicas have it
	}
	k, stop := &keptReads{keptResult: keptResult{failures: map[string]int{}}}, make(chan struct{})
	k.end = sync.OnceFunc(func() {
		close(stop)
		k.asking.Wait()
	})
	t.Cleanup(k.end) // of a test that gives up
	for range 4 {    // one that waits does not keep the others from asking
		k.asking.Go(func() {
			for {
				k.ask(path)
				select {
				case <-stop:
					return
				case <-time.After(40 * time.Millisecond):
				}
			}
		})
	}
	return k
}

func (k *keptReads) ask(path string) {
	began := time.Now()
	response, err := client.Get(nodeURL + path)
	failure := ""
	if err != nil {
		failure = err.Error()
	} else {
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			failure = response.Status + " " + string(body) + ", Cache-Status " + response.Header.Get("Cache-Status")
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.slowest = max(k.slowest, time.Since(began))
	if failure == "" {
		k.good++
		return
	}
	if k.firstFailure.IsZero() {
		k.firstFailure = began
	}
	k.lastFailure = time.Now()
	k.failures[failure]++
}

// finish ends it.
func (k *keptReads) finish() keptResult {
	k.end()
	return k.keptResult
}

// failedFor returns how long it was from the first failure to the last.
func (r keptResult) failedFor() time.Duration { return r.lastFailure.Sub(r.firstFailure) }

func (r keptResult) String() string {
	text := fmt.Sprintf("%d good, %d failed, the slowest %.2f s", r.good, sum(r.failures), r.slowest.Seconds())
	if len(r.failures) > 0 {
		text += fmt.Sprintf(", failures over %.1f s", r.failedFor().Seconds())
	}
	return text
}
