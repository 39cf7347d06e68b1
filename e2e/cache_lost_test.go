//go:build e2e

package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestCachedReadsWithoutADatabase kills the database: what is kept goes on being answered. A replica to which
// the database's address neither answers nor refuses for a moment, as when a task comes and goes, cannot know
// that nobody writes, and then asks it in vain: such answers are 503, and few.
func TestCachedReadsWithoutADatabase(t *testing.T) {
	mustScript(t, "deploy", "redis")
	const path = "/api/products/1"
	for range 12 {
		get(t, path) // until all replicas have it
	}
	answers, stop := map[string]int{}, make(chan struct{})
	began := time.Now()
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			answer, err := client.Get(nodeURL + path)
			switch {
			case err != nil:
				answers[err.Error()]++
			case answer.StatusCode != http.StatusOK:
				answers[answer.Status]++
				t.Logf("%v after the kill %s answered %s, Cache-Status %q", time.Since(began).Round(time.Millisecond),
					answer.Header.Get("X-Served-By"), answer.Status, answer.Header.Get("Cache-Status"))
			default:
				answers["good"]++
			}
			if err == nil {
				answer.Body.Close()
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
	close(stop)
	asking.Wait()
	figuref("reads of a cached product while the database was killed and came back: %v", answers)
	refused := answers["503 Service Unavailable"]
	if answers["good"] < 100 || refused > answers["good"]/10 || answers["good"]+refused != sum(answers) {
		t.Errorf("cached reads without a database: %v", answers)
	}
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}
