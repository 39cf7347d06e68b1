package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// defaultSettings returns the default settings.
func defaultSettings(t *testing.T) Settings {
	t.Helper()
	c, _, err := parse(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Settings
}

const step = 15 * time.Second

// calm returns an observation of n replicas with so much in flight, on average and now.
func calm(n int, inFlight float64) Observation {
	return Observation{Wanted: n, Running: n, Figures: &Figures{Age: 5 * time.Second, Targets: n, InFlight: inFlight,
		Now: inFlight}}
}

// during returns all parts in a row, and sets their times, a step apart.
func during(parts ...[]Observation) (observations []Observation) {
	for _, part := range parts {
		observations = append(observations, part...)
	}
	for i := range observations {
		observations[i].At = start.Add(time.Duration(i) * step)
	}
	return observations
}

func times(n int, l Observation) (observations []Observation) {
	for range n {
		observations = append(observations, l)
	}
	return observations
}

// but returns an observation with a change.
func but(l Observation, change func(*Observation)) Observation {
	if l.Figures != nil {
		figures := *l.Figures
		l.Figures = &figures
	}
	change(&l)
	return l
}

func TestDecide(t *testing.T) {
	const long = 21 // observations, five minutes
	figure := func(n int, inFlight float64, set func(*Figures)) Observation {
		return but(calm(n, inFlight), func(l *Observation) { set(l.Figures) })
	}
	for _, row := range []struct {
		name         string
		observations []Observation
		want         int // 0: nothing is done
		why          string
	}{
		{"nothing was seen", nil, 0, "nothing was seen"},
		{"all is well", times(long, calm(2, 1)), 0, "1.0 requests are in flight"},

		{"too much, and not for long", times(2, calm(2, 3.6)), 0, "3.6 requests"},
		{"too much for half a minute", times(3, calm(2, 3.6)), 4,
			"3.6 requests are in flight, and a replica is to have 1"},
		{"too much, with a gap in it", during(times(2, calm(2, 4)), times(1, but(calm(2, 4),
			func(l *Observation) { l.Figures = nil })),
			times(2, calm(2, 4))), 0, ""},
		{"a little more than there should be", times(long, calm(2, 2.1)), 0, ""},
		{"far too much: twice as many at most", times(3, calm(2, 500)), 4, "500.0 requests"},
		{"far too much, and near the most", times(3, calm(5, 500)), 6, "500.0 requests"},
		{"far too much, at the most", times(3, calm(6, 500)), 0, "6 is the most"},
		{"it was too much, and is no more", times(3, figure(2, 9, func(f *Figures) { f.Now = 1 })), 0, ""},
		{"a peak of a moment", times(3, figure(2, 1, func(f *Figures) { f.Now = 40 })), 0, ""},
		{"too much, which falls", []Observation{calm(4, 90), calm(4, 60), calm(4, 30)}, 0,
			"which fall: they are gone in 13s"},
		{"too much, which falls too slowly", []Observation{calm(4, 90), calm(4, 89), calm(4, 88)}, 6, "88.0 requests"},

		{"a queue that stays as it is", times(3, figure(3, 70, func(f *Figures) { f.Rate = 60 })), 4,
			"the work of 3.0"},
		{"a queue that grows", []Observation{figure(2, 20, func(f *Figures) { f.Rate = 40 }),
			figure(2, 320, func(f *Figures) { f.Rate = 40 }), figure(2, 620, func(f *Figures) { f.Rate = 40 })}, 4,
			"what comes is the work of 3.0"},
		{"a queue that falls too slowly", []Observation{figure(4, 9000, func(f *Figures) { f.Rate = 80 }),
			figure(4, 8990, func(f *Figures) { f.Rate = 80 }), figure(4, 8980, func(f *Figures) { f.Rate = 80 })}, 5,
			""},

		{"the processors are busy", times(3, figure(2, 0, func(f *Figures) { f.Processor = 2 })), 3, "2.0 processors"},
		{"the processors are busy, and what is in flight falls", []Observation{
			figure(2, 90, func(f *Figures) { f.Processor = 3 }), figure(2, 60, func(f *Figures) { f.Processor = 3 }),
			figure(2, 30, func(f *Figures) { f.Processor = 3 })}, 4, "30.0 requests"},
		{"slow calls", times(3, figure(2, 1.5, func(f *Figures) { f.P99 = time.Second })), 3,
			"99 of 100 calls take up to 1s"},
		{"slow calls of idle replicas", times(3, figure(2, 0.1, func(f *Figures) { f.P99 = time.Second })), 0, ""},
		{"old orders", times(3, figure(2, 0.1, func(f *Figures) { f.Oldest = time.Hour })), 3,
			"an order waits for 1h0m0s"},

		{"little, and not for long", times(long-1, calm(4, 0.5)), 0, "for fewer than 4, it has to be so for 5m0s"},
		{"little, for five minutes", times(long, calm(4, 0.5)), 2, "at most 0.5 requests are in flight"},
		{"little, for five minutes, of many: half at a time", times(long, calm(6, 0.5)), 3, ""},
		{"what fewer could hardly carry", times(long, calm(4, 2.8)), 0, ""},
		{"little, but for one look", during(times(10, calm(4, 0.5)), times(1, calm(4, 3.5)), times(10, calm(4, 0.5))),
			0, ""},
		{"little, with slow calls in it", during(times(10, calm(4, 0.5)),
			times(1, figure(4, 0.5, func(f *Figures) { f.P99 = time.Second })), times(10, calm(4, 0.5))), 0,
			"calls took up to 1s"},
		{"little, with late orders in it", during(times(10, calm(4, 0.5)),
			times(1, figure(4, 0.5, func(f *Figures) { f.Oldest = time.Hour })), times(10, calm(4, 0.5))), 0,
			"an order waited"},
		{"little, with a gap in it", during(times(10, calm(4, 0.5)),
			times(1, but(calm(4, 0.5), func(l *Observation) { l.Figures = nil })), times(10, calm(4, 0.5))), 0,
			"without a change or a gap"},
		{"little, and an update in it", during(times(10, calm(4, 0.5)),
			times(1, but(calm(4, 0.5), func(l *Observation) { l.Busy = "an update" })), times(10, calm(4, 0.5))), 0,
			"a gap"},

		{"by hand to fewer than the least", times(1, calm(1, 0)), 2, "fewer than the least"},
		{"by hand to none", times(long, Observation{}), 0, "scaled it to none"},
		{"by hand to more than the most", times(long-1, calm(9, 0)), 0, ""},
		{"by hand to more than the most, for long", times(long, calm(9, 0)), 6, "more than the most"},
		{"by hand to more than the most, and needed", times(long, calm(9, 20)), 0, "6 is the most"},
		{"by hand a moment ago", during(times(long, calm(2, 0.5)), times(1, calm(5, 0.5))), 0,
			"somebody else scaled 2 to 5"},
		{"by hand, and now too much", during(times(long, calm(2, 0.5)), times(6, calm(3, 6))), 6, "6.0 requests"},
		{"scaled a moment ago", during(times(long, calm(2, 9)),
			times(1, but(calm(2, 9), func(l *Observation) { l.Set = 4 })),
			times(3, calm(4, 9))), 0, "scaled 2 to 4 30s ago: its effect is awaited"},

		{"an update is under way", times(long, but(calm(2, 9),
			func(l *Observation) { l.Busy = "an update is under way" })),
			0, "an update"},
		{"a replica is not healthy", times(long, but(calm(2, 9), func(l *Observation) { l.Running = 1 })), 0,
			"1 of 2 replicas are healthy"},
		{"Prometheus is away", times(long, but(calm(2, 9),
			func(l *Observation) { l.Figures, l.Missing = nil, "away" })), 0,
			"no figures: away"},
		{"figures of others", times(long, figure(2, 9, func(f *Figures) { f.Targets = 1 })), 0, "those of 1 of 2"},
		{"old figures", times(long, figure(2, 9, func(f *Figures) { f.Age = 2 * time.Minute })), 0, "from 2m0s ago"},
		{"figures of the future", times(long, figure(2, 9, func(f *Figures) { f.Age = -time.Hour })), 0, "no figures"},
		{"no number", times(long, figure(2, math.NaN(), func(*Figures) {})), 0, "no numbers"},
		{"no number of processors", times(long, figure(2, 9, func(f *Figures) { f.Processor = math.NaN() })), 0,
			"no numbers"},
		{"infinitely many", times(long, figure(2, math.Inf(1), func(*Figures) {})), 0, "no numbers"},
		{"fewer than none", times(long, figure(2, -1, func(*Figures) {})), 0, "no numbers"},
		{"no figures, and fewer than the least", times(1, but(calm(1, 0), func(l *Observation) { l.Figures = nil })), 0,
			"no figures"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Decide(during(row.observations), defaultSettings(t))
			if !got.Act {
				if row.want != 0 {
					t.Fatalf("nothing is done (%s), want %d", got.Reason, row.want)
				}
			} else if got.Replicas != row.want {
				t.Fatalf("scaled to %d (%s), want %d", got.Replicas, got.Reason, row.want)
			}
			if !strings.Contains(got.Reason, row.why) || got.Reason == "" {
				t.Errorf("the reason is %q, want it to have %q", got.Reason, row.why)
			}
		})
	}
}

