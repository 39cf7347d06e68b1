package figures_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/report/synthetic"
)

func mustMake(t *testing.T, measurements ...raw.Measurement) *figures.Results {
	t.Helper()
	run := raw.Run{Stages: []raw.Stage{{Name: "redis", Replicas: 2}}, Settings: raw.Settings{ObjectiveMs: 50},
		Ended: time.Unix(1, 0)}
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
	wantMean(t, r, "latency/1000/p50", 500)
	wantMean(t, r, "latency/1000/p99", 990)
	wantMean(t, r, "latency/1000/p999", 999)
	wantMean(t, r, "latency/1000/max", 1000)
	for n, want := range map[int]bool{99: false, 100: true} {
		r := mustMake(t, raw.Measurement{Name: "latency", Rate: 1000, TookUs: 1e6, Samples: requests(n, 0)})
		wantMean(t, r, "latency/1000/p90", 90)
		if f, ok := r.Get("redis", "latency/1000/p99"); ok != want || ok && f.Mean != 99 {
			t.Errorf("of %d requests the p99 is %v (there: %v)", n, f.Mean, ok)
		}
		if f, ok := r.Get("redis", "latency/1000/p999"); ok {
			t.Errorf("of %d requests the p99.9 is %v", n, f.Mean)
		}
	}
}

// TestWhatWasNeverSentHasFailed checks a load of 1,000 requests a second for two seconds that ended after three, when
// 500 had been sent. Those that were not were due from 0.5 s to 2 s, and the load went on for 2.5 s to 1 s more.
func TestWhatWasNeverSentHasFailed(t *testing.T) {
	overloaded := raw.Measurement{Name: "latency", Rate: 1000, ForMs: 2000, TookUs: 3e6}
	for i := range int64(500) {
		overloaded.Samples = append(overloaded.Samples, raw.Sample{AtUs: i * 1000, TookUs: i * 1000, Status: 200})
	}
	r := mustMake(t, overloaded)
	wantMean(t, r, "latency/1000/sent", 500/3.)
	wantMean(t, r, "latency/1000/errors", 75)
	wantMean(t, r, "latency/1000/p50", 1501) // of those that were not sent, half a second before the last one was due
	wantMean(t, r, "latency/1000/max", 2500)
	overloaded.Name, overloaded.What = "watched", figures.With
	r = mustMake(t, overloaded)
	wantMean(t, r, "watched/with/errors", 75)
	wantMean(t, r, "watched/with/rate", 500/3.)
}

// TestHeysRefusalsAreNoThroughput checks that of 100 requests a second that hey counts, 60 which were refused or never
// got a response are errors, not throughput.
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
		"what was never sent is a miss": {[]raw.Measurement{probe(1000, 10, 0), func() raw.Measurement {
			p := probe(2000, 10, 0)
			p.Samples = p.Samples[:1999]
			return p
		}()}, 1000},
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

// TestHalfASearchFindsNothing checks that a second round's search does not count when the run was stopped or killed
// during it: after a probe that held, and after a first one that missed.
func TestHalfASearchFindsNothing(t *testing.T) {
	first := []raw.Measurement{probe(1000, 10, 0), probe(2000, 60, 0)}
	for _, last := range []raw.Measurement{probe(500, 10, 0), probe(4000, 60, 0)} {
		last.Repeat = 2
		cut := raw.Measurement{Name: figures.CutOff, Repeat: 2}
		behind := raw.Measurement{Name: "mix", Repeat: 2, Conns: 500, TookUs: 1e6, Samples: requests(10, 0)}
		for _, c := range []struct {
			why   string
			run   raw.Run
			after []raw.Measurement
			want  int // values
		}{
			{"stopped", raw.Run{Stopped: "interrupted", Ended: time.Unix(1, 0)}, nil, 1},
			{"killed", raw.Run{}, nil, 1},
			{"cut off with something found", raw.Run{}, []raw.Measurement{cut}, 1},
			{"stopped later", raw.Run{Stopped: "interrupted"}, []raw.Measurement{behind}, 2},
			{"at its end", raw.Run{Ended: time.Unix(1, 0)}, nil, 2},
		} {
			c.run.Stages, c.run.Settings.ObjectiveMs = []raw.Stage{{Name: "redis"}}, 50
			all := slices.Concat(first, []raw.Measurement{last}, c.after)
			for i := range all {
				all[i].Stage, all[i].Repeat = "redis", max(1, all[i].Repeat)
			}
			r, err := figures.Make(c.run, all)
			if err != nil {
				t.Fatal(err)
			}
			f, _ := r.Get("redis", figures.Objective)
			warned := strings.Contains(fmt.Sprint(r.Warnings), "during the search of the highest rate (round 2)")
			if len(f.Values) != c.want || warned != (c.want == 1) {
				t.Errorf("%s: found %v, warnings %v; want %d values", c.why, f.Values, r.Warnings, c.want)
			}
		}
	}
}

