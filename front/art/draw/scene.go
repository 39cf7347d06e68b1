package main

// scene returns the valley of the wooden railway, 1440 units wide and 720 high, painted from the sky to the foreground.
func scene(width, height int) *canvas {
	p := newPainter(width, height, 1440)
	p.sky()
	p.farHills()
	p.lake()
	p.railway()
	p.meadow()
	p.foreground()
	p.layers = append(p.layers, film{width, height, 20})
	return p.canvas
}

func (p *painter) sky() {
	p.sheet(box(-4, -4, 1448, 464, 0), 0x7cc4d8, 0xf6e6c4, paper, 0)
	for i, paint := range []ink{0xfbe3a4, 0xfbd77e, 0xf9c557} {
		p.sheet(circle(1130, 210, 132-float64(i)*30), paint.lighter(10), paint, paper, 5)
	}
	p.cloud(1250, 318, 0.75)
	p.cloud(560, 300, 0.6)
	p.cloud(1330, 130, 0.7)
	p.cloud(180, 250, 1.1)
	p.balloon(690, 36, 1)
	p.toy(plane(palettes[0]).placed(1240, 150, 0.62, -8), 9)
}

func (p *painter) cloud(x, y, k float64) {
	puffs := append(box(-110, -24, 220, 44, 22), circle(-40, -34, 40)...)
	puffs = append(puffs, circle(24, -46, 52)...)
	puffs = append(puffs, circle(74, -22, 30)...)
	p.sheet(puffs.scaled(k).moved(x, y), 0xfffdf4, 0xf3ead6, paper, 7)
}

func (p *painter) balloon(x, y, k float64) {
	at := func(o path) path { return o.scaled(k).moved(x, y) }
	d := drawing{
		{at(bar(-24, 132, -15, 168, 2)), walnut, mark, 0},
		{at(bar(24, 132, 15, 168, 2)), walnut, mark, 0},
		{at(box(-18, 166, 36, 26, 5)), beech, wood, 0},
		{at(outline(
			"M0 0 C52 0 74 36 72 70 C70 102 44 124 26 142 L-26 142 C-44 124 -70 102 -72 70 C-74 36 -52 0 0 0 Z")),
			tomato, painted, 0},
		{at(outline(
			"M0 0 C34 4 46 40 44 72 C42 104 28 126 16 142 L-16 142 C-28 126 -42 104 -44 72 C-46 40 -34 4 0 0 Z")),
			cream, painted, 0},
		{at(outline("M0 0 C14 6 19 40 18 72 C17 104 12 126 6 142 L-6 142 C-12 126 -17 104 -18 72 C-19 40 -14 6 0 0 Z")),
			lagoon, painted, 0},
		{at(box(-28, 138, 56, 9, 4)), marigold, painted, 0},
	}
	p.toy(d, 12)
}

func (p *painter) farHills() {
	p.sheet(outline("M-10 430 C120 330 250 320 380 400 C500 330 640 300 780 390 C920 310 1060 320 1190 380 "+
		"C1290 330 1380 350 1450 390 L1450 520 L-10 520 Z"), 0x9cc6bd, 0x7fb0a4, felt, 6)
	p.sheet(outline("M-10 470 C90 400 220 400 340 460 C470 390 560 400 660 450 C800 400 900 380 1020 450 "+
		"C1150 380 1300 400 1450 460 L1450 650 L-10 650 Z"), 0x7bb08a, 0x5f9a74, felt, 8)
	for _, t := range [][3]float64{{90, 440, .34}, {130, 432, .42}, {176, 430, .36}, {520, 428, .34}, {560, 428, .44},
		{905, 428, .36}, {948, 426, .46}, {1210, 424, .40}, {1260, 424, .34}, {1400, 440, .42}} {
		p.tree(t[0], t[1], t[2])
	}
	p.house(1085, 436, 0.55, cream, tomato)
	p.house(1142, 428, 0.45, marigold, lagoon)
	p.house(400, 446, 0.5, tomato.lighter(20), walnut)
}

// tree is three felt cones on a stick.
func (p *painter) tree(x, y, k float64) {
	at := func(o path) path { return o.scaled(k).moved(x, y) }
	p.toy(drawing{
		{at(box(-9, -40, 18, 46, 5)), walnut, wood, 0},
		{at(outline("M0 -150 L62 -30 C40 -18 -40 -18 -62 -30 Z")), leaf.darker(18), painted, 0},
		{at(outline("M0 -185 L50 -84 C32 -72 -32 -72 -50 -84 Z")), leaf, painted, 0},
		{at(outline("M0 -215 L36 -136 C24 -126 -24 -126 -36 -136 Z")), leaf.lighter(14), painted, 0},
	}, 7*k+2)
}

// roundTree is a ball on a stick.
func (p *painter) roundTree(x, y, k float64, paint ink) {
	at := func(o path) path { return o.scaled(k).moved(x, y) }
	p.toy(drawing{
		{at(box(-9, -80, 18, 86, 5)), walnut, wood, 0},
		{at(circle(0, -125, 62)), paint, painted, 0},
		{at(circle(-20, -145, 9)), tomato, painted, 0},
		{at(circle(24, -112, 9)), tomato, painted, 0},
		{at(circle(-10, -96, 9)), tomato, painted, 0},
	}, 9*k+2)
}

func (p *painter) house(x, y, k float64, wall, roof ink) {
	at := func(o path) path { return o.scaled(k).moved(x, y) }
	p.toy(drawing{
		{at(box(30, -128, 20, 50, 3)), walnut, wood, 0},
		{at(box(-60, -84, 120, 88, 4)), wall, painted, 0},
		{at(outline("M-76 -78 L0 -144 L76 -78 Z")), roof, painted, 0},
		{at(box(-16, -46, 32, 50, 4)), walnut, wood, 0},
		{at(box(-48, -62, 24, 26, 4)), lagoon.darker(30), painted, 0},
		{at(box(24, -62, 24, 26, 4)), lagoon.darker(30), painted, 0},
	}, 9*k)
}
