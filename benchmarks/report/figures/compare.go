package figures

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Difference is how a figure went from an older run to a newer one.
type Difference struct {
	Stage    string
	Name     Key
	Unit     string
	Old, New Figure
	// Change is the newer mean over the older one, less one; infinite from zero.
	Change float64
	// Noise is how far the means may lie apart by chance, as a part of the older one: within it, nothing
	// is judged. NaN when a run has too few repeats to know.
	Noise float64
	// Mark is what to make of it.
	Mark Mark
}

// Mark is what to make of a difference.
type Mark string

const (
	// Same is within the noise.
	Same Mark = ""
	// BetterNow and WorseNow are beyond it.
	BetterNow Mark = "better"
	WorseNow  Mark = "worse"
	// Moved is beyond it too, for a figure that has no better or worse.
	Moved Mark = "moved"
	// Unjudged has too few repeats for its noise to be known.
	Unjudged Mark = "n=1"
)

// Comparison is what two runs differ in.
type Comparison struct {
	// Conditions are what was not the same for both, in words: settings, machine.
	Conditions  []string
	Differences []Difference
	// Gone are the figures that only the older run has.
	Gone []string
	// CannotTell are the figures that matter whose mean is worse by more than the threshold, which is within the noise,
	// in words.
	CannotTell []string
	// TooNoisy is how many figures that matter are within a noise of more than the threshold: a change of as much would
	// not be seen in them.
	TooNoisy int
	// Failures are why the newer run does not pass, or cannot be compared.
	Failures []string
}

// judged returns the groups of figures that a comparison fails on. Others, tails and processor time among
// them, move by more than a threshold between two equal runs, and are shown only.
func judged(name Key) bool {
	group, rest, _ := strings.Cut(string(name), "/")
	switch Group(group) {
	case TableGroup:
		return !strings.Contains(rest, "/")
	case ThroughputGroup, MixGroup, SustainedGroup:
		return strings.Count(rest, "/") == 1 && !strings.HasSuffix(rest, "/p99") || isErrors(name)
	case ObjectiveGroup:
		return true
	}
	return false
}

// isErrors reports whether a figure is the errors of a load.
func isErrors(name Key) bool { return strings.HasSuffix(string(name), "/errors") }

// Compare compares two runs. It fails when one of them is not valid or did not come to its end, when no figure of those
// that matter could be judged, and when one of them is gone from the newer run, or is worse there beyond the noise and
// by more than threshold, a part of the older mean. Errors where there were none fail it, however few.
func Compare(older, newer *Results, threshold float64) Comparison {
	c := Comparison{Conditions: conditions(older, newer)}
	c.unusable("older", older)
	c.unusable("newer", newer)
	compared := false
	measured, gone := newer.Stages(), map[string]bool{}
	for _, was := range older.Figures {
		now, ok := newer.Get(was.Stage, was.Name)
		if !ok && !slices.Contains(measured, was.Stage) {
			if !gone[was.Stage] {
				c.Failures = append(c.Failures, was.Stage+": only the older run measured the stage")
			}
			gone[was.Stage] = true
			continue
		}
		if !ok {
			c.Gone = append(c.Gone, was.Stage+" "+string(was.Name))
			if judged(was.Name) {
				c.Failures = append(c.Failures, fmt.Sprintf("%s %s: only the older run has it", was.Stage, was.Name))
			}
			continue
		}
		d := difference(was, now)
		c.Differences = append(c.Differences, d)
		if judged(d.Name) {
			compared = compared || d.Mark != Unjudged
			c.judge(d, threshold)
		}
	}
	if !compared {
		c.Failures = append(c.Failures, "no figure of those that matter was measured by both, more than once")
	}
	return c
}

// judge adds what a figure that matters says against the newer run.
func (c *Comparison) judge(d Difference, threshold float64) {
	words := fmt.Sprintf("%s %s: %s", d.Stage, d.Name, d.Words())
	if d.Mark == Same && d.Noise > threshold && !math.IsInf(d.Noise, 0) {
		c.TooNoisy++
	}
	worse := math.Abs(d.Change) > threshold && (d.Change > 0) == (d.Old.Better == Less)
	switch {
	case d.Mark == WorseNow && worse:
		c.Failures = append(c.Failures, words)
	case isErrors(d.Name): // of which there were some: a tenth of them is nothing to doubt a run for
	case d.Mark == Same && worse:
		c.CannotTell = append(c.CannotTell, fmt.Sprintf("%s, and may be so by chance (noise ±%.0f%%)", words,
			100*d.Noise))
	}
}

// unusable adds why a run cannot be compared with another one, if so.
func (c *Comparison) unusable(which string, r *Results) {
	for _, reason := range r.Invalid {
		c.Failures = append(c.Failures, "the "+which+" run is invalid: "+reason)
	}
	if broken := r.Run.Broken(); broken != "" {
		c.Failures = append(c.Failures, "the "+which+" run "+broken)
	}
}

