package faults

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

var (
	seed       = flag.Uint64("seed", 0, "decides the faults; 0 draws one, which is printed")
	duration   = flag.Duration("duration", 0, "how long to go on; 0: each fault once")
	only       = flag.String("only", "", "parts of the names of the faults there are to be, by |; all if empty")
	operations = flag.Int64("operations", 0, "how many calls there are to be at the least")
)

const replicas = 5

// allKinds are the faults of a system with one Redis.
var allKinds = slices.Concat(kinds, stagedKinds)

// TestFaults breaks the shop while clients use it. No read may answer anything older than what was
// acknowledged before it began, and nothing acknowledged may be lost.
func TestFaults(t *testing.T) { breakAll(t, mustStart, allKinds) }

// TestFaultsWithSentinels runs TestFaults with a Redis that fails over.
func TestFaultsWithSentinels(t *testing.T) { breakAll(t, mustStartWatched, watchedKinds) }

// breakAll makes all kinds of faults, again and again until the flags are content.
func breakAll(t *testing.T, start starter, kinds []kind) {
	began := time.Now()
	done := func(rounds int, tally *oracle.Tally) bool {
		return rounds > 0 && time.Since(began) >= *duration && tally.Calls() >= *operations
	}
	kinds = named(kinds, strings.Split(*only, "|")...)
	counts, clients := run(t, start, "", kinds, *seed, done)
	found, tally := clients.findings.Sum(), &clients.tally
	for _, violation := range found.Examples {
		t.Error(violation)
	}
	t.Logf("%d replicas, %d reads (%d failed), %d writes (%d failed) in %v: %d stale, wrong or lost", replicas,
		tally.Reads.Load(), tally.FailedReads.Load(), tally.Writes.Load(), tally.FailedWrites.Load(),
		time.Since(began).Round(time.Second), found.All())
	for _, kind := range kinds {
		t.Logf("%4d times %s", counts[kind.name], kind.name)
	}
	if got := tally.Calls(); got < *operations {
		t.Errorf("%d operations, want %d", got, *operations)
	}
}

// starter starts a system, with rules switched off.
type starter func(t *testing.T, count int, rules string) *system

// run breaks a system, fault after fault, until it has been violated or done says so after a round of all
// the kinds. It returns how often each fault happened.
func run(
	t *testing.T, start starter, rules string, kinds []kind, seed uint64,
	done func(rounds int, tally *oracle.Tally) bool,
) (map[string]int, *clients) {
	if seed == 0 {
		seed = rand.Uint64()%1_000_000 + 1
	}
	t.Logf("-seed %d", seed)
	s := start(t, replicas, rules)
	c := newClients(s)
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer c.group.Wait()
	defer cancel()
	c.start(ctx, seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	counts := map[string]int{}
	for round := 0; !done(round, &c.tally) && !c.findings.Any(); round++ {
		for _, i := range draw.Perm(len(kinds)) {
			time.Sleep(between(draw, 0, 500*time.Millisecond))
			failed := c.tally.FailedReads.Load()
			what := fmt.Sprintf("fault %d of round %d, %s", i, round, kinds[i].name)
			if err := kinds[i].do(s, draw); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			counts[kinds[i].name]++
			if testing.Verbose() {
				fmt.Printf("%s: %s\n", time.Now().Format("15:04:05.000"), what)
			}
			c.converged(what)
			if failed = c.tally.FailedReads.Load() - failed; failed > 0 && !kinds[i].failsReads() {
				t.Errorf("%s: %d reads failed, want none", what, failed)
			}
			if c.findings.Any() {
				break
			}
		}
	}
	return counts, c
}

// TestFaultsFindEachRule switches one rule off after another, and wants the violation to be found: clients
// that find nothing prove nothing.
func TestFaultsFindEachRule(t *testing.T) {
	// Not every fault hits a write that shows. Rounds are counted, since a fast machine reads more in each and finds no
	// more.
	const enough = 150
	for rule, names := range map[string][]string{
		"fence":    {"a bus connection cut"},
		"ack":      {"a bus connection silent", "a replica paused"},
		"outbox":   {"nobody else writes"},
		"epoch":    {"a replica cut off", "Redis paused"}, // after a restart of Redis nobody would have a session
		"proof":    {"the primary moves"},
		"past":     {"had not heard of all"},
		"look":     {"and that of the others killed"},
		"key":      {"COMMIT"},
		"back":     {"without its last epoch"},
		"lease":    {"a replica paused", "Redis paused for longer", "cut off"},
		"evict":    {"a bus connection silent", "go nowhere", "a replica paused"},
		"name":     {"in another logical database"},
		"token":    {"dropped what they share"},
		"handover": {"handed over"},
		"lapse":    {"silent for one replica"},
		"overlap":  {"who waits is paused"},
		"outage":   {"taken over"},
		"bumps":    {"go past it"},
		"marks":    {"a bus connection cut", "Redis emptied", "cut off", "a replica paused"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			start := mustStart
			if rule == "look" {
				start = mustStartSlow // or it is a matter of milliseconds
			}
			began := time.Now()
			few := named(allKinds, names...)
			_, clients := run(t, start, rule, few, 0, func(round int, _ *oracle.Tally) bool { return round == enough })
			if !clients.findings.Any() {
				t.Errorf("nothing was found in %v, with %d reads, though %q is switched off",
					time.Since(began), clients.tally.Reads.Load(), rule)
				return
			}
			t.Logf("found after %v: %s", time.Since(began).Round(time.Millisecond), clients.findings.Sum().Examples[0])
		})
	}
}

// named returns the faults whose names have one of some parts.
func named(all []kind, parts ...string) (few []kind) {
	for _, kind := range all {
		if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(kind.name, part) }) {
			few = append(few, kind)
		}
	}
	return few
}
