package main

// filled is a shape ready to paint: flattened, with its texture and the mask that rounds its edges.
type filled struct {
	polygon
	top, low ink // the colour runs from top to low down the shape
	alpha    int // 0 to 256
	texture  *tile
	strength int  // how strongly the texture shows, in 256ths
	relief   int  // how far apart the edge's light and shade are, in pixels; 0 is a flat edge
	edge     mask // made by prepare if there is relief
}

func (f *filled) prepare() {
	if f.relief <= 0 {
		return
	}
	cell := 1 // of 2 by 2 pixels; 4 by 4 for what is large
	if min(f.maxX-f.minX, f.maxY-f.minY) > 200 {
		cell = 2
	}
	f.edge = blurredMask(f.polygon, cell, max(1, f.relief>>cell))
}

func (f *filled) paint(y int, b *brush) {
	if y < f.minY || y >= f.maxY {
		return
	}
	var from, to int
	from, to, b.scratch = f.coverage(y, b.width, b.cover, b.scratch)
	depth := 256 * (y - f.minY) / max(f.maxY-f.minY, 1)
	r0, g0, b0 := f.top.rgb()
	r1, g1, b1 := f.low.rgb()
	r0, g0, b0 = r0+(r1-r0)*depth>>8, g0+(g1-g0)*depth>>8, b0+(b1-b0)*depth>>8
	for x := from; x < to; x++ {
		cover := b.cover[x]
		if cover == 0 {
			continue
		}
		light := f.light(x, y)
		b.blend(x, r0+light, g0+light, b0+light*7/8, cover*f.alpha>>8)
	}
}

// light returns how much brighter than its plain colour a pixel is: texture, and the edge towards or away from the sun.
func (f *filled) light(x, y int) int {
	light := 0
	if f.texture != nil {
		light = f.texture.at(x-f.minX, y-f.minY) * f.strength >> 8
	}
	if f.relief > 0 && !f.edge.full(x, y) {
		light += (f.edge.at(x+f.relief, y+f.relief) - f.edge.at(x-f.relief, y-f.relief)) * 5 >> 4
	}
	return light
}

// shade is a soft shadow: the shape's blurred mask, moved, laid over what is there.
type shade struct {
	polygon
	mask     mask // made by prepare
	soft     int  // how far it blurs, in cells of the mask
	dx, dy   int
	strength int // 0 to 256
	colour   ink
}

const shadeCell = 2 // a cell of a shadow's mask is 4 by 4 pixels

func (s *shade) prepare() { s.mask = blurredMask(s.polygon, shadeCell, s.soft) }

func (s *shade) paint(y int, b *brush) {
	size := 1 << s.mask.shift
	if y < s.mask.y*size+s.dy || y >= (s.mask.y+s.mask.h)*size+s.dy {
		return
	}
	r, g, bl := s.colour.rgb()
	for x := max(s.mask.x*size+s.dx, 0); x < min((s.mask.x+s.mask.w)*size+s.dx, b.width); x++ {
		if s.mask.full(x, y) {
			continue // the shape itself will cover this
		}
		if a := s.mask.at(x-s.dx, y-s.dy) * s.strength >> 8; a > 0 {
			b.blend(x, r, g, bl, a)
		}
	}
}
