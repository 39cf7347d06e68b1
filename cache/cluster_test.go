package cache_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// fakeLedger is a database that never fails, and that nobody else uses.
type fakeLedger struct {
	mu    sync.Mutex
	state ledger.State
}

func (f *fakeLedger) Namespace() string { return "toys" }

func (f *fakeLedger) Read(context.Context, time.Duration) (ledger.State, []ledger.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, nil, nil
}

func (f *fakeLedger) Bump(_ context.Context, least ledger.State) (ledger.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Epoch, f.state.Wire = max(f.state.Epoch+1, least.Epoch), max(f.state.Wire, least.Wire)
	if least.Run != "" {
		f.state.Run = least.Run
	}
	return f.state, nil
}

func (f *fakeLedger) Look(context.Context) (ledger.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, nil
}

func (f *fakeLedger) epoch() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.Epoch
}

func (f *fakeLedger) HasBump(context.Context, string) (bool, error) { return true, nil }

func (f *fakeLedger) Remove(context.Context, []int64, string) error { return nil }
func (f *fakeLedger) Take(context.Context, []int64) error           { return nil }

func (f *fakeLedger) Withdraw(context.Context, ledger.Record) error { return nil }

func (f *fakeLedger) HandOver(context.Context, []string) (record ledger.Record, err error) { return }

func (f *fakeLedger) Progress(context.Context, ledger.Record) (ledger.Progress, error) {
	return ledger.Waiting, nil
}

// mustJoin makes a cache that is a cluster of one, and waits until it has a lease. A fill that nobody ends is waited
// for as good as for ever.
func mustJoin(t *testing.T, server *servers.Redis) *cache.Cache {
	t.Helper()
	c := mustNew(t, cache.Config{Cluster: &cluster.Config{
		Redis: &redis.UniversalOptions{Addrs: []string{server.Addr}}, Ledger: &fakeLedger{},
		Lease: 5 * time.Second, FillLease: time.Hour,
		Timeout: 5 * time.Second,
	}})
	t.Cleanup(c.Close)
	mustHaveLease(t, c)
	return c
}

// mustHaveLease waits until a cache has a lease of some length.
func mustHaveLease(t *testing.T, c *cache.Cache) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for c.Stats().Cluster.Lease < time.Second {
		if time.Now().After(deadline) {
			t.Fatal("the cache has no lease after a minute")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestABuildHasValuesOfItsOwn checks that values in Redis are separate for each program that made them, though its
// Release is not set: another build may encode otherwise.
func TestABuildHasValuesOfItsOwn(t *testing.T) {
	server := servertest.MustStartRedis(t)
	c := mustJoin(t, server)
	l := mustLoader[int64](t, c, cache.Options{})
	if _, info := get(t, l, key, tags, plain(func() (int64, error) { return 7, nil })); !info.SharedStored {
		t.Fatal("the value is not in Redis")
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	names, err := client.Keys(t.Context(), "toys:*:v:*").Result()
	if err != nil || len(names) != 1 {
		t.Fatalf("the values in Redis are %q (%v), want one", names, err)
	}
	_, release, _ := strings.Cut(names[0], ":v:")
	if release, _, _ = strings.Cut(release, ":"); len(release) != 12 {
		t.Errorf("the value's name is %q, want a hash of the program in it", names[0])
	}
}
