package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// built are the programs, once for all tests.
var built struct{ dir, api, front, hey string }

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if dir := os.Getenv(builtIn); dir != "" {
			builtAt(dir)
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "woody-runner-test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		builtAt(dir)
		if err := errors.Join(programs.BuildShop(built.api), programs.BuildFront(built.front),
			measure.BuildHey(built.hey)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func builtAt(dir string) {
	built.dir, built.api, built.front, built.hey = dir, filepath.Join(dir, "api"), filepath.Join(dir, "front"),
		filepath.Join(dir, "hey")
}

// options returns a run that takes seconds.
func options(t *testing.T, stages ...string) runner.Options {
	t.Helper()
	profile, err := runner.ProfileNamed("smoke")
	if err != nil {
		t.Fatal(err)
	}
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quiet.Close() })
	return runner.Options{
		Profile: profile, Dir: filepath.Join(t.TempDir(), "run"), Stages: stages, API: built.api, Front: built.front,
		Hey:      built.hey,
		Progress: runner.NewProgress(quiet),
	}
}

// children returns the processes that this one has begun and that still run.
func children(t *testing.T) (names map[int]string) {
	t.Helper()
	names = map[int]string{}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(word)
			name, readErr := os.ReadFile("/proc/" + word + "/comm")
			if err == nil && readErr == nil {
				names[pid] = strings.TrimSpace(string(name))
			}
		}
	}
	return names
}

// wantNothingLeft looks for processes and temporary folders.
func wantNothingLeft(t *testing.T) {
	t.Helper()
	if left := children(t); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	if folders, err := filepath.Glob(filepath.Join(os.TempDir(), "woody-*")); err != nil || len(folders) > 0 {
		t.Errorf("still there: %v, %v", folders, err)
	}
}

// ownTemp gives the test a temporary folder that nobody else uses. Its path is short: a socket's has 107 bytes.
func ownTemp(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "wt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // varnishd goes on as a user of its own
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
}

