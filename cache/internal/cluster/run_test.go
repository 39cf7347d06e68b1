package cluster

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

func mustRun(t *testing.T, server *servers.Redis) *run {
	t.Helper()
	r := newRun(&redis.UniversalOptions{
		Addrs: []string{server.Addr}, Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1,
		MaxIdleConns: -1,
	})
	t.Cleanup(r.close)
	return r
}

// TestARunEnds checks that a new connection finds out when the server was started again, or has been a copy meanwhile,
// and that it is not used where it is one.
func TestARunEnds(t *testing.T) {
	ctx := t.Context()
	first, second := servertest.MustStartRedis(t), servertest.MustStartRedis(t)
	before := mustRun(t, first)
	if err := before.control.Ping(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	if err := first.Follow(second); err != nil {
		t.Fatal(err)
	}
	if err := mustRun(t, first).values.Ping(ctx).Err(); !errors.Is(err, errCopy) {
		t.Errorf("a connection to a copy: %v, want %v", err, errCopy)
	}
	if err := before.values.Ping(ctx).Err(); !errors.Is(err, errCopy) {
		t.Errorf("a connection to what has become a copy: %v, want %v", err, errCopy)
	}
	if err := first.Lead(); err != nil {
		t.Fatal(err)
	}
	if err := before.values.Ping(ctx).Err(); !errors.Is(err, errOtherRun) || !before.gone.Load() {
		t.Errorf("a connection to what has been a copy: %v, want %v", err, errOtherRun)
	}
	after := mustRun(t, first)
	if err := errors.Join(after.control.Ping(ctx).Err(), after.values.Ping(ctx).Err()); err != nil {
		t.Error(err)
	}
	first.Kill()
	if err := first.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := pingUntilGone(ctx, after.values); !errors.Is(err, errOtherRun) {
		t.Errorf("a connection to a server that was started again: %v, want %v", err, errOtherRun)
	}
}

// pingUntilGone asks until a connection that was there is found to be gone, and returns the reply of a new one.
func pingUntilGone(ctx context.Context, client *redis.Client) (err error) {
	for range 10 {
		if err = client.Ping(ctx).Err(); errors.Is(err, errOtherRun) {
			break
		}
	}
	return err
}

func TestRunID(t *testing.T) {
	const info = "# Server\r\nredis_version:7.0.15\r\nrun_id:aa\r\n\r\n# Replication\r\nrole:master\r\n" +
		"master_replid:bb\r\n"
	id, err := parseRun(info)
	if err != nil || len(id.name) != 32 {
		t.Fatalf("%q, %v", id, err)
	}
	for _, other := range []string{
		"role:master\r\nrun_id:ab\r\nmaster_replid:bb\r\n", "role:master\r\nrun_id:aa\r\nmaster_replid:ab\r\n",
	} {
		if got, err := parseRun(other); got == id || err != nil {
			t.Errorf("%q is the same run as %q; %v", other, info, err)
		}
	}
	for _, unknown := range []string{
		"", "role:master\r\nrun_id:aa\r\n", "role:master\r\nmaster_replid:bb\r\n",
		"role:slave\r\nrun_id:aa\r\nmaster_replid:bb\r\n",
	} {
		if got, err := parseRun(unknown); err == nil {
			t.Errorf("%q is run %q, want an error", unknown, got)
		}
	}
}
