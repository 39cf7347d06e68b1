package clustertest

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// mustStartBeside starts another program on a system's Redis: a database of its own, with n replicas.
func (s *system) mustStartBeside(n int, with settings) *system {
	s.t.Helper()
	beside := mustStartAt(s.t, servertest.MustMakeDatabase(s.t, s.mariadb))
	beside.mariadb, beside.redis = s.mariadb, s.redis
	beside.mustStartReplicas(n, with)
	return beside
}

// Two programs with databases of their own use one Redis: neither reads what the other has kept, or ends its sessions.
// (name)
func TestScheduleTwoPrograms(t *testing.T) {
	for _, row := range []struct {
		name       string
		one, other settings
	}{
		{"and one logical database", settings{}, settings{}},
		{"and two logical databases", settings{}, settings{RedisDB: 1}},
		{
			"two logical databases, and one instance",
			settings{Instance: "shop"}, settings{Instance: "shop", RedisDB: 1},
		},
		{"with instances", settings{Instance: "shop"}, settings{Instance: "lab"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// A slow machine is not to be taken for a lost Redis.
			row.one.Lease, row.one.Timeout = steady.Lease, steady.Timeout
			row.other.Lease, row.other.Timeout = steady.Lease, steady.Timeout
			one := mustStartOn(t, mariadb, 0)
			one.mustStartReplicas(1, row.one)
			one.mustExec("UPDATE row_of SET version = 100")
			one.replicas[0].mustRead("a")
			other := one.mustStartBeside(1, row.other)
			both := []*process{one.replicas[0], other.replicas[0]}
			epochs := []float64{both[0].metric("epoch"), both[1].metric("epoch")}
			if a := both[1].mustRead("a"); a.version != 1 {
				t.Errorf("the other program reads version %d, want its own", a.version)
			}
			var version int
			for range 10 {
				for _, r := range both {
					version = r.mustWrite("a")
					r.wantRead("a", version)
				}
			}
			if a := both[1].mustRead("a"); a.version != version || a.reason != 0 {
				t.Errorf("the other program reads %+v, want a hit of its own version %d", a, version)
			}
			for i, r := range both {
				if r.metric("sessions_total") != 1 || r.metric("epoch") != epochs[i] || r.metric("members") > 1 {
					t.Errorf("a program has had %v sessions, epoch %v after %v, %v members; want those of one alone",
						r.metric("sessions_total"), r.metric("epoch"), epochs[i], r.metric("members"))
				}
			}
		})
	}
}

// TestTwoNamespaces runs two programs on one database and one Redis, under namespaces of their own. It checks that
// neither is affected by the other's writes (both read the same rows, so that it shows), by its dead replicas, its
// epochs, or its clearing everything.
func TestTwoNamespaces(t *testing.T) {
	t.Parallel()
	postgres := servertest.MustStartPostgres(t)
	for name, server := range map[string]interface{ NewDatabase() (string, error) }{
		"MariaDB": mariadb, "PostgreSQL": postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			toys := mustStartAt(t, servertest.MustMakeDatabase(t, server))
			toys.mustStartReplicas(3, steady)
			games := &system{t: t, redis: toys.redis, db: toys.db, dsn: toys.dsn}
			games.mustStartReplicas(1, settings{Namespace: "games", Lease: steady.Lease, Timeout: steady.Timeout})
			toy, game := toys.replicas[1], games.replicas[0]
			game.mustRead("a")
			epoch := game.metric("epoch")

			var version int
			for range 5 {
				version = toys.replicas[0].mustWrite("a")
				toy.wantRead("a", version)
			}
			if _, err := toys.replicas[0].write("a", "?die=committed"); err == nil {
				t.Fatal("the writer lives")
			}
			await(t, "its write is carried out", servers.Patience, func() bool {
				return toy.mustRead("a").version == version+1 && toys.mustCount("SELECT COUNT(*) FROM toys_outbox") == 0
			})
			toy.mustClear()
			toy.awaitLive() // or it keeps nothing
			toy.wantRead("a", version+1)
			if a := game.mustRead("a"); a.version != 1 || a.reason != 0 {
				t.Errorf("the other program reads %+v, want a hit of the 1 that it has kept", a)
			}
			if game.metric("sessions_total") != 1 || game.metric("epoch") != epoch || game.metric("members") != 1 ||
				game.metric("invalidations_sent_total") != 0 {
				t.Errorf(
					"the other program has had %v sessions, epoch %v after %v, %v members, and sent %v; want it alone",
					game.metric("sessions_total"), game.metric("epoch"), epoch, game.metric("members"),
					game.metric("invalidations_sent_total"))
			}

			sessions := toy.metric("sessions_total")
			game.wantRead("a", game.mustWrite("a"))
			if a := toy.mustRead("a"); a.version != version+1 || a.reason != 0 ||
				toy.metric("sessions_total") != sessions {
				t.Errorf("after a write of the other program: %+v, %v sessions after %v; want a hit of %d", a,
					toy.metric("sessions_total"), sessions, version+1)
			}
		})
	}
}

// TestAnInstanceIsOfOneDatabase starts a second program with the instance that another was given. It checks that the
// second logs it, caches nothing and leaves the first alone, and that it takes over once the first has gone.
func TestAnInstanceIsOfOneDatabase(t *testing.T) {
	t.Parallel()
	s := mustStartOn(t, mariadb, 0)
	with := settings{Instance: "shop", Lease: steady.Lease, Timeout: steady.Timeout}
	s.mustStartReplicas(2, with)
	first := s.replicas
	sessions, epoch := first[0].metric("sessions_total"), first[0].metric("epoch")
	beside := s.mustStartBeside(0, settings{})
	with.Name = "second"
	second := beside.mustStartReplica(with)
	await(t, "the second program says why it does not cache", servers.Patience, func() bool {
		return containsAll(second.Log(), foreign, "cluster.Config.Instance")
	})
	own := second.metric("epoch")
	for range 5 {
		first[1].wantRead("a", first[0].mustWrite("a"))
		if a := second.mustRead("a"); a.version != 1 || a.reason == 0 {
			t.Errorf("the second program answers %+v, want version 1 from its database", a)
		}
	}
	if first[0].metric("sessions_total") != sessions || first[0].metric("epoch") != epoch ||
		second.metric("epoch") != own {
		t.Errorf("%v sessions after %v, epoch %v after %v, the second's %v after %v; want none to move",
			first[0].metric("sessions_total"), sessions, first[0].metric("epoch"), epoch, second.metric("epoch"), own)
	}
	for _, r := range first {
		r.Kill()
	}
	second.awaitLive()
	second.wantRead("a", second.mustWrite("a"))
}

// The replicas of one database are to meet in other places of one Redis, as while a setting is changed: they take
// turns, and never answer beside each other. (name)
func TestScheduleElsewhere(t *testing.T) {
	for name, elsewhere := range map[string]settings{
		"instance": {Instance: "elsewhere"}, "logical database": {RedisDB: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustStartOn(t, mariadb, 1)
			here := s.replicas[0]
			here.mustRead("a")
			elsewhere.Name = "elsewhere"
			there := s.mustStartReplica(elsewhere)
			for i := range 10 {
				here.mustRead("a")
				there.mustRead("a")
				writer, reader := here, there
				if i%2 == 1 {
					writer, reader = there, here
				}
				reader.wantRead("a", writer.mustWrite("a"))
			}
		})
	}
}
