package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// Plots are drawn on a small sheet, so that their words can be read on a phone; a wide screen shows
// several beside each other. Colours are classes: the page's style has one set for light, one for dark.
const (
	sheetWidth, sheetHeight         = 420, 280
	marginLeft, marginRight         = 52, 14
	marginTop, marginBottom         = 28, 42
	plotRight, plotBottom           = sheetWidth - marginRight, sheetHeight - marginBottom
	plotWidth, plotHeight   float64 = plotRight - marginLeft, plotBottom - marginTop
)

// drawing is an SVG picture being drawn.
type drawing struct {
	strings.Builder
	height float64
}

func (d *drawing) f(format string, args ...any) { fmt.Fprintf(&d.Builder, format+"\n", args...) }

func (d *drawing) text(x, y float64, anchor, class, words string) {
	d.f(`<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, html.EscapeString(words))
}

// picture closes the drawing. label describes it to those who do not see it.
func (d *drawing) picture(label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %.0f" role="img" aria-label="%s">`+"\n", sheetWidth,
		d.height, html.EscapeString(label)) + d.String() + "</svg>")
}

// axis maps values to places.
type axis struct {
	low, high float64
	log       bool
	ticks     []float64
}

// logAxis spans whole decades around the values, which must be above zero.
func logAxis(values []float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	a := axis{low: math.Pow(10, math.Floor(math.Log10(low)+1e-9)),
		high: math.Pow(10, math.Ceil(math.Log10(high)-1e-9)), log: true}
	if a.low == a.high {
		a.high *= 10
	}
	for v := a.low; v <= a.high*1.001; v *= 10 {
		a.ticks = append(a.ticks, v)
	}
	return a
}

// linearAxis spans from zero to a round number above the values.
func linearAxis(values []float64) axis {
	high := 0.0
	for _, v := range values {
		high = max(high, v)
	}
	if high == 0 {
		high = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(high)))
	for _, part := range []float64{.2, .25, .5, 1} {
		if high/(step*part) <= 5 {
			step *= part
			break
		}
	}
	if high/step > 5 {
		step *= 2
	}
	a := axis{high: math.Ceil(high/step-1e-9) * step}
	for v := 0.0; v <= a.high+step/2; v += step {
		a.ticks = append(a.ticks, v)
	}
	return a
}

// at returns the part of the axis, from 0 to 1, at which a value stands.
func (a axis) at(v float64) float64 {
	if a.log {
		return math.Log(max(v, a.low)/a.low) / math.Log(a.high/a.low)
	}
	return (v - a.low) / (a.high - a.low)
}

func (a axis) y(v float64) float64 { return plotBottom - a.at(v)*plotHeight }

// scale draws the horizontal lines and their values.
func (d *drawing) scale(a axis, unit string) {
	for _, tick := range a.ticks {
		y := a.y(tick)
		d.f(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/>`, marginLeft, plotRight, y, y)
		d.text(marginLeft-6, y+4, "end", "tick", short(tick))
	}
	d.text(2, 10, "start", "unit", unit)
}

// short writes a tick's value: 20k for 20,000.
func short(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%gk", v/1000)
	}
	return fmt.Sprintf("%g", v)
}

// line is a series of a line plot.
type line struct {
	name, class string
	x, y        []float64
	words       []string // the title of each point
}

// lines draws series over named places of x, which are evenly apart, on a logarithmic scale.
func lines(label, unit, below string, places []float64, series []line) template.HTML {
	var values []float64
	for _, s := range series {
		values = append(values, s.y...)
	}
	if len(values) == 0 {
		return ""
	}
	d := &drawing{height: sheetHeight}
	a := logAxis(values)
	d.scale(a, unit)
	x := func(v float64) float64 {
		for i, place := range places {
			if place == v {
				return marginLeft + plotWidth*(float64(i)+.5)/float64(len(places))
			}
		}
		return marginLeft
	}
	for _, place := range places {
		d.text(x(place), plotBottom+17, "middle", "tick", short(place))
	}
	d.text(marginLeft+plotWidth/2, sheetHeight-6, "middle", "unit", below)
	for _, s := range series {
		points := make([]string, len(s.x))
		for i := range s.x {
			points[i] = fmt.Sprintf("%.1f,%.1f", x(s.x[i]), a.y(s.y[i]))
		}
		d.f(`<polyline points="%s" class="line %s"/>`, strings.Join(points, " "), s.class)
		for i := range s.x {
			d.f(`<circle cx="%.1f" cy="%.1f" r="4.5" class="dot %s"><title>%s</title></circle>`,
				x(s.x[i]), a.y(s.y[i]), s.class, html.EscapeString(s.words[i]))
		}
	}
	return d.picture(label)
}

// tailTicks are the parts of the answers that the latency plot names.
var tailTicks = []struct {
	q    float64
	name string
}{{.5, "50%"}, {.9, "90%"}, {.99, "99%"}, {.999, "99.9%"}, {.9999, "99.99%"}}

// tails draws latency curves: the farther right, the rarer. ceiling is drawn across, in milliseconds.
func tails(label string, curves []figures.Curve, classes []string, ceiling float64) template.HTML {
	values := []float64{ceiling}
	for _, curve := range curves {
		for _, p := range curve.Points {
			if p.Ms > 0 {
				values = append(values, p.Ms)
			}
		}
	}
	if len(curves) == 0 {
		return ""
	}
	d := &drawing{height: sheetHeight}
	a := logAxis(values)
	d.scale(a, "ms")
	x := func(q float64) float64 { // logarithmic in 1-q: 90%, 99% and 99.9% are equally far apart
		return marginLeft + plotWidth*min(1, -math.Log10(max(1-q, 1e-9))/4.4)
	}
	for _, tick := range tailTicks {
		d.text(x(tick.q), plotBottom+17, "middle", "tick", tick.name)
	}
	d.text(marginLeft+plotWidth/2, sheetHeight-6, "middle", "unit", "part of the answers that took at most so long")
	d.f(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="ceiling"/>`,
		marginLeft, plotRight, a.y(ceiling), a.y(ceiling))
	for i, curve := range curves {
		var points []string
		for _, p := range curve.Points {
			if p.Q < 1 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(p.Q), a.y(max(p.Ms, a.low))))
			}
		}
		d.f(`<polyline points="%s" class="line %s"><title>%s</title></polyline>`,
			strings.Join(points, " "), classes[i], html.EscapeString(curve.Stage))
	}
	return d.picture(label)
}