// TestLooksThatAreLate checks that two looks far apart do not count for the time between them.
func TestLooksThatAreLate(t *testing.T) {
	observations := []Observation{calm(4, 0.5), calm(4, 0.5)}
	observations[0].At, observations[1].At = start, start.Add(time.Hour) // the machine slept
	if got := Decide(observations, defaultSettings(t)); got.Act {
		t.Errorf("scaled to %d by two looks an hour apart: %s", got.Replicas, got.Reason)
	}
}

// trace is a service under a load of requests that each take a part of a replica, of which what is not carried out yet
// waits: what really happens, of which the observations show averages.
type trace struct {
	replicas int
	waiting  float64   // requests
	past     []float64 // in flight, of the last observations
}

// pass lets a step go by with a load of so many replicas' work, and returns what Prometheus shows then.
func (r *trace) pass(work float64) *Figures {
	const seconds = float64(step / time.Second)
	perSecond := 20.0 // requests of one replica
	r.waiting = max(0, r.waiting+(work-float64(r.replicas))*perSecond*seconds)
	now := min(work, float64(r.replicas)) + r.waiting
	r.past = append(r.past, now)
	window := r.past[max(0, len(r.past)-4):]
	var sum float64
	for _, x := range window {
		sum += x
	}
	rate := (now - r.waiting) * perSecond
	return &Figures{Targets: r.replicas, Rate: rate, InFlight: sum / float64(len(window)), Now: now,
		Processor: now * 0.01}
}