func difference(was, now Figure) Difference {
	d := Difference{Stage: was.Stage, Name: was.Name, Unit: was.Unit, Old: was, New: now}
	switch {
	case was.Mean != 0:
		d.Change = now.Mean/was.Mean - 1
	case now.Mean != 0:
		d.Change = math.Inf(1)
	}
	if isErrors(was.Name) && was.Mean == 0 && now.Mean > 0 { // no chance makes errors where there are none
		d.Noise, d.Mark = 0, WorseNow
		return d
	}
	if len(was.Values) < 2 || len(now.Values) < 2 {
		d.Noise, d.Mark = math.NaN(), Unjudged
		return d
	}
	apart, noise := now.Mean-was.Mean, noise(was, now)
	d.Noise = noise / math.Abs(was.Mean)
	switch {
	case math.Abs(apart) <= noise:
		d.Mark = Same
	case was.Better == "":
		d.Mark = Moved
	case (apart < 0) == (was.Better == Less):
		d.Mark = BetterNow
	default:
		d.Mark = WorseNow
	}
	return d
}

// leastDeviation is the least standard deviation, as a part of the mean, that a figure is believed to
// have: three repeats may agree by luck.
const leastDeviation = 0.02

// noise returns how far two means may lie apart by chance in 99 of 100 comparisons: Welch's test, with each
// deviation at least leastDeviation.
func noise(a, b Figure) float64 {
	part := func(f Figure) float64 {
		deviation := max(f.Deviation, leastDeviation*math.Abs(f.Mean))
		return deviation * deviation / float64(len(f.Values))
	}
	va, vb := part(a), part(b)
	if va+vb == 0 {
		return 0
	}
	freedom := (va + vb) * (va + vb) / (va*va/float64(len(a.Values)-1) + vb*vb/float64(len(b.Values)-1))
	return student99(freedom) * math.Sqrt(va+vb)
}

// student99 returns the two-sided 99% quantile of Student's distribution, for degrees of freedom from one;
// between those in the table it returns the one of the fewer.
func student99(freedom float64) float64 {
	table := []float64{63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169}
	switch n := int(freedom + 1e-9); {
	case n < 1:
		return table[0]
	case n <= len(table):
		return table[n-1]
	case n < 20:
		return 3.106
	}
	return 2.845
}

// Words returns the two values with their spread, and the change.
func (d Difference) Words() string {
	words := fmt.Sprintf("%s -> %s %s", Words(d.Old), Words(d.New), d.Unit)
	if !math.IsInf(d.Change, 0) {
		words += fmt.Sprintf(" (%+.1f%%)", 100*d.Change)
	}
	return words
}

// Words returns a figure's mean and, where it has one, its deviation.
func Words(f Figure) string {
	if len(f.Values) < 2 {
		return Round(f.Mean)
	}
	return PlusMinus(f.Mean, f.Deviation)
}

// PlusMinus writes a mean and its deviation to the same digit.
func PlusMinus(mean, deviation float64) string {
	digits := digits(mean)
	return number(mean, digits) + " ± " + number(deviation, digits)
}

// Round writes a number with three digits that matter, or as a whole number from 1,000 on.
func Round(v float64) string { return number(v, digits(v)) }

// digits returns how many decimals three digits that matter take.
func digits(v float64) int {
	if v == 0 {
		return 0
	}
	return max(0, 2-int(math.Floor(math.Log10(math.Abs(v))+1e-3)))
}

func number(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', min(decimals, 6), 64)
	if math.Abs(v) < 1000 {
		return text
	}
	return thousands(text)
}

// thousands puts the thousands of a whole number apart.
func thousands(digits string) string {
	sign := strings.TrimRight(digits, "0123456789")
	digits = strings.TrimPrefix(digits, sign)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// conditions returns the settings and the machine's properties in which two runs differ.
func conditions(older, newer *Results) (differ []string) {
	compare := func(what string, was, now any) {
		if !reflect.DeepEqual(was, now) {
			differ = append(differ, fmt.Sprintf("%s: %v -> %v", what, was, now))
		}
	}
	compare("profile", older.Run.Profile, newer.Run.Profile)
	compare("driver", older.Run.Driver, newer.Run.Driver)
	compare("target", older.Run.Target, newer.Run.Target)
	fields := func(of string, was, now any) {
		a, b := reflect.ValueOf(was), reflect.ValueOf(now)
		for i := range a.NumField() {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			compare(of+name, a.Field(i).Interface(), b.Field(i).Interface())
		}
	}
	fields("", older.Run.Settings, newer.Run.Settings)
	fields("", older.Run.Machine, newer.Run.Machine)
	fields("generator's ", older.Run.Generator, newer.Run.Generator)
	names := map[string]bool{}
	for _, versions := range []map[string]string{older.Run.Versions, newer.Run.Versions} {
		for name := range versions {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		compare(name, older.Run.Versions[name], newer.Run.Versions[name])
	}
	return differ
}
