package main

import (
	"math"
	"slices"
)

// Rasterising works in whole numbers only, 1/256 of a pixel: floating point may be fused differently on another
// processor, and a hero whose bytes differ between replicas would have two names.

// spot is a point in 1/256 pixels.
type spot struct{ x, y int }

// polygon is a flattened path: closed rings of spots, and the pixel rows and columns they touch (max is exclusive).
type polygon struct {
	rings                  [][]spot
	minX, minY, maxX, maxY int
}

const curveSteps = 20

// flatten turns curves into short lines, in pixels of a canvas that has scale pixels per unit.
func (p path) flatten(scale float64) polygon {
	var poly polygon
	var ring []spot
	var at point
	put := func(a point) {
		ring = append(ring, spot{int(math.Round(a.x * scale * 256)), int(math.Round(a.y * scale * 256))})
		at = a
	}
	for _, s := range p {
		switch s.op {
		case 'M':
			poly.close(ring)
			ring = nil
			put(s.pts[0])
		case 'L':
			put(s.pts[0])
		case 'C':
			from := at
			for i := 1; i <= curveSteps; i++ {
				put(bezier(from, s.pts, float64(i)/curveSteps))
			}
		}
	}
	poly.close(ring)
	poly.measure()
	return poly
}

func bezier(from point, c [3]point, t float64) point {
	u := 1 - t
	a, b, d, e := u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
	return point{a*from.x + b*c[0].x + d*c[1].x + e*c[2].x, a*from.y + b*c[0].y + d*c[1].y + e*c[2].y}
}

func (g *polygon) close(ring []spot) {
	if len(ring) > 2 {
		g.rings = append(g.rings, ring)
	}
}

func (g *polygon) measure() {
	g.minX, g.minY = math.MaxInt32, math.MaxInt32
	g.maxX, g.maxY = math.MinInt32, math.MinInt32
	for _, ring := range g.rings {
		for _, s := range ring {
			g.minX, g.maxX = min(g.minX, s.x>>8), max(g.maxX, s.x>>8+1)
			g.minY, g.maxY = min(g.minY, s.y>>8), max(g.maxY, s.y>>8+1)
		}
	}
}

// crossing is where an edge meets a scan line, and which way it was going.
type crossing struct{ x, turn int }

const linesPerRow = 4

// coverage writes into row how much of each pixel of row y the polygon covers, 0 to 256, and returns the touched span.
// row must be as long as the canvas is wide, plus two; what it held is overwritten between from and to.
func (g *polygon) coverage(y, width int, row []int, scratch []crossing) (from, to int, left []crossing) {
	from, to = max(g.minX, 0), min(g.maxX+1, width)
	if from >= to {
		return 0, 0, scratch
	}
	clear(row[from : to+2])
	for line := range linesPerRow {
		scanY := y<<8 + line*256/linesPerRow + 128/linesPerRow
		scratch = g.crossings(scanY, scratch[:0])
		addSpans(scratch, row, from<<8, to<<8)
	}
	sum := 0
	for x := from; x < to; x++ {
		sum += row[x]
		row[x] = min(sum/linesPerRow, 256)
	}
	return from, to, scratch
}

func (g *polygon) crossings(scanY int, out []crossing) []crossing {
	for _, ring := range g.rings {
		a := ring[len(ring)-1]
		for _, b := range ring {
			if (a.y <= scanY) != (b.y <= scanY) {
				x := a.x + (b.x-a.x)*(scanY-a.y)/(b.y-a.y)
				turn := 1
				if a.y > b.y {
					turn = -1
				}
				out = append(out, crossing{x, turn})
			}
			a = b
		}
	}
	slices.SortFunc(out, func(p, q crossing) int { return p.x - q.x })
	return out
}

// addSpans adds one scan line's filled spans to row as differences, so that a running sum gives the coverage.
func addSpans(at []crossing, row []int, minX, maxX int) {
	winding, start := 0, 0
	for _, c := range at {
		if winding == 0 {
			start = c.x
		}
		if winding += c.turn; winding == 0 {
			addEdge(row, min(max(start, minX), maxX), 1)
			addEdge(row, min(max(c.x, minX), maxX), -1)
		}
	}
}

func addEdge(row []int, x, sign int) {
	part := x & 255
	row[x>>8] += sign * (256 - part)
	row[x>>8+1] += sign * part
}
