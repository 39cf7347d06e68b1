package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// point is a place in a picture's own units, y growing downwards.
type point struct{ x, y float64 }

// step is one drawing instruction of a path: 'M' and 'L' use one point, 'C' uses three, 'Z' none.
type step struct {
	op  byte
	pts [3]point
}

// path is an outline to be filled. Overlapping parts of one path that turn the same way form a union.
type path []step

// arity is how many numbers follow each letter that outline reads.
var arity = map[byte]int{'M': 2, 'L': 2, 'C': 6, 'Q': 4, 'Z': 0}

// outline reads SVG path data made of absolute M, L, C, Q and Z. It panics on anything else: all data is in this
// package.
func outline(data string) path {
	var p path
	for _, field := range splitCommands(data) {
		op, n := field[0], numbers(field[1:])
		size, known := arity[op]
		if !known || size == 0 && len(n) > 0 || size > 0 && (len(n) == 0 || len(n)%size != 0) {
			panic(fmt.Sprintf("path %q: cannot read %q", data, field))
		}
		if size == 0 {
			p = append(p, step{op: op})
		}
		for ; len(n) > 0; n = n[size:] {
			p = p.add(op, n[:size])
		}
	}
	return p
}

func splitCommands(data string) []string {
	var fields []string
	start := 0
	for i := 1; i <= len(data); i++ {
		if i == len(data) || strings.IndexByte("MLCQZ", data[i]) >= 0 {
			fields = append(fields, data[start:i])
			start = i
		}
	}
	return fields
}

func numbers(s string) []float64 {
	var out []float64
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			panic("path number " + strconv.Quote(word))
		}
		out = append(out, v)
	}
	return out
}

func (p path) add(op byte, n []float64) path {
	switch op {
	case 'Q': // a quadratic curve is a cubic one whose handles are two thirds of the way
		from := p[len(p)-1].end()
		c, to := point{n[0], n[1]}, point{n[2], n[3]}
		a := point{from.x + (c.x-from.x)*2/3, from.y + (c.y-from.y)*2/3}
		b := point{to.x + (c.x-to.x)*2/3, to.y + (c.y-to.y)*2/3}
		return append(p, step{'C', [3]point{a, b, to}})
	default:
		s := step{op: op}
		for i := 0; i < len(n); i += 2 {
			s.pts[i/2] = point{n[i], n[i+1]}
		}
		return append(p, s)
	}
}

func (s step) end() point {
	if s.op == 'C' {
		return s.pts[2]
	}
	return s.pts[0]
}

// roundness is how far a cubic curve's handles reach to draw a quarter of a circle of radius 1.
const roundness = 0.5523

func ellipse(cx, cy, rx, ry float64) path {
	kx, ky := rx*roundness, ry*roundness
	return path{
		{'M', [3]point{{cx + rx, cy}}},
		{'C', [3]point{{cx + rx, cy + ky}, {cx + kx, cy + ry}, {cx, cy + ry}}},
		{'C', [3]point{{cx - kx, cy + ry}, {cx - rx, cy + ky}, {cx - rx, cy}}},
		{'C', [3]point{{cx - rx, cy - ky}, {cx - kx, cy - ry}, {cx, cy - ry}}},
		{'C', [3]point{{cx + kx, cy - ry}, {cx + rx, cy - ky}, {cx + rx, cy}}},
		{op: 'Z'},
	}
}

func circle(cx, cy, r float64) path { return ellipse(cx, cy, r, r) }

// box returns a rectangle with corners rounded by r.
func box(x, y, w, h, r float64) path {
	k := r * (1 - roundness)
	X, Y := x+w, y+h
	return path{
		{'M', [3]point{{x + r, y}}}, {'L', [3]point{{X - r, y}}},
		{'C', [3]point{{X - k, y}, {X, y + k}, {X, y + r}}}, {'L', [3]point{{X, Y - r}}},
		{'C', [3]point{{X, Y - k}, {X - k, Y}, {X - r, Y}}}, {'L', [3]point{{x + r, Y}}},
		{'C', [3]point{{x + k, Y}, {x, Y - k}, {x, Y - r}}}, {'L', [3]point{{x, y + r}}},
		{'C', [3]point{{x, y + k}, {x + k, y}, {x + r, y}}}, {op: 'Z'},
	}
}

// bar returns a thick line from a to b with round ends.
func bar(ax, ay, bx, by, width float64) path {
	length := math.Hypot(bx-ax, by-ay)
	r := width / 2
	flat := box(-r, -r, length+width, width, r)
	return flat.turned(math.Atan2(by-ay, bx-ax)).moved(ax, ay)
}

func (p path) mapped(f func(point) point) path {
	out := make(path, len(p))
	for i, s := range p {
		out[i].op = s.op
		for j := range s.pts {
			out[i].pts[j] = f(s.pts[j])
		}
	}
	return out
}

func (p path) moved(dx, dy float64) path {
	return p.mapped(func(a point) point { return point{a.x + dx, a.y + dy} })
}

func (p path) scaled(k float64) path {
	return p.mapped(func(a point) point { return point{a.x * k, a.y * k} })
}

// turned rotates about the origin, clockwise on the screen, by an angle in radians.
func (p path) turned(angle float64) path {
	sin, cos := math.Sincos(angle)
	return p.mapped(func(a point) point { return point{a.x*cos - a.y*sin, a.x*sin + a.y*cos} })
}