// TestLongRunOfAllStages makes a whole run with few and short measurements, and checks that there are figures for every
// stage, that every response was checked, and that nothing is left running.
func TestLongRunOfAllStages(t *testing.T) {
	if apart(t) {
		return
	}
	o := options(t, "baseline", "replicas", "redis", "cdn")
	o.Profile.Repeats, o.Profiles = 1, true
	o.Profile.Config.HeavyDelay = 500 * time.Millisecond // far more than a kept response takes on a busy machine
	o.Profile.SustainedFor = 2 * time.Second             // long enough for errors to show, and hits
	// Replicas that a busy machine makes late would take each other for gone, and keep nothing.
	o.API = mustWrap(t, built.api, "WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s")
	if err := runner.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	wantNothingLeft(t)
	r, err := figures.Load(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Valid || len(r.Correctness) != 4 {
		t.Errorf("invalid: %v", r.Invalid)
	}
	for _, warning := range r.Warnings {
		// both may be so here
		if !strings.Contains(warning, "making the load took") && !strings.HasPrefix(warning, "Other programs took") {
			t.Errorf("warning: %s", warning)
		}
	}
	for _, stage := range o.Stages {
		for _, name := range []figures.Key{
			"table/page", "table/page_first", "table/heavy_miss", "table/last_miss", "table/five_heavy",
			"throughput/heavy/8", "throughput/ping/1", "mix/50/rate",
			"sustained/50/rate", "sale/taken/rate", "sale/reads/during/rate", "latency/500/p99", "objective/rate",
			"fresh/everywhere/p50", "cost/cpu/api", "cost/memory/proxy", "cost/queries",
		} {
			f, ok := r.Get(stage, name)
			if !ok || f.Mean <= 0 && name != "cost/cpu/api" && name != "objective/rate" {
				t.Errorf("%s %s = %+v", stage, name, f)
			}
		}
		if errors, ok := r.Mean(stage, "sustained/50/errors"); !ok || errors > 0 {
			t.Errorf("%s: %g%% errors", stage, errors)
		}
	}
	if info, err := os.Stat(filepath.Join(o.Dir, "redis.pprof")); err != nil || info.Size() < 100 {
		t.Errorf("the profile: %v, %v", info, err)
	}
	if near, _ := r.Mean("redis", "cost/layer/near"); near < 10 {
		t.Errorf("the near cache answers %g%% in stage redis", near)
	}
	if edge, _ := r.Mean("cdn", "table/page/bytes_edge"); edge < 5e6 {
		t.Errorf("%g bytes of the page come from the edge in stage cdn", edge)
	}
	for _, name := range []string{"prometheus", "alertmanager", "observer", "node-exporter", "database-exporter",
		"redis-exporter", figures.Together} {
		watcher := figures.Watcher(name)
		used, memory := mustMean(t, r, "redis", watcher.Used()), mustMean(t, r, "redis", watcher.Memory())
		busy := name == "observer" || name == figures.Together // in a second others may have nothing to do
		if memory <= 0 || busy && used <= 0 {
			t.Errorf("%s uses %g%% of a core and %g MB", name, used, memory)
		}
	}
	for _, side := range []string{figures.Without, figures.With} {
		if cpu := mustMean(t, r, "redis", figures.Watched(side).CPU("api")); cpu <= 0 {
			t.Errorf("the API takes %g s for 1,000 requests %s being watched", cpu, side)
		}
	}
	wantPaused(t, o.Dir)
	miss, hit := mustMean(t, r, "redis", "table/heavy_miss"), mustMean(t, r, "redis", "table/heavy_hit")
	if hit > miss/2 {
		t.Errorf("heavy takes %g s and, kept, %g s", miss, hit)
	}
	if err := report.Write(r, o.Dir); err != nil {
		t.Error(err)
	}
}

// wantPaused fails the test if the watchers did anything in the rounds without them.
func wantPaused(t *testing.T, dir string) {
	t.Helper()
	_, measurements, err := raw.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, m := range measurements {
		for _, part := range m.Parts {
			if m.Name != "watched" || m.What != figures.Without || !part.Watcher {
				continue
			}
			looked++
			if part.CPUUs > 0 {
				t.Errorf("%s, which is paused, took %d us", part.Name, part.CPUUs)
			}
		}
	}
	if looked != 6 {
		t.Errorf("%d were paused, want 6", looked)
	}
}

func mustMean(t *testing.T, r *figures.Results, stage string, name figures.Key) float64 {
	t.Helper()
	mean, ok := r.Mean(stage, name)
	if !ok {
		t.Fatalf("%s has no %s", stage, name)
	}
	return mean
}

// began waits until a run has kept a measurement; done is its end.
func began(t *testing.T, dir string, done <-chan error) {
	t.Helper()
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "measurements.jsonl")); err == nil && len(text) > 0 {
			return
		}
		select {
		case err := <-done:
			t.Fatalf("the run ended before it had measured anything: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// wantKept fails the test unless what a run had measured when it was stopped makes a report that says why.
func wantKept(t *testing.T, dir, why string) {
	t.Helper()
	r, err := figures.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Run.Stopped, why) || len(r.Figures) == 0 {
		t.Errorf("stopped = %q and %d figures; want %q and what was measured", r.Run.Stopped, len(r.Figures), why)
	}
	if _, err := report.HTML(r); err != nil {
		t.Error(err)
	}
}

// TestAComponentThatDiesEndsTheRun kills each component while the run measures.
func TestAComponentThatDiesEndsTheRun(t *testing.T) {
	for program, name := range map[string]string{"haproxy": "proxy of stage baseline ended",
		"mariadbd": "the database ended", "api": "api of stage baseline ended"} {
		t.Run(program, func(t *testing.T) {
			if apart(t) {
				return
			}
			o := options(t, "baseline")
			done := make(chan error)
			go func() { done <- runner.Run(t.Context(), o) }()
			began(t, o.Dir, done)
			for pid, comm := range children(t) {
				if comm == program {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			err := <-done
			if !errors.Is(err, runner.ErrStopped) || !strings.Contains(fmt.Sprint(err), name) {
				t.Errorf("error = %v, want that %s", err, name)
			}
			wantNothingLeft(t)
			wantKept(t, o.Dir, name)
		})
	}
}

// TestInterrupted ends the run as Ctrl-C does.
func TestInterrupted(t *testing.T) {
	if apart(t) {
		return
	}
	o := options(t, "baseline")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() { done <- runner.Run(ctx, o) }()
	began(t, o.Dir, done)
	cancel(errors.New("interrupted"))
	asked := time.Now()
	if err := <-done; !errors.Is(err, runner.ErrStopped) {
		t.Errorf("error = %v, want ErrStopped", err)
	}
	if took := time.Since(asked); took > time.Minute {
		t.Errorf("it took %v to end", took)
	}
	wantNothingLeft(t)
	wantKept(t, o.Dir, "interrupted")
}

// TestAFullDiskEndsTheRun writes its measurements to the device that is always full.
func TestAFullDiskEndsTheRun(t *testing.T) {
	if apart(t) {
		return
	}
	o := options(t, "baseline")
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(o.Dir, "measurements.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := runner.Run(t.Context(), o); !errors.Is(err, runner.ErrStopped) ||
		!strings.Contains(fmt.Sprint(err), "is full: free some of it") {
		t.Errorf("error = %v, want that the disk is full and what to do", err)
	}
	wantNothingLeft(t)
}

// TestWithoutHey checks that a run without hey, and without a way to build it, says what to do.
func TestWithoutHey(t *testing.T) {
	if apart(t) {
		return
	}
	o := options(t, "baseline")
	o.Hey = ""
	t.Setenv("PATH", "/usr/bin:/bin")
	if _, err := exec.LookPath("go"); err == nil {
		t.Skip("go is in /usr/bin")
	}
	if err := runner.Run(t.Context(), o); !errors.Is(err, runner.ErrStopped) ||
		!strings.Contains(fmt.Sprint(err), "Or name a hey that is installed with --hey FILE") {
		t.Errorf("error = %v, want that there is no hey and what to do", err)
	}
	wantNothingLeft(t)
}

// TestATarget measures a shop that is up already, one process with its own database.
func TestATarget(t *testing.T) {
	if apart(t) {
		return
	}
	dir := t.TempDir()
	shop, err := programs.StartShop(exec.Command(built.api), filepath.Join(dir, "log"), "WOODY_DATA_DIR="+dir,
		"WOODY_HEAVY_DELAY=10ms", "WOODY_SLOW_QUERY_DELAY=10ms")
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Kill()
	o := options(t)
	o.Driver, o.Target, o.Profile.Repeats = "target", "http://"+shop.Addr(), 1
	if err := runner.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	r, err := figures.Load(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if rate := mustMean(t, r, "target", "mix/50/rate"); !r.Valid || rate <= 0 {
		t.Errorf("valid: %v (%v), %g/s", r.Valid, r.Invalid, rate)
	}
	if page, err := report.HTML(r); err != nil || !strings.Contains(string(page), "<dd>"+o.Target+"</dd>") {
		t.Errorf("the report does not say that %s was measured (%v)", o.Target, err)
	}
	if revision, known := r.Run.Versions["woodytoys"]; known || r.Run.Machine.CPUs > 0 || r.Run.Generator.CPUs == 0 {
		t.Errorf("a target is said to be of the revision %q, and on %+v", revision, r.Run.Machine)
	}
}

// TestLongStaleBuildIsInvalid measures an api that acknowledges writes of which no cache hears.
func TestLongStaleBuildIsInvalid(t *testing.T) {
	if apart(t) {
		return
	}
	broken := filepath.Join(t.TempDir(), "api")
	if err := programs.BuildShop(broken, "-tags=broken"); err != nil {
		t.Fatal(err)
	}
	for rule, valid := range map[string]bool{"": true, "settle": false} {
		o := options(t, "redis")
		o.Profile.Endpoints, o.Profile.Rates, o.Profile.Searches, o.Profile.Slices = nil, nil, 0, nil
		o.Profile.Watched = 0
		o.Profile.SustainedFor = 2 * time.Second
		o.API = mustWrap(t, broken, "CACHE_BROKEN="+rule)
		if err := runner.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r, err := figures.Load(o.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if r.Valid != valid {
			t.Errorf("without the rule %q the run is valid: %v (%v), want %v", rule, r.Valid, r.Correctness, valid)
		}
	}
	wantNothingLeft(t)
}

// mustWrap returns a program that is another one with more in its environment.
func mustWrap(t *testing.T, program string, settings ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wrapped")
	if err := servers.WriteScript(file,
		fmt.Sprintf("#!/bin/sh\n%s exec %s \"$@\"\n", strings.Join(settings, " "), program)); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestASlowedBuildFailsTheComparison compares a run with one of an api whose query takes 50 times as long, which is
// longer than a machine stalls.
func TestASlowedBuildFailsTheComparison(t *testing.T) {
	if apart(t) {
		return
	}
	measured := func(api string) *figures.Results {
		o := options(t, "baseline")
		o.API = api
		// Of three, one that the machine holds up for a second or two would make the noise as wide as the difference.
		o.Profile.Repeats, o.Profile.Mix, o.Profile.Searches, o.Profile.Endpoints = 5, nil, 0, nil
		o.Profile.Rates, o.Profile.Slices = nil, nil
		if err := runner.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r, err := figures.Load(o.Dir)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	slowed := filepath.Join(t.TempDir(), "slowed")
	if err := servers.WriteScript(slowed, fmt.Sprintf("#!/bin/sh\n[ $WOODY_SLOW_QUERY_DELAY = 0s ] || "+
		"WOODY_SLOW_QUERY_DELAY=5s\nexport WOODY_SLOW_QUERY_DELAY\nexec %s \"$@\"\n", built.api)); err != nil {
		t.Fatal(err)
	}
	comparison := figures.Compare(measured(built.api), measured(slowed), .1)
	if !strings.Contains(strings.Join(comparison.Failures, "\n"), "baseline table/last_miss") {
		t.Errorf("failures = %v, want the last product's", comparison.Failures)
	}
}

// TestLongARunWithNodes measures stage database, and its nodes against one server.
func TestLongARunWithNodes(t *testing.T) {
	if apart(t) {
		return
	}
	o := options(t, "database")
	o.Profile.Repeats, o.Profile.Endpoints, o.Profile.Mix = 1, []string{"ping"}, nil
	o.Profile.Rates, o.Profile.Searches, o.Profile.Slices, o.Profile.Watched = nil, 0, nil, 0
	// Replicas that a busy machine makes late would take each other for gone, and keep nothing.
	o.API = mustWrap(t, built.api, "WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s")
	if err := runner.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	wantNothingLeft(t)
	r, err := figures.Load(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Valid {
		t.Errorf("invalid: %v", r.Invalid)
	}
	for _, name := range []figures.Key{
		"sustained/50/rate", "cost/cpu/database2", "cost/memory/database3", "cost/memory/database-proxy",
		"nodes/one/reads/rate", "nodes/three/reads/rate", "nodes/one/alone/p50", "nodes/three/alone/p50",
		"nodes/one/reads/cpu/database", "nodes/three/writes/cpu/database2", "nodes/three/writes/cpu/database-proxy",
	} {
		if mustMean(t, r, "database", name) <= 0 {
			t.Errorf("%s is not above zero", name)
		}
	}
	if _, ok := r.Get("database", "nodes/one/reads/cpu/database2"); ok {
		t.Error("the one server has a second node")
	}
	if err := report.Write(r, o.Dir); err != nil {
		t.Error(err)
	}
}
