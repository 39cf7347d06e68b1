// Command cachebench measures the cache on this machine, side by side in one run and over HTTP: a
// kept response of ours, of Fiber's cache middleware in memory and of gocache's chain over an
// in-memory store, each against a bare Fiber handler that sends the same bytes; ours on net/http, against a bare
// net/http handler; then the same caches over Redis, ours against each of the others.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/servers"
)

func main() {
	constant.ServeIfAsked()
	serveIfAsked()
	serveNetHTTPIfAsked()
	versus.Main("cachebench", run)
}

func run(b versus.Bench, dir string) error {
	for _, candidate := range candidates {
		if err := against(b, candidate, dir); err != nil {
			return fmt.Errorf("%s: %w", candidate.name, err)
		}
	}
	if err := againstBareNetHTTP(b, dir); err != nil {
		return fmt.Errorf("%s: %w", netHTTPName, err)
	}
	return compareOverRedis(b, dir)
}

// compareOverRedis measures answers that are in Redis and nowhere else: all callers asking for one, and
// callers asking for a thousand in turn.
func compareOverRedis(b versus.Bench, dir string) error {
	mariadb, err := servers.StartMariaDB()
	if err != nil {
		return err
	}
	defer mariadb.Close()
	redis, err := servers.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Close()
	dsn, err := mariadb.NewDatabase()
	if err != nil {
		return err
	}
	os.Setenv(redisEnv, redis.Addr)
	os.Setenv(dsnEnv, dsn)
	var sides []versus.Side
	for _, candidate := range overRedis {
		side, process, err := start(candidate, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", candidate.name, err)
		}
		defer process.Kill()
		sides = append(sides, side)
	}
	for _, other := range sides[1:] {
		for _, many := range []int{1, 1000} {
			title := fmt.Sprintf("in Redis, %d answers: %s against %s", many, sides[0].Name, other.Name)
			if _, _, err := b.Compare(title, sides[0].Asking(sides[0].Name, somePaths(many)...),
				other.Asking(other.Name, somePaths(many)...)); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(b.Out, "\nin Redis, one answer after the other\n")
	for _, side := range sides {
		allocs, err := allocations(b, side.Asking(side.Name, somePaths(1000)...))
		if err != nil {
			return fmt.Errorf("%s: %w", side.Name, err)
		}
		fmt.Fprintf(b.Out, "  %-28s %9.2f allocations an answer\n", side.Name, allocs)
	}
	return nil
}

// openPart is the part of the bare handler's throughput at which latencies are taken.
const openPart = 0.3

// against measures a candidate that has the response already.
func against(b versus.Bench, candidate candidate, dir string) error {
	side, process, err := start(candidate, dir)
	if err != nil {
		return err
	}
	defer process.Kill()
	bare, bareProcess, err := constant.Start(dir, side)
	if err != nil {
		return err
	}
	defer bareProcess.Kill()
	return measure(b, side, bare)
}

// measure compares a server that has the response already with a bare handler.
func measure(b versus.Bench, side, bare versus.Side) error {
	_, bareFigures, err := b.Compare(side.Name+", a kept answer", side, bare)
	if err != nil {
		return err
	}
	allocs, err := allocations(b, side)
	if err != nil {
		return err
	}
	bareAllocs, err := allocations(b, bare)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "  allocations an answer         %.2f, the bare handler's %.2f\n", allocs, bareAllocs)
	return latencies(b, openPart*bareFigures.PerSecond, side, bare)
}

func latencies(b versus.Bench, rate float64, sides ...versus.Side) error {
	for _, side := range sides {
		result, latencies, err := load.Open(side.Target, b.Conns, rate, 5*b.Each)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.Out, "  open loop, %6.0f/s asked, %6.0f/s answered, %d bad: %-28s p50 %8v  p99 %8v  max %8v\n",
			rate, result.PerSecond(), result.Bad,
			side.Name, latencies.At(.5).Round(time.Microsecond), latencies.At(.99).Round(time.Microsecond),
			latencies.At(1).Round(time.Microsecond))
	}
	return nil
}

// start starts this program again as a candidate, and has it keep the response.
func start(candidate candidate, dir string) (versus.Side, *servers.Process, error) {
	process, addr, err := servers.StartSelf(filepath.Join(dir, "candidate.log"), "serve", candidate.name)
	if err != nil {
		return versus.Side{}, nil, err
	}
	side := versus.Side{Name: candidate.name, PID: process.PID(),
		Target: load.Target{Addr: addr, Paths: []string{path}}}
	result, err := load.Closed(side.Target, 1, 10*time.Millisecond)
	if err == nil && result.Good == 0 {
		err = fmt.Errorf("%d bad answers", result.Bad)
	}
	return side, process, err
}
