package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestLookupsOfARealNameServer asks BIND: for a name with several addresses, for one with both kinds, and for none.
func TestLookupsOfARealNameServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "zone")
	zone := "$TTL 0\n@ SOA ns hostmaster 1 3600 900 1209600 0\n@ NS ns\nns A 127.0.0.1\n" +
		"tasks A 127.0.0.3\ntasks A 127.0.0.2\nboth A 127.0.0.2\nboth AAAA ::1\nsix AAAA ::1\n"
	if err := os.WriteFile(file, []byte(zone), 0o644); err != nil {
		t.Fatal(err)
	}
	named, err := servers.StartNamed("api", file)
	if err != nil {
		t.Fatalf("start a name server (scripts/need bind installs it): %v", err)
	}
	t.Cleanup(named.Close)
	look := lookupBy(
		&net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, named.Addr)
		}})
	for name, want := range map[string][]netip.Addr{
		"tasks.api.": {netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")},
		"both.api.":  {netip.MustParseAddr("127.0.0.2")},
		"six.api.":   {netip.MustParseAddr("::1")},
		"127.0.0.9":  {netip.MustParseAddr("127.0.0.9")},
	} {
		got, err := look(t.Context(), name)
		slices.SortFunc(got, netip.Addr.Compare)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has the addresses %v, %v; want %v", name, got, err, want)
		}
	}
	r := newReplicas(config{API: "nobody.api.:8080", AdminPort: 8081})
	r.lookup = look
	if err := r.refresh(t.Context()); err == nil || len(r.all()) > 0 {
		t.Errorf("a name that there is not: %v, %d replicas; want an error and none", err, len(r.all()))
	}
}
