package servers_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestARedisCopyTakesOver checks that a copy has what its primary has, and goes on with that when it leads.
func TestARedisCopyTakesOver(t *testing.T) {
	primary := servertest.MustStartRedis(t)
	mustSet(t, primary, "1")
	second := servertest.MustStartRedisCopy(t, primary)
	if err := second.Lead(); err != nil {
		t.Fatal(err)
	}
	mustSet(t, primary, "2")
	if err := primary.Follow(second); err != nil {
		t.Fatal(err)
	}
	client := primary.Client()
	defer client.Close()
	if got, err := client.Get(t.Context(), "k").Result(); got != "1" || err != nil {
		t.Errorf("the old primary has %q, %v; want the 1 of the one that it copies", got, err)
	}
}

func mustSet(t *testing.T, server *servers.Redis, value string) {
	t.Helper()
	client := server.Client()
	defer client.Close()
	if err := client.Set(t.Context(), "k", value, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestSentinelsMoveThePrimary checks where the primary is after it was moved, killed and cut off from all, with TLS and
// without.
func TestSentinelsMoveThePrimary(t *testing.T) {
	for name, certificates := range map[string]*servers.Certificates{
		"plain": nil, "TLS": servertest.MustMakeCertificates(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watched := servertest.MustStartWatchedRedis(t, certificates)
			if err := watched.Failover(); err != nil {
				t.Fatal(err)
			}
			if at, err := watched.Primary(); at != 1 || err != nil {
				t.Fatalf("the primary is %d, %v; want 1", at, err)
			}
			if err := watched.AwaitWhole(); err != nil {
				t.Fatal(err)
			}
			watched.Wires[1].Cut()
			if err := watched.AwaitMove(1); err != nil {
				t.Fatal(err)
			}
			watched.Wires[1].Mend()
			if err := watched.AwaitWhole(); err != nil {
				t.Fatal(err)
			}
			watched.Servers[0].Kill()
			if err := watched.AwaitMove(0); err != nil {
				t.Fatal(err)
			}
			mustSet(t, watched.Servers[1], "1")
		})
	}
}
