package main

func (p *painter) lake() {
	p.sheet(outline("M500 560 C640 480 860 470 1010 500 C1120 520 1190 540 1240 580 L1240 660 L500 660 Z"),
		0x6db6cb, 0x2f86a6, paper, 6)
	for i, y := range []float64{540, 566, 596, 630} {
		d := path{}
		for n := range 13 {
			x := 560 + float64(n)*52 + float64(i%2)*26
			d = append(d, outline("M0 6 C8 0 20 0 28 6 C20 4 8 4 0 6 Z").moved(x, y)...)
		}
		p.shape(shape{d, cream, mark, 55})
	}
	for i, x := range []float64{598, 750, 1054} { // the middles of three arches
		p.toy(boat(palettes[[]int{1, 0, 4}[i]]).placed(x, 596, 0.34, float64(i)*3-3), 5)
	}
}

// railway is a wooden viaduct across the valley with a train on it.
func (p *painter) railway() {
	deck := 478.0
	arches := box(-20, deck, 1480, 186, 0)
	for x := -66.0; x < 1440; x += 152 {
		hole := outline("M0 186 L0 112 C0 20 112 20 112 112 L112 186 Z") // turns the other way: an opening
		arches = append(arches, hole.mapped(func(a point) point { return point{112 - a.x, a.y} }).moved(x, deck)...)
	}
	p.shadow(arches, 14, 120)
	p.shape(shape{arches, beech.lighter(8), wood, 0})
	for x := -86.0; x < 1440; x += 152 {
		p.shape(shape{box(x+4, deck+24, 32, 10, 3), walnut, wood, 0})
	}
	p.shape(shape{box(-20, deck-14, 1480, 22, 4), walnut, wood, 0})
	for x := -14.0; x < 1440; x += 26 {
		p.shape(shape{box(x, deck-21, 13, 8, 2), walnut.darker(28), wood, 0})
	}
	p.shape(shape{box(-20, deck-26, 1480, 6, 2), soot.lighter(25), painted, 0})
	p.train(deck - 26)
}

func (p *painter) train(rail float64) {
	k := 0.82
	loads := []drawing{cargoBlocks(), cargoBalls(), cargoLogs(), cargoStars()}
	colours := []palette{palettes[1], palettes[3], palettes[2], palettes[4]}
	for i, load := range loads {
		p.toy(wagon(colours[i], load).placed(715-float64(i)*158, rail, k, 0), 8)
	}
	p.toy(train(palettes[0]).placed(880, rail, k, 0), 8)
	for i, r := range []float64{13, 19, 26, 34} {
		x, y := 922-float64(i*i)*9, rail-140-float64(i)*31
		p.sheet(circle(x, y, r), 0xfffdf4, 0xe9e0cf, paper, 5)
	}
}

func cargoBlocks() drawing {
	d := block(36, 46, 56, tomato, 'T')
	d = append(d, block(104, 46, 56, lagoon, 'O')...)
	return append(d, block(70, -8, 56, leaf, 'Y')...)
}

func cargoBalls() drawing {
	return drawing{
		{circle(98, 50, 30), cream, painted, 0}, {circle(58, 78, 28), tomato, painted, 0},
		{circle(138, 78, 28), marigold, painted, 0}, {circle(100, 86, 24), lagoon, painted, 0},
	}
}

func cargoLogs() drawing {
	var d drawing
	for _, c := range [][2]float64{{58, 82}, {100, 82}, {142, 82}, {79, 48}, {121, 48}, {100, 15}} {
		d = append(d, shape{circle(c[0], c[1], 22), walnut, wood, 0}, shape{circle(c[0], c[1], 16), beech, wood, 0},
			shape{ring(c[0], c[1], 11, 8), walnut, mark, 60}, shape{circle(c[0], c[1], 3), walnut, mark, 80})
	}
	return d
}

func cargoStars() drawing {
	return drawing{
		{star(62, 66, 44, 20), marigold, painted, 0},
		{circle(138, 70, 36), tomato, painted, 0},
		{star(138, 70, 24, 10), cream, mark, 0},
	}
}

func (p *painter) meadow() {
	p.sheet(outline("M-10 590 C90 540 260 530 420 580 C560 620 700 650 840 640 C1010 630 1180 560 1450 580 "+
		"L1450 712 L-10 712 Z"), 0x7fb75a, 0x5b9a4b, felt, 12)
	p.roundTree(60, 585, 0.95, leaf.lighter(8))
	p.tree(150, 575, 0.72)
	p.tree(1290, 590, 0.86)
	p.roundTree(1385, 596, 1.0, leaf.darker(6))
	p.house(1200, 612, 0.95, cream, tomato)
}

func (p *painter) foreground() {
	p.sheet(outline("M-10 664 C200 622 420 640 640 668 C860 694 1120 690 1450 640 L1450 740 L-10 740 Z"),
		0x5f9c46, 0x467f3c, felt, 14)
	p.toy(horse(palettes[1]).placed(300, 700, 0.98, 0), 10)
	p.toy(rings(palettes[0]).placed(478, 704, 0.64, 0), 8)
	p.toy(duck(palettes[1]).placed(618, 708, 0.62, 0), 8)
	p.toy(top(palettes[4]).placed(745, 710, 0.52, 9), 8)
	p.toy(doll(palettes[0]).placed(872, 708, 0.74, 0), 9)
	p.toy(robot(palettes[2]).placed(1002, 708, 0.86, 0), 9)
	p.toy(blocks(palettes[2]).placed(130, 704, 0.72, 0), 9)
	p.toy(car(palettes[0]).placed(1330, 700, 0.66, 0), 9)
	for i, x := range []float64{30, 212, 402, 548, 686, 812, 940, 1092, 1128, 1236, 1416} {
		y := 696 + float64(i*7%13)
		p.shape(shape{petals(x, y-14, 5), []ink{cream, marigold, tomato.lighter(30)}[i%3], painted, 0})
		p.shape(shape{circle(x, y-14, 3.4), marigold.darker(10), mark, 0})
	}
}
