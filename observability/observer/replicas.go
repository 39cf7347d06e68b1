package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// lookupEvery is how often DNS is asked for the replicas.
	lookupEvery = 2 * time.Second
	// lookupTimeout is how long it may take.
	lookupTimeout = 2 * time.Second
	// lookupTTL is how long the last addresses are used once DNS returns none, as Swarm's does for a moment when a
	// service is replaced. After that they may be another's.
	lookupTTL = 10 * time.Second
)

// lookup returns the addresses of a name. An address is its own.
type lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// lookupDNS is the lookup of the system. Where a name has addresses of both kinds, they are IPv4's: two addresses of
// one replica would count as two.
func lookupDNS(ctx context.Context, host string) ([]netip.Addr, error) {
	return lookupBy(net.DefaultResolver)(ctx, host)
}

func lookupBy(resolver *net.Resolver) lookup {
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		found, err := resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for i, addr := range found {
			found[i] = addr.Unmap()
		}
		if slices.ContainsFunc(found, netip.Addr.Is4) {
			found = slices.DeleteFunc(found, netip.Addr.Is6)
		}
		return found, nil
	}
}

// replicas are the replicas that DNS names, each with the same ports.
type replicas struct {
	host, port, adminPort string
	lookup                lookup
	within                timeouts // of ways to them

	mu    sync.Mutex
	ways  []*way
	found time.Time // when DNS gave any addresses last
}

func newReplicas(cfg config) *replicas {
	host, port, _ := net.SplitHostPort(cfg.API) // by config.check it can be split
	return &replicas{host: host, port: port, adminPort: strconv.Itoa(cfg.AdminPort), lookup: lookupDNS,
		within: usual}
}

// all returns the replicas that are known.
func (r *replicas) all() []*way {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ways)
}

// refresh asks DNS. It returns an error where that gave no address; then the ones from before go on being known for a
// while.
func (r *replicas) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := r.lookup(ctx, r.host)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s has no address", r.host)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.ways, r.found = r.waysTo(found), time.Now()
	case time.Since(r.found) > lookupTTL:
		r.ways = nil
	}
	return err
}

// waysTo returns the ways to addresses, those that are known already among them.
func (r *replicas) waysTo(addrs []netip.Addr) []*way {
	slices.SortFunc(addrs, netip.Addr.Compare)
	var ways []*way
	for _, addr := range slices.Compact(addrs) {
		host := addr.String()
		w := &way{
			path: viaReplica, url: "http://" + net.JoinHostPort(host, r.port),
			adminURL: "http://" + net.JoinHostPort(host, r.adminPort), within: r.within,
		}
		if i := slices.IndexFunc(r.ways, func(known *way) bool { return known.url == w.url }); i >= 0 {
			w = r.ways[i]
		}
		ways = append(ways, w)
	}
	return ways
}
