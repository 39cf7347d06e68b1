//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// TestLongKills ends containers at once (SIGKILL), under load, and waits for Swarm to bring them back.
func TestLongKills(t *testing.T) {
	takes(t, 4*time.Minute)
	mustScript(t, "deploy", "redis")
	for _, service := range []string{"api", "redis"} {
		t.Run(service, func(t *testing.T) {
			m := startMix(t)
			kill(t, service)
			got := m.finish(t)
			figuref("docker kill of one %s: %v", service, got)
			got.mustKeepPromises(t)
			if got.failedReads > 0 {
				t.Errorf("%d reads failed: %v", got.failedReads, got.failures)
			}
		})
	}
	t.Run("front", func(t *testing.T) {
		over := make(chan struct{})
		go func() {
			defer close(over)
			kill(t, "front")
		}()
		good, failed := 0, map[string]int{}
		for running := true; running; {
			if response, err := client.Get(nodeURL + "/"); err != nil {
				failed[err.Error()]++
			} else {
				response.Body.Close()
				if response.StatusCode == 200 {
					good++
				} else {
					failed[response.Status]++
				}
			}
			select {
			case <-over:
				running = false
			case <-time.After(10 * time.Millisecond):
			}
		}
		figuref("docker kill of one front: %d pages were answered, failed: %v", good, failed)
		if len(failed) > 0 {
			t.Errorf("pages failed: %v", failed)
		}
	})
	t.Run("database", func(t *testing.T) {
		m := startMix(t)
		kill(t, "database")
		awaitWrites(t)
		got := m.finish(t)
		figuref("docker kill of the database: %v", got)
		got.mustKeepPromises(t)
		if got.failedWrites == 0 {
			t.Error("no write failed without a database")
		}
		clear := map[string]bool{
			"read: 503 The database does not answer; try again later.":  true,
			"write: 503 The database does not answer; try again later.": true,
			// Those who waited for a connection to come back.
			"read: 503 All database connections of this replica are in use; try again later.":  true,
			"write: 503 All database connections of this replica are in use; try again later.": true,
			// COMMIT was under way, or done: the last look, which comes after it, found no database.
			"write: 504 The database broke off before it had answered. " + shop.MayBeDone: true,
			"write: 504 " + shop.NotEverywhere:                                            true,
		}
		for kind := range got.failures {
			if !clear[kind] {
				t.Errorf("a failure is not clear: %s", kind)
			}
		}
	})
}

// kill ends one container of a service and waits until the stack is whole again.
func kill(t *testing.T, service string) {
	t.Helper()
	id := containers(t, service)[0]
	mustDocker(t, "kill", id)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		running := mustDocker(t, "ps", "-q", "--filter", "health=healthy", "--filter",
			"label=com.docker.swarm.service.name=woody_"+service)
		if running != "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no healthy %s a minute after the kill", service)
		}
	}
	awaitSettled(t)
}

// awaitWrites waits until a write is acknowledged again.
func awaitWrites(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		conn, err := load.Dial(swarmNet + ".1:80")
		if err == nil {
			var status int
			status, _, err = conn.Do([]byte("GET /api/products?product=Back HTTP/1.1\r\nHost: shop.example\r\n\r\n"))
			conn.Close()
			if err == nil && status == 200 {
				return
			}
			err = fmt.Errorf("%d %w", status, err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("writes have not come back: %v", err)
		}
	}
}