// bar is one column of a bar plot; group is where it stands, and value may have a spread.
type bar struct {
	group, slot   int
	class         string
	value, spread float64
	words         string
}

// bars draws columns in groups, each with its spread. Across, if above zero, is a line with its words.
func bars(label, unit, below string, groups []string, slots int, columns []bar, across float64,
	acrossWords string) template.HTML {
	if len(columns) == 0 {
		return ""
	}
	values := []float64{across}
	for _, c := range columns {
		values = append(values, c.value+c.spread)
	}
	d := &drawing{height: sheetHeight}
	a := linearAxis(values)
	d.scale(a, unit)
	room := plotWidth / float64(len(groups))
	width := min(34, room*.82/float64(slots))
	for i, group := range groups {
		d.text(marginLeft+room*(float64(i)+.5), plotBottom+17, "middle", "tick", group)
	}
	d.text(marginLeft+plotWidth/2, sheetHeight-6, "middle", "unit", below)
	for _, c := range columns {
		x := marginLeft + room*(float64(c.group)+.5) + width*(float64(c.slot)-float64(slots)/2)
		d.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" class="fill %s"><title>%s</title></rect>`,
			x+1, a.y(c.value), width-2, max(0, plotBottom-a.y(c.value)), c.class, html.EscapeString(c.words))
		if c.spread > 0 {
			middle := x + width/2
			d.f(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="spread"/>`,
				middle, middle, a.y(c.value+c.spread), a.y(max(0, c.value-c.spread)))
		}
	}
	if across > 0 {
		d.f(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="ceiling"/>`,
			marginLeft, plotRight, a.y(across), a.y(across))
		d.text(plotRight, a.y(across)-5, "end", "note", acrossWords)
	}
	return d.picture(label)
}

// piece is a part of a stacked bar.
type piece struct {
	class, words string
	value        float64
}

// stack is one stacked bar.
type stack struct {
	name, total string
	pieces      []piece
}

// stacks draws bars that lie, each made of pieces; the longest fills the width.
func stacks(label string, all []stack) template.HTML {
	most := 0.0
	for _, s := range all {
		sum := 0.0
		for _, p := range s.pieces {
			sum += p.value
		}
		most = max(most, sum)
	}
	if most == 0 {
		return ""
	}
	const row, bar = 48, 20
	d := &drawing{height: float64(len(all)*row + 4)}
	for i, s := range all {
		y := float64(i * row)
		d.text(2, y+14, "start", "name", s.name)
		d.text(sheetWidth-2, y+14, "end", "tick", s.total)
		x := 2.0
		for _, p := range s.pieces {
			width := p.value / most * (sheetWidth - 4)
			d.f(`<rect x="%.1f" y="%.1f" width="%.1f" height="%d" class="fill %s"><title>%s</title></rect>`,
				x, y+20, max(width-1, 0), bar, p.class, html.EscapeString(p.words))
			x += width
		}
	}
	return d.picture(label)
}
