package report

import (
	"fmt"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/figures"
)

// chapter is what the report tells of a stage.
type chapter struct {
	Number               int
	Stage, Changed, Then string
	Gains                []gain
	Costs                []string
}

// gain is a figure beside that of the stage before.
type gain struct{ What, Before, After, Factor, Why string }

// changed is what a stage is, and what that does about the simulated limits.
func (b *builder) changed(stage string) (changed, then string) {
	s := b.r.Run.Settings
	heavy, last := span(float64(s.HeavyDelayMs)/1000), span(float64(s.SlowQueryDelayMs)/1000)
	uplink := size(float64(s.UplinkBytes)) + "/s"
	switch stage {
	case "baseline":
		return "One replica of the API behind the proxy, one database, no cache; the page and its files come from the front.",
			fmt.Sprintf("Three limits are simulated: a heavy call computes for %s in one of the replica's %d slots, the last product's query holds one of its %d database "+
				"connections for %s, and a connection to the front carries %s.", heavy, s.HeavySlots, s.DBPool, last, uplink)
	case "replicas":
		return fmt.Sprintf("The same, with %d replicas of the API behind the proxy.", b.replicas(stage)),
			"More replicas have more slots and more database connections, so more callers are served at once. One caller alone waits as long as before."
	case "redis":
		return "A cache-aside in Redis that all replicas share, a near cache in each, and writes that invalidate both before they are acknowledged.",
			"The simulated delays are paid by the first caller of an answer, and by nobody while it is kept: a hit needs no slot and no database connection."
	case "cdn":
		return "The page's files come from an edge cache; the API is as before.",
			fmt.Sprintf("The front's simulated uplink of %s is no longer in the way of the picture: the edge has it and sends it without that limit.", uplink)
	}
	return stage, ""
}

func (b *builder) replicas(stage string) int {
	for _, s := range b.r.Run.Stages {
		if s.Name == stage {
			return s.Replicas
		}
	}
	return 0
}

// told are the figures that each stage's chapter looks at, with the reason that the report gives when one
// of them became better.
var told = []struct {
	stages, name, what, why string
}{
	{"replicas redis", "throughput/heavy/64", "heavy, 64 at once", "replicas: as many slots as there are replicas times the slots of each|redis: a hit does not wait for a slot, so the simulated computing time went away"},
	{"replicas redis", "throughput/last/64", "last product, 64 at once", "replicas: each replica brings its own database connections|redis: a hit asks no database, so the simulated query time went away"},
	{"replicas redis", "table/five_heavy", "five heavy calls, different names", "replicas: they no longer queue for one replica's slots"},
	{"redis", "table/heavy_hit", "heavy, asked again", "redis: kept, so the simulated computing time is not paid again"},
	{"redis", "table/last_hit", "last product, asked again", "redis: kept, so the simulated query time is not paid again"},
	{"replicas redis", "sustained/500/rate", "80% reads, 20% writes, 500 at once", "redis: most reads never reach the database"},
	{"replicas redis", "objective/rate", "highest rate with p99 in time, no errors", ""},
	{"cdn", "table/page", "whole page with its picture", "cdn: the simulated uplink is no longer in the way"},
	{"cdn", "table/page_browser", "the same in Chromium", "cdn: the simulated uplink is no longer in the way"},
}

// chapters tell the stages that were measured, in order.
func (b *builder) chapters() (all []chapter) {
	stages := b.r.Stages()
	for i, stage := range stages {
		c := chapter{Number: i + 1, Stage: stage}
		c.Changed, c.Then = b.changed(stage)
		if i > 0 {
			c.Gains = b.gains(stages[i-1], stage)
			c.Costs = b.costs(stages[i-1], stage)
		}
		all = append(all, c)
	}
	return all
}

func (b *builder) gains(before, stage string) (gains []gain) {
	for _, t := range told {
		if !strings.Contains(t.stages, stage) {
			continue
		}
		was, ok := b.r.Get(before, t.name)
		now, both := b.r.Get(stage, t.name)
		if !ok || !both {
			continue
		}
		g := gain{What: t.what, Before: value(was), After: value(now), Factor: factor(was, now)}
		switch {
		case strings.HasSuffix(g.Factor, "better"):
			g.Why = whyOf(t.why, stage)
		case stage == "replicas" && b.r.Run.Driver == "local" && !strings.HasPrefix(t.name, "table/"):
			g.Why = fmt.Sprintf("without delays only the processor is a limit, and all replicas share this machine's %d", b.r.Run.Machine.CPUs)
		}
		gains = append(gains, g)
	}
	return gains
}

func whyOf(why, stage string) string {
	for part := range strings.SplitSeq(why, "|") {
		if of, words, ok := strings.Cut(part, ": "); ok && of == stage {
			return words
		}
	}
	return ""
}

// costs are what a stage takes more than the one before.
func (b *builder) costs(before, stage string) (costs []string) {
	memory := func(stage string) (sum float64, parts []string) {
		for _, f := range b.r.Figures {
			if part, ok := strings.CutPrefix(f.Name, "cost/memory/"); ok && f.Stage == stage {
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
		costs = append(costs, "one more thing to run: "+list(added))
	}
	if was, now := b.cpu(before), b.cpu(stage); was > 0 && now > 0 {
		costs = append(costs, fmt.Sprintf("processor time for 1,000 requests of the 80/20 mix: %s, before %s", span(now), span(was)))
	}
	if f, ok := b.r.Get(stage, "fresh/everywhere/p99"); ok {
		if old, ok := b.r.Get(before, "fresh/everywhere/p99"); ok {
			costs = append(costs, fmt.Sprintf("a write until every replica answers it, p99: %s, before %s", value(f), value(old)))
		}
	}
	return costs
}

// cpu is the processor time of all servers for 1,000 requests, in seconds.
func (b *builder) cpu(stage string) (sum float64) {
	for _, f := range b.r.Figures {
		if f.Stage == stage && strings.HasPrefix(f.Name, "cost/cpu/") {
			sum += f.Mean
		}
	}
	return sum
}

// headline is a figure of the first stage beside that of the last which has it.
type headline struct{ What, Before, After, Note string }

func (b *builder) headlines() (all []headline) {
	stages := b.r.Stages()
	add := func(name, what string, note func(last figures.Figure) string) {
		var first, last figures.Figure
		for _, stage := range stages {
			if f, ok := b.r.Get(stage, name); ok {
				if first.Name == "" {
					first = f
				}
				last = f
			}
		}
		if first.Name == "" {
			return
		}
		h := headline{What: what, After: value(last), Note: note(last)}
		if first.Stage != last.Stage {
			h.Before = value(first)
			if h.Note == "" {
				h.Note = factor(first, last)
			}
		}
		all = append(all, h)
	}
	nothing := func(figures.Figure) string { return "" }
	add("throughput/heavy/64", "heavy, 64 at once", nothing)
	add("throughput/last/64", "last product, 64 at once", nothing)
	add("table/page", "page with its picture", nothing)
	add("sustained/500/rate", "80/20 mix, 500 at once", func(last figures.Figure) string {
		return "published: " + figures.Round(studyBalanced) + "/s"
	})
	add("objective/rate", fmt.Sprintf("highest rate, p99 under %d ms", b.r.Run.Settings.ObjectiveMs), nothing)
	return all
}