// loads draws a trace of work: steps, ramps, noise, peaks, or nothing but chance.
func loads(draw *rand.Rand, n int) []float64 {
	work := make([]float64, n)
	level, slope, noise := draw.Float64()*8, 0.0, draw.Float64()*2
	kind := draw.IntN(5)
	for i := range work {
		switch {
		case kind == 0 && draw.IntN(20) == 0: // steps
			level = draw.Float64() * 8
		case kind == 1 && draw.IntN(20) == 0: // ramps
			slope = (draw.Float64() - 0.5) * 0.4
		case kind == 2: // between two levels, as fast as may be
			level = []float64{0.5, 6}[i/(1+draw.IntN(8))%2]
		case kind == 3: // a wave
			level = 4 + 4*math.Sin(float64(i)/(2+noise*10))
		case kind == 4:
			level = draw.ExpFloat64() * 3
		}
		level = min(max(level+slope, 0), 10)
		work[i] = max(0, level+(draw.Float64()-0.5)*noise)
	}
	return work
}

// TestAnyLoad checks what is decided under loads, gaps, updates and other hands that are drawn at random against what
// must always be so.
func TestAnyLoad(t *testing.T) {
	s := defaultSettings(t)
	acts := 0
	for seed := range uint64(400) {
		draw := rand.New(rand.NewPCG(seed, 1))
		r := trace{replicas: 1 + draw.IntN(8)}
		var observations []Observation
		type act struct {
			at       time.Time
			from, to int
		}
		var done []act // and what others did
		for i, work := range loads(draw, 400) {
			l := Observation{At: start.Add(time.Duration(i) * step), Wanted: r.replicas, Running: r.replicas,
				Figures: r.pass(work)}
			usable := true
			switch draw.IntN(60) {
			case 0:
				l.Figures, usable = nil, false
			case 1:
				l.Figures.InFlight, usable = math.NaN(), false
			case 2:
				l.Figures.Age, usable = time.Hour, false
			case 3:
				l.Busy, usable = "an update", false
			case 4:
				l.Running, usable = r.replicas-1, false
			case 5:
				if i > 0 && draw.IntN(4) == 0 { // another hand, between two observations
					was := r.replicas
					r.replicas = 1 + draw.IntN(9)
					l.Wanted, l.Running, l.Figures.Targets = r.replicas, r.replicas, r.replicas
					if was != r.replicas {
						done = append(done, act{l.At, was, r.replicas})
					}
				}
			}
			observations = append(observations, l)
			d := Decide(observations, s)
			if d.Reason == "" {
				t.Fatalf("seed %d, look %d: no reason", seed, i)
			}
			if !d.Act {
				if d.Replicas != l.Wanted {
					t.Fatalf("seed %d, look %d: nothing is done, with %d replicas of %d", seed, i, d.Replicas, l.Wanted)
				}
				continue
			}
			acts++
			at := fmt.Sprintf("seed %d, look %d: scaled %d to %d (%s)", seed, i, l.Wanted, d.Replicas, d.Reason)
			switch {
			case !usable:
				t.Fatal(at, "with nothing to go by")
			case d.Replicas < s.Min || d.Replicas > s.Max:
				t.Fatal(at, "out of bounds")
			case d.Replicas == l.Wanted:
				t.Fatal(at, "which it had")
			case d.Replicas > max(growth*l.Wanted, s.Min):
				t.Fatal(at, "too many at once")
			}
			for _, before := range done {
				since := l.At.Sub(before.at)
				if d.Replicas < l.Wanted && since < s.DownAfter {
					t.Fatalf("%s, %s after %d to %d", at, since, before.from, before.to)
				}
				if d.Replicas > l.Wanted && l.Wanted >= s.Min && since < s.Settle {
					t.Fatalf("%s, %s after %d to %d: its effect was not awaited", at, since, before.from, before.to)
				}
			}
			observations[len(observations)-1].Set = d.Replicas
			done = append(done, act{l.At, l.Wanted, d.Replicas})
			r.replicas = d.Replicas
		}
	}
	if acts < 1000 {
		t.Errorf("it was scaled %d times in all: these loads try nothing", acts)
	}
}

