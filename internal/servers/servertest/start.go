package servertest

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// MustStartPair starts a primary MariaDB server with a replica, for one test.
func MustStartPair(t testing.TB) *servers.Pair {
	t.Helper()
	return started(t, servers.StartPair)
}

// MustStartRedis starts a Redis with more arguments of its own, for one test.
func MustStartRedis(t testing.TB, args ...string) *servers.Redis {
	t.Helper()
	return started(t, func() (*servers.Redis, error) { return servers.StartRedis(args...) })
}

// MustStartRedisCopy starts a copy of a Redis server, for one test.
func MustStartRedisCopy(t testing.TB, primary *servers.Redis) *servers.Redis {
	t.Helper()
	return started(t, func() (*servers.Redis, error) { return servers.StartRedisCopy(primary) })
}

// MustStartWatchedRedis starts a primary, its copy and three sentinels, for one test; with TLS if certificates are
// given.
func MustStartWatchedRedis(t testing.TB, certificates *servers.Certificates) *servers.WatchedRedis {
	t.Helper()
	return started(t, func() (*servers.WatchedRedis, error) { return servers.StartWatchedRedis(certificates) })
}

// MustMakeCertificates makes certificates for one test.
func MustMakeCertificates(t testing.TB) *servers.Certificates {
	t.Helper()
	certificates, err := servers.NewCertificates(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return certificates
}

// MustStartWire starts a wire to a server's address, for one test.
func MustStartWire(t testing.TB, to string) *servers.Wire {
	t.Helper()
	return started(t, func() (*servers.Wire, error) { return servers.StartWire(to) })
}

// started returns what start does, and closes it at the end of the test.
func started[S interface{ Close() }](t testing.TB, start func() (S, error)) S {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// MustStartGalera starts a cluster of so many nodes, for one test.
func MustStartGalera(t testing.TB, count int) *servers.Galera {
	t.Helper()
	return started(t, func() (*servers.Galera, error) { return servers.StartGalera(count) })
}
