package faults

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var (
	seed       = flag.Uint64("seed", 0, "decides the faults; 0 draws one, which is printed")
	duration   = flag.Duration("duration", 0, "how long to go on; 0: each fault once")
	operations = flag.Int64("operations", 0, "how many calls there are to be at the least")
)

const replicas = 4

// TestFaults breaks the shop while clients use it. No read may answer anything older than what was
// acknowledged before it began, and nothing acknowledged may be lost.
func TestFaults(t *testing.T) {
	began := time.Now()
	done := func(rounds int, o *oracle) bool {
		return rounds > 0 && time.Since(began) >= *duration && o.reads.Load()+o.writes.Load() >= *operations
	}
	counts, clients := run(t, "", kinds, *seed, done)
	o := clients.oracle
	for _, violation := range o.violations {
		t.Error(violation)
	}
	t.Logf("%d replicas, %d reads (%d failed), %d writes (%d failed) in %v: %d stale or lost", replicas,
		o.reads.Load(), o.failedReads.Load(), o.writes.Load(), o.failedWrites.Load(), time.Since(began).Round(time.Second), len(o.violations))
	for _, kind := range kinds {
		t.Logf("%4d times %s", counts[kind.name], kind.name)
	}
	if got := o.reads.Load() + o.writes.Load(); got < *operations {
		t.Errorf("%d operations, want %d", got, *operations)
	}
}

// run breaks a system, fault after fault, until it has been violated or done says so after a round of all
// the kinds. It answers how often each fault happened.
func run(t *testing.T, rules string, kinds []kind, seed uint64, done func(rounds int, o *oracle) bool) (map[string]int, *clients) {
	if seed == 0 {
		seed = rand.Uint64()%1_000_000 + 1
	}
	t.Logf("-seed %d", seed)
	s := mustStart(t, replicas, rules)
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
	for round := 0; !done(round, c.oracle) && !c.oracle.isViolated(); round++ {
		for _, i := range draw.Perm(len(kinds)) {
			time.Sleep(between(draw, 0, 500*time.Millisecond))
			failed := c.oracle.failedReads.Load()
			what := fmt.Sprintf("fault %d of round %d, %s", i, round, kinds[i].name)
			if err := kinds[i].do(s, draw); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			counts[kinds[i].name]++
			if testing.Verbose() {
				fmt.Printf("%s: %s\n", time.Now().Format("15:04:05.000"), what)
			}
			c.converged(what)
			if failed = c.oracle.failedReads.Load() - failed; failed > 0 && !kinds[i].failsReads() {
				t.Errorf("%s: %d reads failed, want none", what, failed)
			}
			if c.oracle.isViolated() {
				break
			}
		}
	}
	return counts, c
}

// TestFaultsFindEachRule switches one rule off after another, and wants the violation to be found: clients
// that find nothing prove nothing.
func TestFaultsFindEachRule(t *testing.T) {
	const enough = 60_000 // reads that find nothing: about a minute's
	for rule, names := range map[string][]string{
		"fence":  {"a bus connection cut"},
		"ack":    {"a bus connection silent", "a replica paused"},
		"outbox": {"a writer dies"},
		"epoch":  {"a replica cut off", "old data", "Redis paused"},
		"proof":  {"the primary moves"},
	} {
		t.Run(rule, func(t *testing.T) {
			var few []kind
			for _, kind := range kinds {
				for _, name := range names {
					if strings.Contains(kind.name, name) {
						few = append(few, kind)
					}
				}
			}
			began := time.Now()
			_, clients := run(t, rule, few, 0, func(_ int, o *oracle) bool { return o.reads.Load() > enough })
			if !clients.oracle.isViolated() {
				t.Errorf("nothing was found in %v, with %d reads, though %q is switched off", time.Since(began), clients.oracle.reads.Load(), rule)
				return
			}
			t.Logf("found after %v: %s", time.Since(began).Round(time.Millisecond), clients.oracle.violations[0])
		})
	}
}
