package main

import (
	"fmt"
	"math"
	"time"
)

// Observation is what was seen of the service at one time.
type Observation struct {
	At time.Time
	// Wanted is how many replicas the service is to have, Running how many of them are healthy.
	Wanted, Running int
	// Busy is why nobody may scale now, such as an update under way; empty for no reason.
	Busy string
	// Figures are what Prometheus has measured; nil where it said nothing, and Missing is why.
	Figures *Figures
	Missing string
	// Set is the number of replicas that this program asked for after this observation; 0 for none.
	Set int
}

// Figures are of all replicas together.
type Figures struct {
	// Age is how old the oldest of them is.
	Age time.Duration
	// Targets is how many replicas they are of.
	Targets int
	// InFlight is how many requests were being answered on average over the window, by the time that they took; Now
	// is how many are at this moment.
	InFlight, Now float64
	// Rate is how many requests a second were answered, over the window.
	Rate float64
	// Processor is how many processors are in use, over the window.
	Processor float64
	// P99 is what 99 of 100 calls without a simulated delay took at most, over the window; 0 without any call.
	P99 time.Duration
	// Oldest is for how long the oldest order has been waiting to be validated.
	Oldest time.Duration
}

// Decision is how many replicas there are to be, and why.
type Decision struct {
	// Replicas is the number that was last observed where nothing is to be done.
	Replicas int
	// Act reports whether the service is to be scaled.
	Act    bool
	Reason string
}

const (
	// more and fewer are the parts of what the replicas are meant to carry beyond which there are to be more of them,
	// and within which fewer would have to do: between the two nothing happens.
	more, fewer = 1.1, 0.9
	// growth is how many times as many replicas there are at most after one step, and as few.
	growth = 2
)

// Decide returns how many replicas there are to be, by the observations, the newest last. It goes by these alone:
// the same ones always give the same. Without figures that are whole, fresh and of every replica it does nothing.
func Decide(observations []Observation, s Settings) Decision {
	if len(observations) == 0 {
		return Decision{Reason: "nothing was seen yet"}
	}
	now := observations[len(observations)-1]
	hold := func(format string, args ...any) Decision {
		return Decision{Replicas: now.Wanted, Reason: fmt.Sprintf(format, args...)}
	}
	scale := func(n int, format string, args ...any) Decision {
		return Decision{Replicas: n, Act: true, Reason: fmt.Sprintf(format, args...)}
	}
	if why := unusable(now, s); why != "" {
		return hold("%s", why)
	}
	changed := lastChange(observations)
	if now.Wanted < s.Min {
		return scale(s.Min, "%d are fewer than the least, %d", now.Wanted, s.Min)
	}
	if since := now.At.Sub(changed.at); since < s.Settle && changed.from != 0 {
		return hold("%s %s ago: its effect is awaited for %s", changed, since.Round(time.Second), s.Settle)
	}
	if n, why := s.up(observations, changed.at); n > now.Wanted {
		return scale(n, "%s", why)
	} else if why != "" {
		return hold("%s", why)
	}
	n, why := s.down(observations, changed)
	if n < now.Wanted {
		return scale(n, "%s", why)
	}
	return hold("%s", why)
}

// unusable returns why nothing may be decided by an observation; empty if it may.
func unusable(l Observation, s Settings) string {
	f := l.Figures
	switch {
	case l.Busy != "":
		return l.Busy
	case l.Wanted == 0:
		return "somebody scaled it to none: that is left as it is"
	case l.Running != l.Wanted:
		return fmt.Sprintf("%d of %d replicas are healthy: the others are awaited", l.Running, l.Wanted)
	case f == nil:
		return "no figures: " + l.Missing
	case f.Targets != l.Wanted:
		return fmt.Sprintf("no figures: Prometheus has those of %d of %d replicas", f.Targets, l.Wanted)
	case f.Age > s.Stale || f.Age < 0:
		return fmt.Sprintf("no figures: the oldest are from %s ago, and %s is the most", f.Age.Round(time.Second),
			s.Stale)
	case !whole(f.InFlight) || !whole(f.Now) || !whole(f.Rate) || !whole(f.Processor) || f.P99 < 0 || f.Oldest < 0:
		return fmt.Sprintf("no figures: Prometheus has some that are no numbers (%v)", *f)
	}
	return ""
}

