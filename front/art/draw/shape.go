package main

import "math"

// ink is a colour as 0xRRGGBB.
type ink uint32

func (c ink) rgb() (r, g, b int) { return int(c >> 16 & 255), int(c >> 8 & 255), int(c & 255) }

// toward returns c moved by percent of the way to other.
func (c ink) toward(other ink, percent int) ink {
	r, g, b := c.rgb()
	R, G, B := other.rgb()
	mix := func(a, z int) ink { return ink(a + (z-a)*percent/100) }
	return mix(r, R)<<16 | mix(g, G)<<8 | mix(b, B)
}

func (c ink) lighter(percent int) ink { return c.toward(0xfff6e0, percent) }
func (c ink) darker(percent int) ink  { return c.toward(0x2a1a12, percent) }

// finish is what a shape is made of; it decides texture and roundness in the hero, and shading in both.
type finish uint8

const (
	painted finish = iota // lacquered wood: smooth, rounded edge
	wood                  // bare wood: grain, rounded edge
	felt                  // cloth hills: fibres, hardly any edge
	paper                 // cut paper: fine tooth, no edge
	mark                  // ink or lacquer on top of another shape: no shading of its own
)

// shape is one piece of a picture, painted over the ones before it.
type shape struct {
	outline path
	fill    ink
	finish  finish
	opacity int // percent; 0 means 100
}

// drawing is a picture: shapes from back to front, in a square of 200 units whose ground is at y = 190.
type drawing []shape

func (d drawing) mapped(f func(path) path) drawing {
	out := make(drawing, len(d))
	for i, s := range d {
		s.outline = f(s.outline)
		out[i] = s
	}
	return out
}

// placed stands the drawing with the middle of its ground at (x, y), k times its size, leaning by degrees.
func (d drawing) placed(x, y, k, degrees float64) drawing {
	return d.mapped(func(p path) path {
		return p.moved(-100, -190).scaled(k).turned(degrees*math.Pi/180).moved(x, y)
	})
}
