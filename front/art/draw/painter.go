package main

// painter turns shapes into layers with their texture, shadow and rounded edge.
type painter struct {
	*canvas
	textures
}

func newPainter(width, height int, unitsWide float64) *painter {
	return &painter{&canvas{width: width, height: height, scale: float64(width) / unitsWide}, allTextures()}
}

// px returns a length in units as whole pixels.
func (p *painter) px(units float64) int { return int(units * p.scale) }

// toy paints a drawing with one shadow under all of it, cast to the lower right.
func (p *painter) toy(d drawing, reach float64) {
	var all path
	for _, s := range d {
		all = append(all, s.outline...)
	}
	p.shadow(all, reach, 120)
	for _, s := range d {
		p.shape(s)
	}
}

func (p *painter) shape(s shape) {
	f := &filled{polygon: s.outline.flatten(p.scale), top: s.fill, low: s.fill, alpha: 256}
	if s.opacity != 0 {
		f.alpha = s.opacity * 256 / 100
	}
	switch s.finish {
	case wood:
		f.texture, f.strength = p.grain, 150
	case painted:
		f.texture, f.strength = p.tooth, 120
	}
	if s.finish == wood || s.finish == painted {
		f.top, f.low = s.fill.lighter(14), s.fill.darker(12)
		p.round(f)
	}
	p.layers = append(p.layers, f)
}

// round gives the edge its light and shade, as wide as the shape can bear.
func (p *painter) round(f *filled) {
	thin := min(f.maxX-f.minX, f.maxY-f.minY)
	f.relief = min(p.px(2.4), thin/6)
}

// sheet paints a large piece, felt or paper, whose colour runs down it, with a shadow behind its edge.
func (p *painter) sheet(outline path, top, low ink, kind finish, shadowReach float64) {
	if shadowReach > 0 {
		p.shadow(outline, shadowReach, 110)
	}
	f := &filled{polygon: outline.flatten(p.scale), top: top, low: low, alpha: 256}
	f.texture, f.strength = p.tooth, 150
	if kind == felt {
		f.texture, f.strength = p.fibre, 130
		f.relief = p.px(1.6)
	}
	p.layers = append(p.layers, f)
}

// shadow falls reach units down and half as far right, and is as soft as it is long.
func (p *painter) shadow(outline path, reach float64, strength int) {
	p.layers = append(p.layers, &shade{
		polygon: outline.flatten(p.scale), soft: max(1, p.px(reach)>>shadeCell/2),
		dx: p.px(reach / 2), dy: p.px(reach), strength: strength, colour: 0x1d2a3a,
	})
}

// film is the last layer: the fine noise of a photograph, a little different in each colour, and darker corners.
type film struct{ width, height, strength int }

func (f film) prepare() {}

func (f film) paint(y int, b *brush) {
	dy := (2*y - f.height) * 256 / f.height
	for x := range f.width {
		dx := (2*x - f.width) * 256 / f.width
		h := scramble(uint32(x), uint32(y), 77)
		luma := int(h&255) + int(h>>8&255) - 255 // two dice: small deviations are commoner than large ones
		dim := (dx*dx + dy*dy - 52000) * 26 >> 16
		dim = max(dim, 0)
		p := b.pix[x*4 : x*4+3 : x*4+3]
		for i := range p {
			chroma := int(h>>(16+4*i)&15) - 7
			p[i] = uint8(min(max(int(p[i])+(luma*f.strength>>8)+chroma*f.strength>>5-dim, 0), 255))
		}
	}
}
