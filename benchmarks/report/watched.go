package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// watchedView is the chapter on what being watched costs.
type watchedView struct {
	How, Says string
	Table     table
}

// watched returns the chapter; without a table where both sides were not measured.
func (b *builder) watched() (v watchedView) {
	for _, stage := range b.having(figures.WatcherGroup) {
		without, _ := b.r.Get(stage, figures.Watched(figures.Without).CPU(figures.Together))
		with, _ := b.r.Get(stage, figures.Watched(figures.With).CPU(figures.Together))
		ratio, ok := figures.RatioOf(without, with)
		if !ok {
			continue
		}
		v.Table = b.watchedTable(stage)
		v.How = b.watchedHow(stage, len(ratio.Rounds))
		v.Says = b.watchedSays(stage, ratio)
	}
	return v
}

func (b *builder) watchedHow(stage string, pairs int) string {
	rate, _ := b.r.Mean(stage, figures.Watched(figures.With).Rate())
	return fmt.Sprintf("Stage %s with 80%% reads and 20%% writes at %s/s in an open loop, about half of what it "+
		"sustained, in %s of rounds without stage observability and with it as it ships: Prometheus with its interval "+
		"and its rules, Alertmanager, the exporters of node, database and Redis, and the observer, which are paused "+
		"for the rounds without. A ratio is of pairs, with the interval that holds the true one with 95%%.",
		stage, figures.Round(rate), plural(pairs, "pair"))
}

// watchedSays returns what the chapter comes to, in a sentence.
func (b *builder) watchedSays(stage string, ratio figures.Ratio) string {
	together := figures.Watcher(figures.Together)
	used, _ := b.r.Mean(stage, together.Used())
	memory, _ := b.r.Mean(stage, together.Memory())
	says := fmt.Sprintf("Who watches takes %s %% of a core and %s MB together, soon after it was started; "+
		"a request takes the shop %s times the processor time that it takes unwatched",
		figures.Round(used), figures.Round(memory), times(ratio))
	if !ratio.Certain() {
		says += ": no difference is shown"
	}
	return says + "."
}

// watchedTable has a line for each component of the shop, and for each that watches.
func (b *builder) watchedTable(stage string) (t table) {
	t.Head = []string{"", "for 1,000 requests, unwatched", "watched", "times", "of a core", "memory"}
	for _, part := range append(slices.Clone(partNames), figures.Together) {
		without, _ := b.r.Get(stage, figures.Watched(figures.Without).CPU(part))
		with, _ := b.r.Get(stage, figures.Watched(figures.With).CPU(part))
		ratio, ok := figures.RatioOf(without, with)
		if !ok {
			continue
		}
		if part == figures.Together {
			part = "the shop together"
		}
		without.Unit, with.Unit = "s", "s" // of the thousand
		t.add(part, withSpread(without), withSpread(with), times(ratio), none, none)
	}
	for _, name := range b.watchers(stage) {
		used, memory := b.cell(stage, figures.Watcher(name).Used()), b.cell(stage, figures.Watcher(name).Memory())
		if name == figures.Together {
			name = "who watches together"
		}
		t.add(name, none, none, none, used, memory)
	}
	return t
}

// watchers returns the names of those who watch, and last that of all together.
func (b *builder) watchers(stage string) (names []string) {
	for _, f := range b.r.Figures {
		if of, ok := figures.WatcherGroup.Has(f.Name); ok && f.Stage == stage && strings.HasSuffix(of, "/used") {
			names = append(names, strings.TrimSuffix(of, "/used"))
		}
	}
	return names
}

// times writes a ratio with its interval.
func times(r figures.Ratio) string {
	if len(r.Rounds) == 1 {
		return figures.Round(r.Times) + " (one pair)"
	}
	return fmt.Sprintf("%s (%s to %s)", figures.Round(r.Times), figures.Round(r.Low), figures.Round(r.High))
}