// TestReadsCostWhatTheyDoAtTheHighestRate checks that the cost of reads is taken at the highest rate that kept the
// objective: the second of three probes.
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

// TestSlices checks the figures of two replicas, in slices of a tenth of a core, that use 0.21 s of their 0.2, on a
// machine of two cores. Where it was not written down how large a slice is, there is all but how much of it was used.
func TestSlices(t *testing.T) {
	run := raw.Run{Stages: []raw.Stage{{Name: "redis"}}, Machine: raw.Machine{CPUs: 2}, SliceCores: .1}
	sliced := []raw.Measurement{{Stage: "redis", Name: "sliced", What: "reads", Slices: 2, TookUs: 1e6,
		Samples: requests(1000, 0), GeneratorUs: 100_000, OthersUs: 90_000,
		Parts: []raw.Part{{Name: "api", CPUUs: 210_000}, {Name: "database", CPUUs: 600_000}}}}
	r, err := figures.Make(run, sliced)
	if err != nil {
		t.Fatal(err)
	}
	killed, err := figures.Make(raw.Run{Stages: run.Stages, Machine: run.Machine}, sliced)
	if err != nil {
		t.Fatal(err)
	}
	wantMean(t, killed, "sliced/reads/2/rate", 1000)
	if f, ok := killed.Get("redis", "sliced/reads/2/used"); ok {
		t.Errorf("of slices of unknown size there is %+v", f)
	}
	wantMean(t, r, "sliced/reads/2/rate", 1000)
	wantMean(t, r, "sliced/reads/2/used", 105)
	wantMean(t, r, "sliced/reads/2/machine", 50)
	wantMean(t, r, "sliced/reads/2/cpu/database", .6)
}

// TestValuesThatCannotBeAreRefused checks that no figure is made of what is no number, or of a round that is there
// twice.
func TestValuesThatCannotBeAreRefused(t *testing.T) {
	mix := raw.Measurement{Stage: "redis", Name: "mix", Repeat: 1, Conns: 500, TookUs: 1e6, Samples: requests(10, 0)}
	endless, unread := mix, mix
	endless.TookUs = 0
	unread.Name, unread.What, unread.Counts = "sale", figures.During, map[string]float64{"reads_us": -3}
	for want, measurements := range map[string][]raw.Measurement{
		"redis mix/500/rate is +Inf in round 1":        {endless},
		"redis sale during by 500: reads_us is -3":     {unread},
		"redis mix/500/rate has two values in round 1": {mix, mix},
	} {
		_, err := figures.Make(raw.Run{Stages: []raw.Stage{{Name: "redis"}}}, measurements)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
}

func TestOneStaleAnswerMakesARunInvalid(t *testing.T) {
	good := raw.Measurement{Name: "mix", Conns: 500, TookUs: 1e6, Samples: requests(10, 0)}
	if r := mustMake(t, good); !r.Valid {
		t.Errorf("a run without a stale answer is invalid: %v", r.Invalid)
	}
	for _, bad := range []raw.Oracle{{Checked: 9, Stale: 1}, {Checked: 9, Wrong: 1}} {
		m := good
		m.Repeat, m.Oracle = 2, bad
		if r := mustMake(t, good, m); r.Valid || len(r.Invalid) != 1 {
			t.Errorf("with %+v it is valid: %v", bad, r.Invalid)
		}
	}
	cut := raw.Measurement{Name: figures.CutOff, What: "mix", TookUs: 1e6, Oracle: raw.Oracle{Checked: 9, Stale: 1}}
	if r := mustMake(t, good, cut); !strings.Contains(fmt.Sprint(r.Invalid), "redis, cut_off mix") {
		t.Errorf("with a stale answer in a measurement that was cut off it is invalid by %v", r.Invalid)
	}
	if r, _ := figures.Make(raw.Run{Stages: []raw.Stage{{Name: "redis"}}}, nil); r.Valid {
		t.Error("a run that checked nothing is valid")
	}
}

// TestWhatFailedOrWasNeverMadeHasNoTime checks that a call of the lab's table that failed and a mix without requests
// have no latency, and that a warning says so.
func TestWhatFailedOrWasNeverMadeHasNoTime(t *testing.T) {
	r := mustMake(t, raw.Measurement{Name: "table", What: "page",
		Samples: []raw.Sample{{TookUs: 2e6}, {TookUs: 100, Verdict: 1}, {TookUs: 2e6}}},
		raw.Measurement{Name: "mix", Conns: 500, TookUs: 1e6})
	wantMean(t, r, figures.Page, 2)
	if f, ok := r.Get("redis", figures.MixGroup.At(500).P50()); ok {
		t.Errorf("of no request there is %+v", f)
	}
	warnings := fmt.Sprint(r.Warnings)
	for _, want := range []string{"1 of 3 calls of page failed", "no request of mix by 500 was made"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings = %s, want %q", warnings, want)
		}
	}
}

