package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// chapter is the report's chapter on a stage.
type chapter struct {
	Number               int
	Stage, Changed, Then string
	Gains                []gain
	Costs                []string
}

// gain is a figure beside that of the stage before.
type gain struct {
	What, Before, After string
	Factor              factor
	Why                 string
}

// limits returns what the run simulated, in words.
func (b *builder) limits(name string) (l stage.Limits) {
	s := b.r.Run.Settings
	l.Heavy, l.Last = span(float64(s.HeavyDelayMs)/1000), span(float64(s.SlowQueryDelayMs)/1000)
	l.Uplink = size(float64(s.UplinkBytes)) + "/s"
	l.Slots, l.Connections = s.HeavySlots, s.DBPool
	for _, s := range b.r.Run.Stages {
		if s.Name == name {
			l.Replicas = s.Replicas
		}
	}
	return l
}

// chapters returns those of the stages that were measured, in order.
func (b *builder) chapters() (all []chapter) {
	names := b.r.Stages()
	for i, name := range names {
		one := stage.Named(name)
		c := chapter{Number: i + 1, Stage: name, Changed: name}
		if one.Changed != nil {
			c.Changed, c.Then = one.Changed(b.limits(name)), one.Then(b.limits(name))
		}
		before := one.On
		if before == "" && i > 0 {
			before = names[i-1]
		}
		if slices.Contains(names, before) {
			c.Gains, c.Costs = b.gains(before, one), b.costs(before, name)
		}
		all = append(all, c)
	}
	return all
}

// valueWithErrors writes a figure's mean, with the errors of the load that it is of.
func (b *builder) valueWithErrors(f figures.Figure) string {
	load := figures.Key(strings.TrimSuffix(string(f.Name), "/rate"))
	return value(f) + b.errors(f.Stage, load.Errors())
}

func (b *builder) gains(before string, one stage.Stage) (gains []gain) {
	for _, g := range one.Gains {
		was, ok := b.r.Get(before, g.Key)
		now, both := b.r.Get(one.Name, g.Key)
		if !ok || !both {
			continue
		}
		entry := gain{What: g.What, Before: b.valueWithErrors(was), After: b.valueWithErrors(now),
			Factor: factorOf(was, now)}
		switch {
		case entry.Factor.Better():
			entry.Why = g.Why
		case g.OnlyProcessor && b.r.Run.Driver == "local":
			entry.Why = fmt.Sprintf("without delays only the processor is a limit, and all replicas share this "+
				"machine's %d", b.r.Run.Machine.CPUs)
		}
		gains = append(gains, entry)
	}
	return gains
}

// costs returns what a stage takes more than the one before.
func (b *builder) costs(before, stage string) (costs []string) {
	memory := func(stage string) (sum float64, parts []string) {
		for _, f := range b.r.Figures {
			if part, ok := figures.MemoryGroup.Has(f.Name); ok && f.Stage == stage {
				sum += f.Mean
				parts = append(parts, part)
			}
		}
		return sum, parts
	}
	was, oldParts := memory(before)
	now, parts := memory(stage)
	if now > 0 && was > 0 {
		costs = append(costs, fmt.Sprintf("memory: %s MB, before %s MB", figures.Round(now), figures.Round(was)))
	}
	var added []string
	for _, part := range parts {
		if !strings.Contains(strings.Join(oldParts, " ")+" ", part+" ") {
			added = append(added, part)
		}
	}
	if len(added) > 0 {
		things := "one more thing to run: "
		if len(added) > 1 {
			things = fmt.Sprintf("%d more things to run: ", len(added))
		}
		costs = append(costs, things+list(added))
	}
	if was, now := b.cpu(before), b.cpu(stage); was > 0 && now > 0 {
		costs = append(costs,
			fmt.Sprintf("processor time for 1,000 requests of the 80/20 mix: %s, before %s", span(now), span(was)))
	}
	if f, ok := b.r.Get(stage, figures.FreshEverywhereP99); ok {
		if old, ok := b.r.Get(before, figures.FreshEverywhereP99); ok {
			costs = append(costs,
				fmt.Sprintf("a write until every replica answers it, p99: %s, before %s",
					value(f)+b.errors(stage, figures.FreshErrors), value(old)+b.errors(before, figures.FreshErrors)))
		}
	}
	return costs
}

// cpu returns the processor time of all servers for 1,000 requests, in seconds.
func (b *builder) cpu(stage string) (sum float64) {
	for _, f := range b.r.Figures {
		if _, has := figures.CPUGroup.Has(f.Name); has && f.Stage == stage {
			sum += f.Mean
		}
	}
	return sum
}

// headline is a figure of the first stage beside that of the last which has it.
type headline struct{ What, Before, After, Note string }

func (b *builder) headlines() (all []headline) {
	for _, line := range b.headlineFigures() {
		first, last := b.r.Ends(line.key)
		if first.Name == "" {
			continue
		}
		h := headline{What: line.what, After: b.valueWithErrors(last), Note: line.note}
		if first.Stage != last.Stage {
			h.Before = b.valueWithErrors(first)
			if f := factorOf(first, last); f.Words != "" {
				h.Note = strings.TrimSuffix(f.Words+"; "+line.note, "; ")
			}
		}
		all = append(all, h)
	}
	return all
}

// headlineFigure is a figure of the headline, and its caption.
type headlineFigure struct {
	key        figures.Key
	what, note string
}

func (b *builder) headlineFigures() []headlineFigure {
	objective := fmt.Sprintf("highest rate, p99 under %d ms", b.r.Run.Settings.ObjectiveMs)
	return []headlineFigure{
		{figures.Throughput("heavy", 64), "heavy, 64 at once", ""},
		{figures.Throughput("last", 64), "last product, 64 at once", ""},
		{figures.Page, "page with its picture", ""},
		{figures.Sustained(500).Rate(), "80/20 mix, 500 at once", "published: " + figures.Round(studyBest()) + "/s"},
		{figures.Objective, objective, ""},
	}
}
