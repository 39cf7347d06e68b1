package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestProbesAreWrittenOnTheAdminPort writes one through each of two replicas in turn: all of them answer the news, with
// Redis as without. Redis is away for the last of the writes.
func TestProbesAreWrittenOnTheAdminPort(t *testing.T) {
	t.Parallel()
	redis, dsn := mustServers(t)
	var replicas []*replica
	for range 2 {
		replicas = append(replicas, mustStartReplica(t, "WOODY_DB_DSN="+dsn, "WOODY_ADMIN_ADDR=127.0.0.1:0",
			"WOODY_REDIS_ADDR="+redis.Addr, "WOODY_REDIS_PASSWORD=secret"))
	}
	for i := range 4 {
		if i == 3 {
			redis.Kill()
		}
		version := i + 1
		want := fmt.Sprintf(`{"name":"p","version":%d}`, version)
		if status, body := mustPut(t, replicas[i%2].AdminURL+"/probes/p"); status != http.StatusOK || body != want {
			t.Fatalf("write %d: %d %s, want %s", version, status, body, want)
		}
		for _, r := range replicas {
			for range 2 {
				if _, body := mustGet(t, r.URL+"/api/probes/p"); body != want {
					t.Errorf("after write %d a replica answers %s", version, body)
				}
			}
		}
	}
}

func mustPut(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}