// whole reports whether a figure is a number that there can be.
func whole(x float64) bool { return x >= 0 && x < math.MaxInt32 } // false for NaN

// change is when the number of replicas was another one for the last time.
type change struct {
	at       time.Time
	from, to int // 0 from: no other number was seen
	byHand   bool
}

func (c change) String() string {
	if c.byHand {
		return fmt.Sprintf("somebody else scaled %d to %d", c.from, c.to)
	}
	return fmt.Sprintf("scaled %d to %d", c.from, c.to)
}

// lastChange returns the last change, at the first observation that saw it, or saw that what was asked for has not
// come; without any, the first observation of all.
func lastChange(observations []Observation) change {
	for i := len(observations) - 1; i > 0; i-- {
		from, set, to := observations[i-1].Wanted, observations[i-1].Set, observations[i].Wanted
		switch {
		case set != 0 && set != to:
			return change{at: observations[i].At, from: set, to: to, byHand: true}
		case from != to:
			return change{at: observations[i].At, from: from, to: to, byHand: set == 0}
		}
	}
	return change{at: observations[0].At, to: observations[0].Wanted}
}

// window returns the observations of the last d. It is nil where they began later, where one of them cannot be used, or
// where two are too far apart.
func (s Settings) window(observations []Observation, since time.Time, d time.Duration) []Observation {
	now := observations[len(observations)-1].At
	for i := len(observations) - 1; i >= 0; i-- {
		l := observations[i]
		gap := i+1 < len(observations) && observations[i+1].At.Sub(l.At) > s.Stale
		if l.At.Before(since) || gap || unusable(l, s) != "" {
			return nil
		}
		if now.Sub(l.At) >= d {
			return observations[i:]
		}
	}
	return nil
}

// up returns how many replicas there are to be, and why, where what there are do not suffice; a reason alone where they
// do not and nothing is done about it, and neither where they do.
func (s Settings) up(observations []Observation, changed time.Time) (int, string) {
	window := s.window(observations, changed, s.UpAfter)
	if window == nil {
		return 0, ""
	}
	now := window[len(window)-1]
	n := now.Wanted
	need, why := s.pressed(now)
	for _, l := range window {
		if least, _ := s.pressed(l); least <= float64(n)*more {
			return 0, ""
		}
	}
	if n >= s.Max {
		return n, fmt.Sprintf("%s, but %d is the most", why, s.Max)
	}
	if left, ok := s.drains(window); ok {
		return n, fmt.Sprintf("%s, which fall: they are gone in %s", why, left.Round(time.Second))
	}
	if comes := s.arrivals(window); comes < need {
		need = comes
		why = fmt.Sprintf("%s; what comes is the work of %.1f", why, comes*fewer)
	}
	return min(max(int(math.Ceil(need)), n+1), growth*n, s.Max), why
}

// arrivals returns how many replicas would carry what comes, with some to spare. What is in flight does not say that
// once it waits in queues: those have what the replicas did not carry so far. What comes is what they answer, and by
// how much the queues grow. It is infinite where that is not known, or where it is for another reason that there are to
// be more.
func (s Settings) arrivals(window []Observation) float64 {
	first, last := window[0], window[len(window)-1]
	f, took := last.Figures, last.At.Sub(first.At).Seconds()
	if by, _ := s.load(0, f); f.Rate <= 0 || took <= 0 || by > float64(last.Wanted)*more {
		return math.Inf(1)
	}
	grows := (f.Now - first.Figures.Now) / took
	return float64(last.Wanted) * max(1+grows/f.Rate, 0) / fewer
}