// TestAWriteThatFailsIsNowhere checks ten writes of which some or all fail at once, in a tenth of a millisecond: their
// time does not count.
func TestAWriteThatFailsIsNowhere(t *testing.T) {
	fresh := func(failed int) *figures.Results {
		m := raw.Measurement{Name: "fresh", Requests: 10}
		for i := range 10 {
			if i < failed {
				m.Samples = append(m.Samples, raw.Sample{TookUs: 100, Verdict: 1})
				continue
			}
			m.Samples = append(m.Samples, raw.Sample{TookUs: 2000, Status: 200},
				raw.Sample{TookUs: 3000, Status: 200, Kind: 1})
		}
		return mustMake(t, m)
	}
	if r := fresh(0); len(r.Warnings) > 0 {
		t.Errorf("warnings = %v", r.Warnings)
	}
	r := fresh(6)
	wantMean(t, r, figures.FreshErrors, 60)
	wantMean(t, r, figures.FreshAcknowledgedP50, 2)
	wantMean(t, r, figures.FreshEverywhereP50, 3)
	if warnings := fmt.Sprint(r.Warnings); !strings.Contains(warnings, "6 of 10 writes did not get to every replica") {
		t.Errorf("warnings = %s", warnings)
	}
	r = fresh(10)
	wantMean(t, r, figures.FreshErrors, 100)
	for _, name := range []figures.Key{figures.FreshAcknowledgedP50, figures.FreshEverywhereP50,
		figures.FreshEverywhereP99} {
		if f, ok := r.Get("redis", name); ok {
			t.Errorf("of no write there is %+v", f)
		}
	}
}

// TestAnswersThatCouldNotBeStaleAreReported checks that a load is marked with a warning, or as invalid, when few or
// none of the changes beside it were acknowledged.
func TestAnswersThatCouldNotBeStaleAreReported(t *testing.T) {
	for _, c := range []struct {
		due, changed   int
		valid, warning bool
	}{
		{0, 0, true, false}, // a run of before they were counted
		{100, 100, true, false},
		{100, 10, true, false},
		{100, 9, true, true},
		{20, 0, false, false},
		{19, 0, true, true},
	} {
		r := mustMake(t, raw.Measurement{Name: "mix", Conns: 500, TookUs: 1e6, Samples: requests(10, 0),
			Oracle: raw.Oracle{Checked: 9, ChangesDue: c.due, Changed: c.changed}})
		want := fmt.Sprintf("of %d changes of what was read %d were acknowledged", c.due, c.changed)
		warned, refused := strings.Contains(fmt.Sprint(r.Warnings), want), strings.Contains(fmt.Sprint(r.Invalid), want)
		if r.Valid != c.valid || warned != c.warning || refused == c.valid {
			t.Errorf("%d of %d: valid %v, warnings %v, invalid %v", c.changed, c.due, r.Valid, r.Warnings, r.Invalid)
		}
	}
}

