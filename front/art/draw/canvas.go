package main

import (
	"image"
	"runtime"
	"sync"
	"sync/atomic"
)

// layer paints itself on one row of the canvas. Rows are painted at the same time by several goroutines, each with a
// brush of its own, so a layer must not keep state between rows.
type layer interface {
	prepare() // once, before the first row
	paint(y int, b *brush)
}

// brush is what painting one row needs: the row's pixels and room to work.
type brush struct {
	pix     []uint8 // RGBA
	cover   []int
	scratch []crossing
	width   int
}

// canvas is a list of layers, painted from first to last by render.
type canvas struct {
	width, height int
	scale         float64 // pixels per unit
	layers        []layer
}

// render prepares the layers and paints the rows, each as many at a time as there are processors. The result does not
// depend on how many there are.
func (c *canvas) render() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, c.width, c.height))
	spread(len(c.layers), func(next func() (int, bool)) {
		for i, more := next(); more; i, more = next() {
			c.layers[i].prepare()
		}
	})
	spread(c.height, func(next func() (int, bool)) {
		b := &brush{cover: make([]int, c.width+2), width: c.width}
		for y, more := next(); more; y, more = next() {
			b.pix = img.Pix[y*img.Stride : (y+1)*img.Stride]
			for _, l := range c.layers {
				l.paint(y, b)
			}
		}
	})
	return img
}

// spread runs work on every processor until the numbers below count, each handed out once by next, are used up.
func spread(count int, work func(next func() (int, bool))) {
	var given atomic.Int64
	next := func() (int, bool) {
		i := int(given.Add(1)) - 1
		return i, i < count
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { work(next) })
	}
	workers.Wait()
}

// blend lays a colour over pixel x; alpha is 0 to 256.
func (b *brush) blend(x, r, g, bl, alpha int) {
	p := b.pix[x*4 : x*4+4 : x*4+4]
	if alpha >= 256 {
		p[0], p[1], p[2], p[3] = channel(r), channel(g), channel(bl), 255
		return
	}
	p[0] = mix(p[0], r, alpha)
	p[1] = mix(p[1], g, alpha)
	p[2] = mix(p[2], bl, alpha)
	p[3] = 255
}

func mix(under uint8, over, alpha int) uint8 {
	return uint8(int(under) + (int(channel(over))-int(under))*alpha>>8)
}

func channel(v int) uint8 { return uint8(min(max(v, 0), 255)) }
