package report

import (
	"fmt"
	"math"
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

// What factor says of figures that are near each other, or that three repeats cannot tell apart.
const (
	noNews  = "as before"
	tooWide = "spread too wide to tell"
)

// factor says how many times better the newer value is; empty when that is no news.
func factor(before, after figures.Figure) string {
	if before.Mean <= 0 || after.Mean <= 0 {
		return ""
	}
	times := after.Mean / before.Mean
	if before.Better == figures.Less {
		times = 1 / times
	}
	switch {
	case math.Abs(times-1) < .05:
		return noNews
	case len(before.Values) > 1 && len(after.Values) > 1 && !figures.Apart(before, after):
		return tooWide
	case times > 1:
		return figures.Round(times) + " times better"
	}
	return figures.Round(1/times) + " times worse"
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

// plural is n with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