// TestABusyMachineIsTold checks that a warning is given when other programs take a fifth of the processor time.
func TestABusyMachineIsTold(t *testing.T) {
	for others, want := range map[int64]bool{100_000: false, 400_000: true} {
		run := raw.Run{Stages: []raw.Stage{{Name: "redis"}}, Machine: raw.Machine{CPUs: 2}}
		r, err := figures.Make(run,
			[]raw.Measurement{{Stage: "redis", Name: "mix", TookUs: 1e6, OthersUs: others, Samples: requests(10, 0)}})
		if warned := strings.Contains(fmt.Sprint(r.Warnings), "Other programs took 20%"); err != nil || warned != want {
			t.Errorf("others took %d us of two seconds: warned %v, %v", others, r.Warnings, err)
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

// TestASlowedBuildFails checks that a comparison with a build whose database takes half as long again fails for what
// depends on that, and for nothing else.
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

// TestWhatNoiseHidesIsNotPassed checks figures of three rounds: one that is halved within its noise cannot be told, and
// errors where there were none fail, also in a single round.
func TestWhatNoiseHidesIsNotPassed(t *testing.T) {
	results := func(objective []float64, errors ...float64) *figures.Results {
		var measurements []raw.Measurement
		for i, rate := range objective {
			m := raw.Measurement{Stage: "redis", Repeat: i + 1, Name: "mix", Conns: 500, TookUs: 1e6,
				Samples: requests(1000, int(errors[i])), Oracle: raw.Oracle{Checked: 1}}
			p := probe(rate, 10, 0)
			p.Stage, p.Repeat = "redis", i+1
			measurements = append(measurements, m, p)
		}
		r, err := figures.Make(raw.Run{Stages: []raw.Stage{{Name: "redis"}}, Settings: raw.Settings{ObjectiveMs: 50},
			Ended: time.Unix(1, 0)}, measurements)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	steady := []float64{10000, 10000, 10000}
	for _, c := range []struct {
		why            string
		old, new       *figures.Results
		fails, unknown string
		noisy          int
	}{
		{"as before", results(steady, 0, 0, 0), results(steady, 0, 0, 0), "", "", 0},
		{"halved, by chance perhaps", results([]float64{2000, 16000, 12000}, 0, 0, 0),
			results([]float64{1000, 9000, 5000}, 0, 0, 0), "", "redis objective/rate: ", 1},
		{"better, by chance perhaps", results([]float64{1000, 9000, 5000}, 0, 0, 0),
			results([]float64{2000, 16000, 12000}, 0, 0, 0), "", "", 1},
		{"halved", results(steady, 0, 0, 0), results([]float64{5000, 5000, 5000}, 0, 0, 0), "redis objective/rate: ",
			"", 0},
		{"errors in a round of three", results(steady, 0, 0, 0), results(steady, 0, 0, 500), "redis mix/500/errors: ",
			"", 0},
	} {
		got := figures.Compare(c.old, c.new, .1)
		fails, unknown := strings.Join(got.Failures, "\n"), strings.Join(got.CannotTell, "\n")
		if !strings.HasPrefix(fails, c.fails) || (fails == "") != (c.fails == "") ||
			!strings.HasPrefix(unknown, c.unknown) || (unknown == "") != (c.unknown == "") || got.TooNoisy != c.noisy {
			t.Errorf("%s: fails %q, cannot tell %q, %d too noisy; want %q, %q, %d", c.why, fails, unknown, got.TooNoisy,
				c.fails, c.unknown, c.noisy)
		}
	}
}

func TestAnInvalidRunFails(t *testing.T) {
	good, bad := mustSynthetic(t, 1, 1), mustSynthetic(t, 2, 1)
	bad.Valid, bad.Invalid = false, []string{"1 stale"}
	if c := figures.Compare(good, bad, .1); len(c.Failures) != 1 {
		t.Errorf("failures = %v, want that it is invalid", c.Failures)
	}
}

// TestHalfARunFails compares a run with one that was stopped or killed, and with one that lacks a figure or a stage.
func TestHalfARunFails(t *testing.T) {
	old := mustSynthetic(t, 1, 1)
	for _, c := range []struct {
		why   string
		spoil func(*figures.Results)
		want  string // the failures
	}{
		{"whole", func(*figures.Results) {}, ""},
		{"stopped", func(r *figures.Results) { r.Run.Stopped = "interrupted" },
			"the newer run ended before its end: interrupted"},
		{"killed", func(r *figures.Results) { r.Run.Ended = time.Time{} }, "the newer run has no end"},
		{"without a figure that matters", without("redis", figures.Page),
			"redis table/page: only the older run has it"},
		{"without one that does not", without("redis", figures.Queries), ""},
		{"without a stage", func(r *figures.Results) {
			r.Run.Stages = r.Run.Stages[:3]
			r.Figures = slices.DeleteFunc(r.Figures, func(f figures.Figure) bool { return f.Stage == "cdn" })
		}, "cdn: only the older run measured the stage"},
	} {
		now := mustSynthetic(t, 1, 1)
		c.spoil(now)
		got := strings.Join(figures.Compare(old, now, .1).Failures, "\n")
		if got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n")) {
			t.Errorf("%s: failures %q, want %q", c.why, got, c.want)
		}
	}
}

// TestHalfAnOlderRunFails compares whole runs with one that is not fit to be compared with.
func TestHalfAnOlderRunFails(t *testing.T) {
	for want, spoil := range map[string]func(*figures.Results){
		"the older run ended before its end: interrupted": func(r *figures.Results) { r.Run.Stopped = "interrupted" },
		"the older run has no end":                        func(r *figures.Results) { r.Run.Ended = time.Time{} },
		"the older run is invalid: 1 stale":               func(r *figures.Results) { r.Invalid = []string{"1 stale"} },
		"no figure of those that matter":                  func(r *figures.Results) { r.Figures = nil },
		"no figure of those that matter was measured by both": func(r *figures.Results) {
			for i := range r.Figures {
				r.Figures[i].Values = r.Figures[i].Values[:1]
			}
		},
	} {
		old, now := mustSynthetic(t, 1, 1), mustSynthetic(t, 1, 1)
		spoil(old)
		if got := figures.Compare(old, now, .1).Failures; len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("failures %q, want %q", got, want)
		}
	}
}

// without returns what takes a figure from results.
func without(stage string, name figures.Key) func(*figures.Results) {
	return func(r *figures.Results) {
		r.Figures = slices.DeleteFunc(r.Figures,
			func(f figures.Figure) bool { return f.Stage == stage && f.Name == name })
	}
}

// TestAKilledRunIsReported checks that there is a warning for a run whose end was never recorded.
func TestAKilledRunIsReported(t *testing.T) {
	mix := raw.Measurement{Stage: "redis", Name: "mix", Conns: 500, TookUs: 1e6, Samples: requests(10, 0)}
	for _, ended := range []time.Time{{}, time.Unix(1, 0)} {
		r, err := figures.Make(raw.Run{Stages: []raw.Stage{{Name: "redis"}}, Ended: ended}, []raw.Measurement{mix})
		warned := strings.Contains(fmt.Sprint(r.Warnings), "The run has no end")
		if err != nil || warned != ended.IsZero() {
			t.Errorf("ended %v: warnings %v, %v", ended, r.Warnings, err)
		}
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
	old, now = mustSynthetic(t, 1, 1), mustSynthetic(t, 1, 1)
	old.Run.Target, now.Run.Target, now.Run.Generator.CPUs = "http://a", "http://b", 4
	if got := fmt.Sprint(figures.Compare(old, now, .1).Conditions); got !=
		"[target: http://a -> http://b generator's cpus: 0 -> 4]" {
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
		Replicas: map[string]int{"woody_api.1.ryev2mnvzz": 2, "woody_api.1.pq4cbmz0qx": 1,
			"woody_api.2.ec8bez57xz": 1}})
	wantMean(t, r, "cost/replica/api.1", 75)
	wantMean(t, r, "cost/replica/api.2", 25)
}

// TestBeingWatched checks the figures of two pairs with and without watchers: what watches is no part of the shop, and
// what each side cost is per request.
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
	if warnings := fmt.Sprint(r.Warnings); !strings.Contains(warnings, "2 targets did not answer Prometheus (pair 2)") {
		t.Errorf("warnings = %s", warnings)
	}
}

func TestWhyNothingWasWatchedIsTold(t *testing.T) {
	r, err := figures.Make(raw.Run{Unwatched: "prometheus is not installed"}, nil)
	warnings := fmt.Sprint(r.Warnings)
	if err != nil || !strings.Contains(warnings, "being watched is missing: prometheus is not installed") {
		t.Errorf("warnings = %s, %v", warnings, err)
	}
}
