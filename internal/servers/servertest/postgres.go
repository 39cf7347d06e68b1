package servertest

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// MustStartPostgres starts a server that one test may do harm to, with settings of its own, each NAME=VALUE.
func MustStartPostgres(t testing.TB, settings ...string) *servers.Postgres {
	t.Helper()
	return started(t, func() (*servers.Postgres, error) { return servers.StartPostgres(settings...) })
}

// MustStartPostgresCopy starts a server that copies another one, for one test.
func MustStartPostgresCopy(t testing.TB, primary *servers.Postgres) *servers.Postgres {
	t.Helper()
	return started(t, func() (*servers.Postgres, error) { return servers.StartPostgresCopy(primary) })
}
