package main

import "math"

func plane(p palette) drawing {
	return drawing{
		{outline("M28 92 L12 48 L40 48 L62 92 Z"), p.third, painted, 0},
		{outline("M18 100 C22 84 50 82 80 84 L148 78 C174 78 186 92 186 108 C186 128 166 138 140 138 " +
			"L74 130 C44 126 20 118 18 100 Z"), p.main, painted, 0},
		{outline("M30 106 L182 100 L184 112 L42 114 Z"), cream, mark, 85},
		{outline("M96 82 C98 62 134 60 142 79 Z"), soot, mark, 70},
		{outline("M104 79 C108 70 116 67 124 68 L112 81 Z"), cream, mark, 30},
		{box(186, 62, 9, 92, 4), beech, wood, 0},
		{circle(190, 108, 10), p.trim, painted, 0},
		{outline("M74 112 C100 106 128 108 140 114 L112 158 C106 168 78 166 72 158 Z"), p.trim, painted, 0},
		{outline("M80 142 L120 142 L116 150 L76 150 Z"), p.main, mark, 0},
		{bar(150, 134, 156, 168, 8), walnut, wood, 0},
		{circle(157, 174, 16), p.third, painted, 0},
		{circle(157, 174, 6), beech, wood, 0},
		{bar(54, 124, 50, 178, 8), walnut, wood, 0},
		{circle(50, 180, 10), p.third, painted, 0},
	}
}

func rocket(p palette) drawing {
	return drawing{
		{outline("M66 130 C40 140 34 164 36 190 L74 168 Z"), p.third, painted, 0},
		{outline("M134 130 C160 140 166 164 164 190 L126 168 Z"), p.third, painted, 0},
		{box(78, 164, 44, 26, 6), walnut, wood, 0},
		{outline("M100 6 C136 36 146 80 142 122 C140 146 134 158 126 172 " +
			"L74 172 C66 158 60 146 58 122 C54 80 64 36 100 6 Z"),
			cream, painted, 0},
		{outline("M100 6 C118 20 130 38 136 58 L64 58 C70 38 82 20 100 6 Z"), p.main, painted, 0},
		{outline("M59 128 L141 128 C139 140 136 150 133 158 L67 158 C64 150 61 140 59 128 Z"), p.trim, painted, 0},
		{circle(100, 92, 23), p.main, painted, 0},
		{circle(100, 92, 16), lagoon.lighter(45), painted, 0},
		{outline("M88 92 C88 84 94 79 102 79 C96 83 93 88 92 95 Z"), cream, mark, 80},
		{box(94, 132, 12, 58, 6), p.third, painted, 0},
	}
}

func blocks(p palette) drawing {
	d := block(15, 110, 80, p.main, 'O')
	d = append(d, block(104, 110, 80, p.third, 'Y')...)
	return append(d, block(58, 30, 80, p.trim, 'W')...)
}

// block returns an alphabet block with its letter, its top left corner at (x, y).
func block(x, y, size float64, paint ink, letter rune) drawing {
	k := size / 80
	face := drawing{
		{box(x, y, size, size, 9*k), beech, wood, 0},
		{box(x+8*k, y+8*k, size-16*k, size-16*k, 6*k), paint, painted, 0},
	}
	for _, stroke := range letters[letter] {
		face = append(face, shape{stroke.scaled(k*0.46).moved(x+17*k, y+17*k), cream, mark, 0})
	}
	return face
}

// star has five points, one straight up.
func star(cx, cy, outer, inner float64) path {
	var p path
	for i := range 10 {
		r := outer
		if i%2 == 1 {
			r = inner
		}
		sin, cos := math.Sincos(float64(i)*math.Pi/5 - math.Pi/2)
		p = append(p, step{'L', [3]point{{cx + r*cos, cy + r*sin}}})
	}
	p[0].op = 'M'
	return append(p, step{op: 'Z'})
}

// petals returns five discs in a ring: a flower without its heart.
func petals(cx, cy, r float64) path {
	var p path
	for i := range 5 {
		sin, cos := math.Sincos(float64(i)*math.Pi*2/5 - math.Pi/2)
		p = append(p, circle(cx+r*1.05*cos, cy+r*1.05*sin, r*0.8)...)
	}
	return p
}