// TestSteadyLoad checks that every steady load, with a little noise, leads to a number of replicas that is enough for
// it, and that the number does not rise again once it has fallen.
func TestSteadyLoad(t *testing.T) {
	s := defaultSettings(t)
	for n := 1; n <= 6; n++ {
		for work := 0.1; work < 5.4; work += 0.1 {
			draw := rand.New(rand.NewPCG(uint64(n), uint64(work*10)))
			r := trace{replicas: n}
			var observations []Observation
			var went []int
			for i := range 300 {
				l := Observation{At: start.Add(time.Duration(i) * step), Wanted: r.replicas, Running: r.replicas,
					Figures: r.pass(work * (0.98 + 0.04*draw.Float64()))}
				observations = append(observations, l)
				if d := Decide(observations, s); d.Act {
					observations[i].Set, r.replicas = d.Replicas, d.Replicas
					went = append(went, d.Replicas)
				}
			}
			if down := slices.IndexFunc(went, func(to int) bool { return to < n }); len(went) > 4 ||
				down >= 0 && !slices.IsSortedFunc(went[down:], func(a, b int) int { return b - a }) {
				t.Errorf("%.1f replicas' work on %d of them goes to %v: more after fewer", work, n, went)
			}
			if float64(r.replicas) < work/more/1.02 || float64(r.replicas) > max(work/fewer*1.02+1, float64(s.Min)) {
				t.Errorf("%.1f replicas' work ends on %d of them", work, r.replicas)
			}
		}
	}
}

// TestStepsOfLoad plays the load of the example: 0.5, 3 and 0.5 replicas' work, on 2 replicas.
func TestStepsOfLoad(t *testing.T) {
	s := defaultSettings(t)
	r := trace{replicas: 2}
	var observations []Observation
	var went []int
	for i := range 180 {
		work := 0.5
		if i >= 40 && i < 100 {
			work = 3
		}
		observations = append(observations, Observation{At: start.Add(time.Duration(i) * step), Wanted: r.replicas,
			Running: r.replicas, Figures: r.pass(work)})
		if d := Decide(observations, s); d.Act {
			observations[i].Set, r.replicas = d.Replicas, d.Replicas
			went = append(went, d.Replicas)
			t.Logf("%s: %d, %s", time.Duration(i)*step, d.Replicas, d.Reason)
		}
	}
	if fmt.Sprint(went) != "[4 2]" {
		t.Errorf("2 replicas went to %v, want 4 and 2", went)
	}
}
