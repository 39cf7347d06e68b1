package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestTheCallersOnConnect checks that what the caller does to each new connection is done, after the run was checked,
// and that a connection which it refuses is not used.
func TestTheCallersOnConnect(t *testing.T) {
	server := servertest.MustStartRedis(t)
	refusal := errors.New("not this one")
	var refuse bool
	var r *run
	r = newRun(&redis.UniversalOptions{Addrs: []string{server.Addr},
		OnConnect: func(ctx context.Context, conn *redis.Conn) error {
			if r.id.Load() == nil {
				t.Error("the caller had the connection before its run was known")
			}
			if refuse {
				return refusal
			}
			return conn.ClientSetName(ctx, "theirs").Err()
		}})
	t.Cleanup(r.close)
	for what, client := range map[string]*redis.Client{"control": r.control, "values": r.values} {
		if name, err := client.ClientGetName(t.Context()).Result(); name != "theirs" {
			t.Errorf("%s: a connection is called %q, %v; want what the caller's OnConnect calls it", what, name, err)
		}
	}
	bus := r.control.Subscribe(t.Context(), "channel")
	t.Cleanup(func() { bus.Close() })
	if _, err := bus.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := r.control.ClientList(t.Context()).Result(); strings.Count(list, "name=theirs") != 3 {
		t.Errorf("the connections are %s, %v; want three of the caller's name", list, err)
	}
	refuse = true
	refused := r.control.Subscribe(t.Context(), "another")
	t.Cleanup(func() { refused.Close() })
	if _, err := refused.Receive(t.Context()); !errors.Is(err, refusal) {
		t.Errorf("a connection that the caller refuses: %v, want his error", err)
	}
}
