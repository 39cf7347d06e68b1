package main

// mask is a blurred picture of where a shape is, at a fraction of the canvas' size: enough for soft shadows and for
// the roundness of edges, at a small part of the cost.
type mask struct {
	x, y, w, h int // where its first cell is, in cells, and how many cells there are
	shift      int // a cell is 1<<shift pixels
	cells      []uint8
}

// blurredMask renders the polygon into cells of 1<<shift pixels and softens it by radius cells, three times over,
// which is close to a Gaussian.
func blurredMask(g polygon, shift, radius int) mask {
	pad := 3*radius + 1
	m := mask{x: g.minX>>shift - pad, y: g.minY>>shift - pad, shift: shift}
	m.w = g.maxX>>shift + pad + 1 - m.x
	m.h = g.maxY>>shift + pad + 1 - m.y
	m.cells = make([]uint8, m.w*m.h)
	small := g.shrunk(shift, m.x, m.y)
	row := make([]int, m.w+2)
	var scratch []crossing
	for y := max(small.minY, 0); y < min(small.maxY, m.h); y++ {
		var from, to int
		from, to, scratch = small.coverage(y, m.w, row, scratch)
		for x := from; x < to; x++ {
			m.cells[y*m.w+x] = uint8(min(row[x], 255))
		}
	}
	for range 3 {
		m.soften(radius, 1, m.w, m.w, m.h)
		m.soften(radius, m.w, 1, m.h, m.w)
	}
	return m
}

func (g polygon) shrunk(shift, cellX, cellY int) polygon {
	var out polygon
	for _, ring := range g.rings {
		small := make([]spot, len(ring))
		for i, s := range ring {
			small[i] = spot{s.x>>shift - cellX<<8, s.y>>shift - cellY<<8}
		}
		out.rings = append(out.rings, small)
	}
	out.measure()
	return out
}

// soften replaces each cell by the mean of its neighbours along one direction: step apart, count of them a line.
func (m *mask) soften(radius, step, lineStep, count, lines int) {
	buffer := make([]int, count)
	window := 2*radius + 1
	for line := range lines {
		base := line * lineStep
		sum := 0
		for i := -radius; i < count+radius; i++ {
			if ahead := i; ahead >= 0 && ahead < count {
				buffer[ahead] = int(m.cells[base+ahead*step])
				sum += buffer[ahead]
			}
			if middle := i - radius; middle >= 0 && middle < count {
				m.cells[base+middle*step] = uint8(sum / window)
			}
			if behind := i - 2*radius; behind >= 0 && behind < count {
				sum -= buffer[behind]
			}
		}
	}
}

// at returns the mask's value, 0 to 255, at a pixel, blended between the four nearest cells.
func (m *mask) at(px, py int) int {
	size := 1 << m.shift
	fx, fy := px-m.x<<m.shift-size/2, py-m.y<<m.shift-size/2
	cx, cy := fx>>m.shift, fy>>m.shift
	if cx < 0 || cy < 0 || cx >= m.w-1 || cy >= m.h-1 {
		return 0
	}
	fx, fy = fx&(size-1), fy&(size-1)
	c := m.cells[cy*m.w+cx:]
	top := int(c[0])*(size-fx) + int(c[1])*fx
	low := int(c[m.w])*(size-fx) + int(c[m.w+1])*fx
	return (top*(size-fy) + low*fy) >> (2 * m.shift)
}

// full reports whether the mask is whole around a pixel, which is then deep inside the shape.
func (m *mask) full(px, py int) bool {
	cx, cy := px>>m.shift-m.x, py>>m.shift-m.y
	return cx >= 0 && cy >= 0 && cx < m.w && cy < m.h && m.cells[cy*m.w+cx] == 255
}
