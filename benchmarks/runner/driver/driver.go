// Package driver brings up the stages of the shop that are measured: as processes of this machine, or
// something that is deployed already.
package driver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// Running is a stage that is up.
type Running struct {
	Name string
	// Addr is its entrance, HOST:PORT. Host is what requests to it name; Addr where that is empty.
	Addr, Host string
	// PageURL is the page.
	PageURL string
	// Replicas are the addresses of the replicas themselves, HOST:PORT; none where they cannot be reached.
	Replicas []string
	// Admin are the replicas' admin ports, as URLs; none where they cannot be reached.
	Admin []string
	// Parts are its components; none where they run elsewhere.
	Parts []Part

	// lookUp finds the components' processes again; nil where they stay what they are.
	lookUp  func() ([]Part, error)
	queries *sql.DB // nil where the database cannot be asked
	// redis and metrics, the proxy's /metrics as HOST:PORT, are for who watches; nil and empty where they cannot be.
	redis   *servers.Redis
	metrics string
}

// PageAddr returns where a host of the page is, both as HOST:PORT. DNS has neither *.localhost, which browsers take for
// this machine, nor the name of a shop that is at an address.
func (r *Running) PageAddr(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	at, _, _ := net.SplitHostPort(r.Addr)
	switch {
	case err != nil:
		return addr
	case isUnder(host, "localhost"):
		return net.JoinHostPort("127.0.0.1", port)
	case isUnder(host, shopName):
		return net.JoinHostPort(at, port)
	}
	return addr
}

// isUnder reports whether a host is the name, or one below it.
func isUnder(host, name string) bool { return host == name || strings.HasSuffix(host, "."+name) }

// Part is a component, with the processes it began with.
type Part struct {
	Name string
	PIDs []int
	// Watcher marks a component that watches the stage, and is no part of it.
	Watcher bool
}

// addPart adds a process to its component.
func addPart(parts []Part, name string, pid int) []Part {
	for i := range parts {
		if parts[i].Name == name {
			parts[i].PIDs = append(parts[i].PIDs, pid)
			return parts
		}
	}
	return append(parts, Part{Name: name, PIDs: []int{pid}})
}

// Driver brings stages up.
type Driver interface {
	// Missing is why a stage cannot be brought up; empty when it can.
	Missing(s stage.Stage) string
	// Start brings a stage up beside those that are. It stays up until End.
	Start(ctx context.Context, s stage.Stage, cfg Config) (*Running, error)
	// End ends all stages; others may be started then.
	End()
	// Close ends everything that the driver began.
	Close()
	// Slice gives each process of a running stage's component a part of a core, and no more, until End. It fails where
	// processes cannot be given that.
	Slice(running *Running, component string, cores float64) error
	// Unwatched is why no stage can be watched; empty when one can.
	Unwatched() string
	// Watch starts what stage observability adds to a running stage with Redis, and waits until it watches. It is among
	// the stage's parts until it is ended.
	Watch(running *Running) (*Watch, error)
	// Hosts returns how a browser resolves the hosts of the stages' pages, beside those of this machine: arguments of
	// browser.Start.
	Hosts() []string
	// Versions returns the versions of what the stages are made of.
	Versions() map[string]string
}

// What a driver returns whose processes are not its own.
var (
	errNoSlices = errors.New(
		"only processes that the run begins itself, with the local driver, can be given slices of processor time")
	errNoWatch = errors.New("only processes that the run begins itself, with the local driver, can be watched in turn")
)

// Used returns what each component has used until now. It is an error where a process of one has ended, as that of a
// task has that Swarm has replaced.
func (s *Running) Used() (parts []raw.Part, err error) {
	for _, part := range s.Parts {
		used := raw.Part{Name: part.Name, Watcher: part.Watcher}
		for _, pid := range part.PIDs {
			cpu, rss, err := machine.Tree(pid)
			if err != nil {
				return nil, fmt.Errorf("a process of %s has ended: %w", part.Name, err)
			}
			used.CPUUs += cpu.Microseconds()
			used.MemoryBytes += rss
		}
		parts = append(parts, used)
	}
	return parts, nil
}

// LookUp finds the processes of the components again, once one of them has ended.
func (s *Running) LookUp() {
	if s.lookUp == nil {
		return
	}
	// While a task is replaced there are none: then those of before are asked for, and looked up, once more.
	if parts, err := s.lookUp(); err == nil && parts != nil {
		s.Parts = parts
	}
}

// Queries returns how many statements its database server has been asked; false where that is not known.
func (s *Running) Queries() (n float64, known bool) {
	if s.queries == nil {
		return 0, false
	}
	var name string
	if err := s.queries.QueryRow("SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n); err != nil {
		return 0, false
	}
	return n, true
}

// Config is what stages are brought up with.
type Config struct {
	// Replicas is how many there are, but in stages of a single one.
	Replicas int
	// HeavyDelay, SlowQueryDelay and Uplink (bytes a second) are the simulated limits; zero for none.
	HeavyDelay, SlowQueryDelay time.Duration
	Uplink                     int64
	HeavySlots, DBPool         int
}

// WithoutDelays returns the same without the simulated limits.
func (c Config) WithoutDelays() Config {
	c.HeavyDelay, c.SlowQueryDelay, c.Uplink = 0, 0, 0
	return c
}

func (c Config) settings() []string {
	return []string{
		"WOODY_HEAVY_DELAY=" + c.HeavyDelay.String(), "WOODY_SLOW_QUERY_DELAY=" + c.SlowQueryDelay.String(),
		fmt.Sprintf("WOODY_HEAVY_SLOTS=%d", c.HeavySlots), fmt.Sprintf("WOODY_DB_POOL=%d", c.DBPool),
	}
}
