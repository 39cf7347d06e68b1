package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// none stands where nothing was measured or published.
const none = "–"

// span writes a time: 1.76 s, 31 ms, 0.9 ms.
func span(seconds float64) string {
	switch {
	case seconds <= 0:
		return none
	case seconds < 1:
		return figures.Round(seconds*1000) + " ms"
	}
	return figures.Round(seconds) + " s"
}

// size writes a number of bytes.
func size(bytes float64) string {
	switch {
	case bytes >= 1e9:
		return figures.Round(bytes/1e9) + " GB"
	case bytes >= 1e6:
		return figures.Round(bytes/1e6) + " MB"
	case bytes >= 1e3:
		return figures.Round(bytes/1e3) + " kB"
	}
	return fmt.Sprintf("%.0f B", bytes)
}

// value writes a figure's mean in its unit.
func value(f figures.Figure) string {
	switch f.Unit {
	case "s":
		return span(f.Mean)
	case "1/s":
		return figures.Round(f.Mean) + "/s"
	case "B":
		return size(f.Mean)
	case "":
		return figures.Round(f.Mean)
	}
	return figures.Round(f.Mean) + " " + f.Unit
}

// withSpread adds the deviation where there is one.
func withSpread(f figures.Figure) string {
	if len(f.Values) < 2 || f.Deviation == 0 {
		return value(f)
	}
	if f.Unit == "s" && f.Mean < 1 {
		return figures.PlusMinus(1000*f.Mean, 1000*f.Deviation) + " ms"
	}
	unit := map[string]string{"1/s": "/s", "": ""}
	word, ok := unit[f.Unit]
	if !ok {
		word = " " + f.Unit
	}
	return figures.PlusMinus(f.Mean, f.Deviation) + word
}

// factor is how many times better a stage's figure is than another's, as text and as a colour.
type factor struct {
	Words string
	// Class is "", even or worse; "" is better.
	Class string
}

// Better reports whether the newer figure is better, beyond doubt or by twice.
func (f factor) Better() bool { return f.Words != "" && f.Class == "" }

const (
	// asBefore is how far an interval may reach for two figures to be called the same, as a part of one.
	asBefore = .1
	// alwaysReported is the ratio from which a difference is reported whatever its interval: a reader expects a factor
	// of two to be mentioned, with how sure it is.
	alwaysReported = 2
)

// factorOf returns how many times better the newer figure is, with the interval of that, and how many rounds are left
// out since one of the two is zero; nothing where the two were never measured in one round.
func factorOf(before, after figures.Figure) factor {
	r, ok := figures.RatioOf(before, after)
	if !ok {
		return factor{}
	}
	if before.Better == figures.Less {
		r = r.Inverse()
	}
	f := factorIn(r)
	if r.Zeros > 0 {
		f.Words += "; left out is " + plural(r.Zeros, "round") + " in which one of the two is zero"
	}
	return f
}

// factorIn returns a ratio, of which more is better, in words.
func factorIn(r figures.Ratio) factor {
	switch times, sure := max(r.Times, 1/r.Times), r.Certain(); {
	case len(r.Rounds) > 1 && r.Low > 1-asBefore && r.High < 1+asBefore:
		return factor{fmt.Sprintf("as before (%s to %s)", figures.Round(r.Low), figures.Round(r.High)), "even"}
	case len(r.Rounds) > 1 && !sure && times < alwaysReported:
		return factor{
			fmt.Sprintf("no difference shown (%s to %s times)", figures.Round(r.Low), figures.Round(r.High)), "even"}
	}
	word, class := "better", ""
	if r.Times < 1 {
		r, word, class = r.Inverse(), "worse", "worse"
	}
	interval := figures.Round(r.Low) + " to " + figures.Round(r.High)
	switch {
	case len(r.Rounds) == 1:
		interval = "one round"
	case !r.Certain():
		interval += ", the rounds differ"
	}
	return factor{fmt.Sprintf("%s times %s (%s)", figures.Round(r.Times), word, interval), class}
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// count writes a whole number with its thousands apart.
func count(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return figures.Round(float64(n))
}

// plural returns n with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
