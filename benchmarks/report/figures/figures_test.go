package figures_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/report/synthetic"
)

func mustMake(t *testing.T, measurements ...raw.Measurement) *figures.Results {
	t.Helper()
	run := raw.Run{Stages: []raw.Stage{{Name: "redis", Replicas: 2}}, Settings: raw.Settings{ObjectiveMs: 50}}
	for i := range measurements {
		measurements[i].Stage = "redis"
		measurements[i].Oracle.Checked = max(1, measurements[i].Oracle.Checked)
	}
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// requests returns so many, of which every failEvery-th fails, and whose latency in ms grows by one each.
func requests(n, failEvery int) (s []raw.Sample) {
	for i := range n {
		verdict := 0
		if failEvery > 0 && i%failEvery == failEvery-1 {
			verdict = 1
		}
		s = append(s, raw.Sample{AtUs: int64(i), TookUs: int64(i+1) * 1000, Status: 200, Verdict: verdict})
	}
	return s
}

func wantMean(t *testing.T, r *figures.Results, name figures.Key, want float64) {
	t.Helper()
	if got, ok := r.Mean("redis", name); !ok || got < want*.999 || got > want*1.001 {
		t.Errorf("%s = %v (there: %v), want %v", name, got, ok, want)
	}
}

// TestFailedAnswersAreNoThroughput: 100 answers in two seconds, ten of them failed.
func TestFailedAnswersAreNoThroughput(t *testing.T) {
	r := mustMake(t, raw.Measurement{Name: "mix", Conns: 500, TookUs: 2e6, Samples: requests(100, 10)})
	wantMean(t, r, "mix/500/rate", 45)
	wantMean(t, r, "mix/500/errors", 10)
}

func TestQuantiles(t *testing.T) {
	r := mustMake(t, raw.Measurement{Name: "latency", Rate: 1000, TookUs: 1e6, Samples: requests(1000, 0)})
	wantMean(t, r, "latency/1000/p50", 501)
	wantMean(t, r, "latency/1000/p99", 991)
	wantMean(t, r, "latency/1000/max", 1000)
}

// TestHeysRefusalsAreNoThroughput has hey count 100 requests a second, of which 60 were refused or
// never answered.
func TestHeysRefusalsAreNoThroughput(t *testing.T) {
	r := mustMake(t, raw.Measurement{Name: "throughput", What: "heavy", Conns: 64, Hey: []byte(
		"\nSummary:\n  Total:\t2.0000 secs\n  Requests/sec:\t100.0000\n\n" +
			"Status code distribution:\n  [200]\t80 responses\n  [503]\t90 responses\n\nError distribution:\n" +
			"  [30]\tGet \"http://x\": context deadline exceeded\n")})
	wantMean(t, r, "throughput/heavy/64", 40)
	wantMean(t, r, "throughput/heavy/64/errors", 60)
}

// probe returns a measurement of 1,000 requests in a second of which ten in a hundred take slow ms.
func probe(rate float64, slow int64, fail int) raw.Measurement {
	samples := requests(int(rate), fail)
	for i := range samples {
		samples[i].TookUs = 1000
		if i%10 == 0 {
			samples[i].TookUs = slow * 1000
		}
	}
	return raw.Measurement{Name: "probe", Rate: rate, ForMs: 1000, TookUs: 1e6, Samples: samples}
}

func TestTheObjective(t *testing.T) {
	for name, c := range map[string]struct {
		probes []raw.Measurement
		want   float64
	}{
		"the highest that held": {
			[]raw.Measurement{probe(1000, 10, 0), probe(4000, 60, 0), probe(2000, 49, 0)}, 2000},
		"an error is a miss": {[]raw.Measurement{probe(1000, 10, 0), probe(2000, 10, 1999)}, 1000},
		"one that held above a miss": {
			[]raw.Measurement{probe(1000, 10, 0), probe(2000, 60, 0), probe(3000, 10, 0)}, 1000},
		"less sent than was asked": {[]raw.Measurement{probe(1000, 10, 0), func() raw.Measurement {
			p := probe(2000, 10, 0)
			p.TookUs = 2e6
			return p
		}()}, 1000},
		"held when tried again": {
			[]raw.Measurement{probe(1000, 60, 0), probe(1000, 10, 0), probe(2000, 60, 0), probe(2000, 60, 0)}, 1000},
		"none held: nothing is promised": {[]raw.Measurement{probe(1000, 60, 0)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			wantMean(t, mustMake(t, c.probes...), "objective/rate", c.want)
		})
	}
}

// TestReadsCostWhatTheyDoAtTheHighestRate has three probes, of which the second is the highest that held.
func TestReadsCostWhatTheyDoAtTheHighestRate(t *testing.T) {
	probes := []raw.Measurement{probe(1000, 10, 0), probe(2000, 10, 0), probe(4000, 60, 0)}
	for i, us := range []int64{200, 50, 30} {
		n := int64(len(probes[i].Samples))
		probes[i].Parts = []raw.Part{{Name: "api", CPUUs: us * n}, {Name: "proxy", CPUUs: 10 * n}}
		probes[i].GeneratorUs = 7 * n
	}
	r := mustMake(t, probes...)
	wantMean(t, r, "cost/busy_read_cpu/api", .050)
	wantMean(t, r, "cost/busy_read_cpu/proxy", .010)
	wantMean(t, r, "cost/busy_read_cpu/generator", .007)
	if f, ok := mustMake(t, probes[2]).Get("redis", "cost/busy_read_cpu/api"); ok {
		t.Errorf("where no rate held reads cost %v", f)
	}
}

// TestSlices has two replicas in slices of a tenth of a core use 0.21 s of their 0.2, on a machine of two cores.
func TestSlices(t *testing.T) {
	run := raw.Run{Stages: []raw.Stage{{Name: "redis"}}, Machine: raw.Machine{CPUs: 2}, SliceCores: .1}
	r, err := figures.Make(run, []raw.Measurement{{Stage: "redis", Name: "sliced", What: "reads", Slices: 2,
		TookUs:  1e6,
		Samples: requests(1000, 0), GeneratorUs: 100_000, OthersUs: 90_000,
		Parts: []raw.Part{{Name: "api", CPUUs: 210_000}, {Name: "database", CPUUs: 600_000}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantMean(t, r, "sliced/reads/2/rate", 1000)
	wantMean(t, r, "sliced/reads/2/used", 105)
	wantMean(t, r, "sliced/reads/2/machine", 50)
	wantMean(t, r, "sliced/reads/2/cpu/database", .6)
}

func TestOneStaleAnswerMakesARunInvalid(t *testing.T) {
	good := raw.Measurement{Name: "mix", Conns: 500, TookUs: 1e6, Samples: requests(10, 0)}
	if r := mustMake(t, good); !r.Valid {
		t.Errorf("a run without a stale answer is invalid: %v", r.Invalid)
	}
	for _, bad := range []raw.Oracle{{Checked: 9, Stale: 1}, {Checked: 9, Wrong: 1}} {
		m := good
		m.Oracle = bad
		if r := mustMake(t, good, m); r.Valid || len(r.Invalid) != 1 {
			t.Errorf("with %+v it is valid: %v", bad, r.Invalid)
		}
	}
	if r, _ := figures.Make(raw.Run{Stages: []raw.Stage{{Name: "redis"}}}, nil); r.Valid {
		t.Error("a run that checked nothing is valid")
	}
}

// TestABusyMachineIsTold has others take a fifth of two processors' time.
func TestABusyMachineIsTold(t *testing.T) {
	for others, want := range map[int64]bool{100_000: false, 400_000: true} {
		run := raw.Run{Stages: []raw.Stage{{Name: "redis"}}, Machine: raw.Machine{CPUs: 2}}
		r, err := figures.Make(run,
			[]raw.Measurement{{Stage: "redis", Name: "mix", TookUs: 1e6, OthersUs: others, Samples: requests(10, 0)}})
		if told := strings.Contains(fmt.Sprint(r.Warnings), "Other programs took 20%"); err != nil || told != want {
			t.Errorf("others took %d us of two seconds: told %v, %v", others, r.Warnings, err)
		}
	}
}

func mustSynthetic(t *testing.T, seed uint64, slow float64) *figures.Results {
	t.Helper()
	run, measurements := synthetic.Run(seed, slow)
	r, err := figures.Make(run, measurements)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEqualRunsPass compares a hundred pairs of runs that differ by chance only.
func TestEqualRunsPass(t *testing.T) {
	old := mustSynthetic(t, 1, 1)
	for seed := uint64(2); seed < 102; seed++ {
		if c := figures.Compare(old, mustSynthetic(t, seed, 1), .1); len(c.Failures) > 0 {
			t.Errorf("seed %d: %v", seed, c.Failures)
		}
	}
}

// TestASlowedBuildFails has the database take half as long again.
func TestASlowedBuildFails(t *testing.T) {
	c := figures.Compare(mustSynthetic(t, 1, 1), mustSynthetic(t, 2, 1.5), .1)
	failures := strings.Join(c.Failures, "\n")
	for _, want := range []string{"table/last_miss", "throughput/last/64", "sustained/500/rate"} {
		if !strings.Contains(failures, "baseline "+want) {
			t.Errorf("%s does not fail: %s", want, failures)
		}
	}
	if strings.Contains(failures, "heavy_miss") {
		t.Errorf("heavy fails, which was not slowed: %s", failures)
	}
	if c := figures.Compare(mustSynthetic(t, 1, 1.5), mustSynthetic(t, 2, 1), .1); len(c.Failures) > 0 {
		t.Errorf("the faster one fails: %v", c.Failures)
	}
	if c := figures.Compare(mustSynthetic(t, 1, 1), mustSynthetic(t, 2, 1.5), 3); len(c.Failures) > 0 {
		t.Errorf("it fails within the threshold: %v", c.Failures)
	}
}

func TestAnInvalidRunFails(t *testing.T) {
	good, bad := mustSynthetic(t, 1, 1), mustSynthetic(t, 2, 1)
	bad.Valid, bad.Invalid = false, []string{"1 stale"}
	if c := figures.Compare(good, bad, .1); len(c.Failures) != 1 {
		t.Errorf("failures = %v, want that it is invalid", c.Failures)
	}
}

func TestConditionsThatDiffer(t *testing.T) {
	old, now := mustSynthetic(t, 1, 1), mustSynthetic(t, 1, 1)
	if c := figures.Compare(old, now, .1); len(c.Conditions) > 0 {
		t.Errorf("conditions = %v, want none", c.Conditions)
	}
	now.Run.Settings.Replicas, now.Run.Machine.CPUs = 5, 8
	if got := fmt.Sprint(figures.Compare(old, now, .1).Conditions); got != "[replicas: 3 -> 5 cpus: 2 -> 8]" {
		t.Errorf("conditions = %s", got)
	}
}

func TestRound(t *testing.T) {
	for v, want := range map[float64]string{0: "0", .00123456: "0.00123", .5: "0.500", 1.7649: "1.76", 12.34: "12.3",
		999: "999", 1234.5: "1,234", -1234567: "-1,234,567"} {
		if got := figures.Round(v); got != want {
			t.Errorf("Round(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestSwarmsReplicasAreTheSameInEveryRun(t *testing.T) {
	r := mustMake(t, raw.Measurement{Name: "sustained", Conns: 500, TookUs: 1e6, Samples: requests(10, 0),
		Replicas: map[string]int{"woody_api.1.ryev2mnvzz": 3, "woody_api.2.ec8bez57xz": 1}})
	wantMean(t, r, "cost/replica/api.1", 75)
	wantMean(t, r, "cost/replica/api.2", 25)
}

// TestBeingWatched has two pairs: what watches is no part of the shop, and what each side cost is by requests.
func TestBeingWatched(t *testing.T) {
	side := func(pair int, what string, api int64, parts ...raw.Part) raw.Measurement {
		return raw.Measurement{Name: "watched", What: what, Repeat: pair, TookUs: 2e6, Samples: requests(1000, 0),
			Parts: append([]raw.Part{{Name: "api", CPUUs: api}, {Name: "redis", CPUUs: 10_000}}, parts...)}
	}
	watchers := []raw.Part{{Name: "prometheus", CPUUs: 60_000, MemoryBytes: 90e6, Watcher: true},
		{Name: "observer", CPUUs: 20_000, MemoryBytes: 20e6, Watcher: true}}
	last := side(2, figures.With, 66_000, watchers...)
	last.Counts = map[string]float64{"targets_down": 2}
	r := mustMake(t, side(1, figures.Without, 40_000), side(1, figures.With, 44_000, watchers...), last,
		side(2, figures.Without, 60_000))
	without, with := figures.Watched(figures.Without), figures.Watched(figures.With)
	wantMean(t, r, without.CPU("api"), .05)
	wantMean(t, r, without.CPU(figures.Together), .06)
	wantMean(t, r, with.CPU(figures.Together), .065)
	wantMean(t, r, with.Rate(), 500)
	wantMean(t, r, figures.Watcher("prometheus").Used(), 3)
	wantMean(t, r, figures.Watcher(figures.Together).Used(), 4)
	wantMean(t, r, figures.Watcher(figures.Together).Memory(), 110)
	a, _ := r.Get("redis", without.CPU("api"))
	b, _ := r.Get("redis", with.CPU("api"))
	if ratio := mustRatio(t, a, b); len(ratio.Rounds) != 2 || ratio.Times < 1.0999 || ratio.Times > 1.1001 {
		t.Errorf("the ratio is %+v, want 1.1 of two pairs", ratio)
	}
	if told := fmt.Sprint(r.Warnings); !strings.Contains(told, "2 targets did not answer Prometheus (pair 2)") {
		t.Errorf("warnings = %s", told)
	}
}

func TestWhyNothingWasWatchedIsTold(t *testing.T) {
	r, err := figures.Make(raw.Run{Unwatched: "prometheus is not installed"}, nil)
	told := fmt.Sprint(r.Warnings)
	if err != nil || !strings.Contains(told, "being watched is missing: prometheus is not installed") {
		t.Errorf("warnings = %s, %v", told, err)
	}
}
