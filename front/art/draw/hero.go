package main

import (
	"bytes"
	"image"
	"image/jpeg"

	"github.com/woodytoys/woodytoys/front/art"
)

// heroQuality keeps the felt, the grain and the paper's tooth, and with them the lab's weight: about 5 MB.
const heroQuality = 100

// hero returns the large scene as a JPEG.
func hero() []byte {
	var b bytes.Buffer
	b.Grow(6 << 20)
	if err := jpeg.Encode(&b, scene(art.HeroWidth, art.HeroHeight).render(),
		&jpeg.Options{Quality: heroQuality}); err != nil {
		panic("encode the hero: " + err.Error()) // a buffer does not fail, and the size is within JPEG's limits
	}
	return b.Bytes()
}

// heroPreview returns the same scene as a JPEG of a few hundred bytes, to stand in until the large one is there.
func heroPreview() []byte {
	const width, height = 48, 24
	c := scene(width*4, height*4)
	c.layers = c.layers[:len(c.layers)-1] // without the film grain, which would only be noise at this size
	var b bytes.Buffer
	if err := jpeg.Encode(&b, shrunk(c.render(), 4), &jpeg.Options{Quality: 60}); err != nil {
		panic("encode the hero's preview: " + err.Error())
	}
	return b.Bytes()
}

// shrunk averages squares of k by k pixels.
func shrunk(src *image.RGBA, k int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, src.Rect.Dx()/k, src.Rect.Dy()/k))
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			for channel := range 4 {
				sum := 0
				for i := range k * k {
					sum += int(src.Pix[(y*k+i/k)*src.Stride+(x*k+i%k)*4+channel])
				}
				dst.Pix[y*dst.Stride+x*4+channel] = uint8(sum / (k * k))
			}
		}
	}
	return dst
}
