package cluster

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestRedisOptions checks what is refused: Redis Cluster, and whatever reads from copies.
func TestRedisOptions(t *testing.T) {
	two := []string{"a:1", "b:1"}
	for _, row := range []struct {
		options *redis.UniversalOptions
		want    string // in the error; empty for none
	}{
		{&redis.UniversalOptions{}, ""},
		{&redis.UniversalOptions{Addrs: two[:1]}, ""},
		{&redis.UniversalOptions{Addrs: two, MasterName: "toys"}, ""},
		{nil, "is missing"},
		{&redis.UniversalOptions{Addrs: two}, "Redis Cluster"},
		{&redis.UniversalOptions{Addrs: two[:1], IsClusterMode: true}, "Redis Cluster"},
		{&redis.UniversalOptions{MasterName: "toys"}, "no Addrs"},
		{&redis.UniversalOptions{Addrs: two, MasterName: "toys", ReadOnly: true}, "copies"},
		{&redis.UniversalOptions{Addrs: two, MasterName: "toys", RouteByLatency: true}, "copies"},
		{&redis.UniversalOptions{Addrs: two, MasterName: "toys", RouteRandomly: true}, "copies"},
	} {
		err := checkRedis(row.options)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%+v: %v, want %q", row.options, err, row.want)
		}
	}
}
