//go:build e2e

package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestLongCachedReadsWithoutADatabase kills the database: what is kept goes on being answered. A replica to which
// the database's address neither answers nor refuses for a moment, as when a task comes and goes, cannot know
// that nobody writes, and then asks it in vain: such responses are 503, and few of those of half a minute.
func TestLongCachedReadsWithoutADatabase(t *testing.T) {
	takes(t, 2*time.Minute)
	mustScript(t, "deploy", "redis")
	const path = "/api/products/1"
	for range 12 {
		get(t, path) // until all replicas have it
	}
	responses, stop := map[string]int{}, make(chan struct{})
	began := time.Now()
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			response, err := client.Get(nodeURL + path)
			switch {
			case err != nil:
				responses[err.Error()]++
			case response.StatusCode != http.StatusOK:
				responses[response.Status]++
				t.Logf("%v after the kill %s answered %s, Cache-Status %q", time.Since(began).Round(time.Millisecond),
					response.Header.Get("X-Served-By"), response.Status, response.Header.Get("Cache-Status"))
			default:
				responses["good"]++
			}
			if err == nil {
				response.Body.Close()
			}
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	kill(t, "database")
	awaitWrites(t)
	time.Sleep(time.Until(began.Add(30 * time.Second)))
	close(stop)
	asking.Wait()
	figuref("reads of a cached product while the database was killed and came back: %v", responses)
	refused := responses["503 Service Unavailable"]
	if responses["good"] < 100 || refused > responses["good"]/10 || responses["good"]+refused != sum(responses) {
		t.Errorf("cached reads without a database: %v", responses)
	}
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}