// pressed returns how many replicas an observation calls for in order to grow, and why. What is in flight counts only
// where it has been and still is. What is slow or late calls for one more, where the replicas have something to do at
// all.
func (s Settings) pressed(l Observation) (need float64, why string) {
	f, n := l.Figures, float64(l.Wanted)
	need, why = s.load(min(f.InFlight, f.Now), f)
	one := n + 1
	if need >= one {
		return need, why
	}
	if busy, _ := s.load(f.InFlight, f); f.P99 > s.P99 && busy > n/2 {
		return one, fmt.Sprintf("99 of 100 calls take up to %s, and %s is the most", f.P99.Round(time.Millisecond),
			s.P99)
	}
	if f.Oldest > s.Orders {
		return one, fmt.Sprintf("an order waits for %s, and %s is the most", f.Oldest.Round(time.Second), s.Orders)
	}
	return need, why
}

// load returns how many replicas the load calls for: the most that one of the figures does, and which.
func (s Settings) load(inFlight float64, f *Figures) (need float64, why string) {
	need = inFlight / s.InFlight
	why = fmt.Sprintf("%.1f requests are in flight, and a replica is to have %g", inFlight, s.InFlight)
	if by := f.Processor / s.Processor; by > need {
		need = by
		why = fmt.Sprintf("%.1f processors are in use, and a replica is to use %g", f.Processor, s.Processor)
	}
	return need, why
}

// drains reports whether what is in flight falls so fast that the replicas that are there are through with it before
// long, and how long that takes.
func (s Settings) drains(window []Observation) (time.Duration, bool) {
	first, last := window[0], window[len(window)-1]
	took := last.At.Sub(first.At)
	fell := first.Figures.Now - last.Figures.Now
	if by, _ := s.load(0, last.Figures); fell <= 0 || took <= 0 || by > float64(last.Wanted)*more {
		return 0, false // or it is the processor
	}
	over := last.Figures.Now - float64(last.Wanted)*s.InFlight
	left := time.Duration(max(over, 0) / fell * float64(took))
	return left, left <= s.Drain
}

// down returns how many replicas would do for what there was, and why; never more than there are.
func (s Settings) down(observations []Observation, c change) (int, string) {
	now := observations[len(observations)-1]
	_, calm := s.load(now.Figures.InFlight, now.Figures)
	if now.Wanted <= s.Min {
		return now.Wanted, calm
	}
	window := s.window(observations, c.at, s.DownAfter)
	if window == nil {
		return now.Wanted, fmt.Sprintf("%s; for fewer than %d, it has to be so for %s without a change or a gap",
			calm, now.Wanted, s.DownAfter)
	}
	for _, l := range window {
		if why := s.pained(l); why != "" {
			return now.Wanted, why
		}
	}
	if now.Wanted > s.Max {
		return s.Max, fmt.Sprintf("%d are more than the most, %d", now.Wanted, s.Max)
	}
	n, why := s.fewest(window)
	later := window
	for len(later) > 1 && later[0].At.Sub(window[0].At) < s.Settle {
		later = later[1:]
	}
	if soon, _ := s.fewest(later); n < now.Wanted && soon < n {
		return now.Wanted, fmt.Sprintf("%s; %d would do, and %d before long", calm, n, soon)
	}
	return n, fmt.Sprintf("at most %s, for %s", why, s.DownAfter)
}

// fewest returns how few replicas, in one step, would have done for all observations, and why.
func (s Settings) fewest(observations []Observation) (int, string) {
	need, why := 0.0, ""
	for _, l := range observations {
		if this, of := s.load(l.Figures.InFlight, l.Figures); this >= need {
			need, why = this, of
		}
	}
	now := observations[len(observations)-1].Wanted
	return min(now, max(int(math.Ceil(need/fewer)), (now+growth-1)/growth, s.Min)), why
}

// pained returns what was slow or late at an observation; empty for nothing.
func (s Settings) pained(l Observation) string {
	switch f := l.Figures; {
	case f.P99 > s.P99:
		return fmt.Sprintf("99 of 100 calls took up to %s within %s", f.P99.Round(time.Millisecond), s.DownAfter)
	case f.Oldest > s.Orders:
		return fmt.Sprintf("an order waited for %s within %s", f.Oldest.Round(time.Second), s.DownAfter)
	}
	return ""
}
