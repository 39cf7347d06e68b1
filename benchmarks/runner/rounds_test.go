package runner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// mixes returns rounds of the sustained mix in two stages, with so many good responses in a second.
func mixes(rounds ...[2]int) (about raw.Run, made []raw.Measurement) {
	about.Stages = []raw.Stage{{Name: "baseline"}, {Name: "redis"}}
	for i, round := range rounds {
		for j, responses := range round {
			made = append(made, raw.Measurement{
				Name: "sustained", Stage: about.Stages[j].Name, Repeat: i + 1, Conns: 500, TookUs: 1e6,
				Samples: make([]raw.Sample, responses), Oracle: raw.Oracle{Checked: 1},
			})
		}
	}
	return about, made
}

func TestRoundsAreAddedWhileTheIntervalIsWide(t *testing.T) {
	rate := figures.Sustained(500).Rate()
	for _, c := range []struct {
		why    string
		rounds [][2]int
		want   []figures.Key
	}{
		{"one round shows no interval", [][2]int{{100, 200}}, []figures.Key{rate}},
		{"three that differ", [][2]int{{100, 200}, {100, 250}, {100, 210}}, []figures.Key{rate}},
		{"three that agree, on a machine that drifts", [][2]int{{100, 200}, {300, 610}, {50, 101}}, nil},
	} {
		about, made := mixes(c.rounds...)
		got, err := wide(about, made, []figures.Key{rate, figures.Objective})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: wide are %v, %v; want %v", c.why, got, err, c.want)
		}
	}
	about, made := mixes([2]int{100, 200})
	about.Stages = about.Stages[:1]
	if got, err := wide(about, made[:1], []figures.Key{rate}); err != nil || len(got) > 0 {
		t.Errorf("one stage alone is compared with nothing, and wide are %v, %v", got, err)
	}
}

// TestTheLastSearchCounts checks that no more rounds are asked for when the searches of both stages found the same in
// three rounds, the last of which has just ended.
func TestTheLastSearchCounts(t *testing.T) {
	about, _ := mixes()
	about.Settings.ObjectiveMs = 50
	var made []raw.Measurement
	for round := 1; round <= 3; round++ {
		for _, stage := range about.Stages {
			made = append(made, raw.Measurement{Name: "probe", Stage: stage.Name, Repeat: round, Rate: 10, ForMs: 1000,
				TookUs: 1e6, Samples: make([]raw.Sample, 10)})
		}
	}
	if got, err := wide(about, made, []figures.Key{figures.Objective}); err != nil || len(got) > 0 {
		t.Errorf("wide are %v, %v; want none", got, err)
	}
}

// quickRun returns a run of the quick profile that measures nothing, and the stages that it is of.
func quickRun() (r *run, names []string) {
	return &run{Options: Options{Driver: "local", Profile: Profiles["quick"], Progress: &Progress{}}},
		[]string{"baseline", "replicas", "redis", "cdn"}
}

// TestAddedRoundsHaveWhatIsWide checks that an added round measures only what the figures need for which it is added.
func TestAddedRoundsHaveWhatIsWide(t *testing.T) {
	r, names := quickRun()
	for _, c := range []struct {
		phase *phase
		wide  []figures.Key
		want  string // of the steps of redis, in order
	}{
		{r.withDelays(), []figures.Key{figures.Page}, "the lab's table"},
		{r.withDelays(), []figures.Key{figures.Throughput("heavy", 64)}, "heavy by 64, with hey"},
		{r.withoutDelays(), []figures.Key{figures.Objective}, "warming up, searching the highest rate"},
		{r.withoutDelays(), []figures.Key{figures.Sustained(500).Rate()}, "warming up, 80/20 mix, sustained by 500"},
	} {
		alone, lanes := c.phase.sort(names, c.phase.repeats, c.wide)
		for _, lane := range lanes {
			alone = append(alone, lane...)
		}
		var got []string
		for _, task := range alone {
			if task.stage == "redis" {
				got = append(got, task.what)
			}
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("for %v a round has %q, want %q", c.wide, got, c.want)
		}
	}
}

// TestRoundsAreAddedAsLongAsThereIsTime checks which figures get rounds in the time that is left: the mix before the
// search.
func TestRoundsAreAddedAsLongAsThereIsTime(t *testing.T) {
	r, names := quickRun()
	p := r.withoutDelays()
	both := p.planned(names, p.repeats, p.headline)
	for _, c := range []struct {
		left time.Duration
		want int
	}{{both, 2}, {both - 1, 1}, {time.Second, 0}} {
		if got := p.affordable(names, p.repeats, p.headline, c.left); len(got) != c.want {
			t.Errorf("in %v of %v a round is added for %v, want %d", c.left, both, got, c.want)
		}
	}
}

// TestQuickTakesLessThanEightMinutes adds up what is planned, and the rounds that may be added.
func TestQuickTakesLessThanEightMinutes(t *testing.T) {
	r, names := quickRun()
	sum := r.Profile.MoreFor
	for _, part := range []func(){
		func() { r.withDelays().plan(r, names) }, func() { r.withoutDelays().plan(r, names) },
		func() { r.planSlices(names) }, func() { r.Progress.Plan(r.watchedPlanned()) },
	} {
		before := r.Progress.planned
		part()
		t.Log(r.Progress.planned - before)
		sum += r.Progress.planned - before
	}
	if sum > 8*time.Minute {
		t.Errorf("quick takes %v, want 8 minutes at most", sum)
	}
}
