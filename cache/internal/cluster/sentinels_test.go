package cluster

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

func sentinelOptions(addrs []string, name string) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: addrs, MasterName: name, Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, // however busy the machine is
	}
}

// TestSentinelsSayWhereThePrimaryIs checks that the primary is found while at least one sentinel answers, and that it
// is an error when none does.
func TestSentinelsSayWhereThePrimaryIs(t *testing.T) {
	t.Parallel()
	watched := servertest.MustStartWatchedRedis(t, nil)
	s := newSentinels(sentinelOptions(watched.Addrs(), servers.MasterName))
	defer s.close()
	for silent := range len(watched.Sentinels) {
		if addr, err := s.primary(t.Context()); addr != watched.Wires[0].Addr || err != nil {
			t.Errorf("with %d sentinels silent: %q, %v; want %q", silent, addr, err, watched.Wires[0].Addr)
		}
		watched.Sentinels[silent].Signal(syscall.SIGSTOP)
		defer watched.Sentinels[silent].Signal(syscall.SIGCONT)
	}
	if addr, err := s.primary(t.Context()); err == nil {
		t.Errorf("%q, though no sentinel says anything", addr)
	}
}

// TestSentinelsKnowNoSuchPrimary checks that a name that is mistyped can be found by what is said of it.
func TestSentinelsKnowNoSuchPrimary(t *testing.T) {
	t.Parallel()
	watched := servertest.MustStartWatchedRedis(t, nil)
	s := newSentinels(sentinelOptions(watched.Addrs(), "wody"))
	defer s.close()
	if _, err := s.primary(t.Context()); err == nil || !strings.Contains(err.Error(), `"wody": ERR No such master`) {
		t.Errorf("%v, want it to name what is not there", err)
	}
}

// TestSentinelsWithPasswords checks that a user who may ask for the primary, and for nothing else, is enough, and that
// a wrong password is an error.
func TestSentinelsWithPasswords(t *testing.T) {
	t.Parallel()
	watched := servertest.MustStartWatchedRedis(t, nil)
	o := sentinelOptions(watched.Addrs(), servers.MasterName)
	for _, addr := range o.Addrs {
		c := redis.NewSentinelClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
		for _, rule := range [][]any{
			{"ACL", "SETUSER", "toys", "on", ">secret", "+sentinel|master"}, {"ACL", "SETUSER", "default", "off"},
		} {
			if err := c.Process(t.Context(), redis.NewStatusCmd(t.Context(), rule...)); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
	}
	for password, want := range map[string]string{"secret": "", "wrong": "WRONGPASS"} {
		o.SentinelUsername, o.SentinelPassword = "toys", password
		s := newSentinels(o)
		_, err := s.primary(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("with the password %q: %v, want %q", password, err, want)
		}
		s.close()
	}
}

// TestAnOldSentinelLeadsNobodyAstray checks that the primary is found when one sentinel of three still reports the one
// before a failover.
func TestAnOldSentinelLeadsNobodyAstray(t *testing.T) {
	t.Parallel()
	watched, old := servertest.MustStartWatchedRedis(t, nil), servertest.MustStartWatchedRedis(t, nil)
	// A failover is over when a majority has heard of it, and the two that are asked here may be fewer.
	err := errors.Join(watched.MakePatient(), old.MakePatient(), watched.Failover(), watched.AwaitWhole())
	if err != nil {
		t.Fatal(err)
	}
	at, err := watched.Primary()
	if err != nil {
		t.Fatal(err)
	}
	o := sentinelOptions([]string{old.Sentinels[0].Addr, watched.Addrs()[0], watched.Addrs()[1]}, servers.MasterName)
	o.DialTimeout = time.Minute // it waits for two of them, however busy the machine is
	s := newSentinels(o)
	defer s.close()
	for range 20 {
		if addr, err := s.primary(t.Context()); addr != watched.Wires[at].Addr || err != nil {
			t.Fatalf("%q, %v; want %q", addr, err, watched.Wires[at].Addr)
		}
	}
}

// TestRunOverTLS checks that servers and sentinels with TLS are reached, and those whose certificate nobody trusts are
// not.
func TestRunOverTLS(t *testing.T) {
	t.Parallel()
	certificates := servertest.MustMakeCertificates(t)
	watched := servertest.MustStartWatchedRedis(t, certificates)
	by := map[string]*redis.UniversalOptions{
		"sentinels": sentinelOptions(watched.Addrs(), servers.MasterName),
		"address":   sentinelOptions([]string{watched.Servers[0].Addr}, ""),
	}
	for how, o := range by {
		o.TLSConfig = certificates.Client()
		r := newRun(o)
		if err := errors.Join(r.control.Ping(t.Context()).Err(), r.values.Ping(t.Context()).Err()); err != nil {
			t.Errorf("by %s: %v", how, err)
		}
		r.close()
		o.TLSConfig = servertest.MustMakeCertificates(t).Client()
		stranger := newRun(o)
		if err := stranger.control.Ping(t.Context()).Err(); err == nil ||
			!strings.Contains(err.Error(), "certificate") {
			t.Errorf("by %s, with an authority that did not sign it: %v", how, err)
		}
		stranger.close()
	}
}
