package main

// wheel returns a painted disc with a wooden hub.
func wheel(x, y, r float64, paint ink) drawing {
	return drawing{
		{circle(x, y, r), paint, painted, 0},
		{circle(x, y, r*0.62), paint.lighter(30), mark, 55},
		{circle(x, y, r*0.36), beech, wood, 0},
		{circle(x, y, r*0.12), soot, mark, 70},
	}
}

func train(p palette) drawing {
	d := drawing{
		{box(20, 146, 160, 14, 6), walnut, wood, 0},                                 // chassis
		{box(84, 84, 86, 66, 30), p.main, painted, 0},                               // boiler
		{box(104, 84, 9, 66, 2), p.trim, mark, 0},                                   // its bands
		{box(136, 84, 9, 66, 2), p.trim, mark, 0},                                   //
		{circle(167, 117, 15), beech, wood, 0},                                      // lamp
		{circle(167, 117, 8), cream, mark, 0},                                       //
		{outline("M132 86 L128 52 L158 52 L154 86 Z"), p.third, painted, 0},         // chimney
		{box(122, 44, 42, 13, 6), p.third.darker(12), painted, 0},                   //
		{outline("M96 86 C96 64 122 64 122 86 Z"), beech, wood, 0},                  // dome
		{box(28, 50, 62, 100, 8), p.trim, painted, 0},                               // cab
		{box(42, 70, 34, 32, 8), soot, mark, 75},                                    // window
		{outline("M42 94 L66 70 L76 70 L76 72 L46 102 L42 102 Z"), cream, mark, 22}, //
		{box(18, 38, 82, 17, 8), p.main, painted, 0},                                // roof
		{outline("M170 146 L194 166 L170 166 Z"), p.third, painted, 0},              // cowcatcher
	}
	d = append(d, wheel(56, 163, 27, p.third)...)
	d = append(d, wheel(112, 170, 20, p.main)...)
	return append(d, wheel(154, 170, 20, p.main)...)
}

// wagon returns the train's: only the hero uses it. load stands on it.
func wagon(p palette, load drawing) drawing {
	d := append(drawing{}, load...)
	d = append(d,
		shape{box(0, 148, 20, 8, 4), soot, mark, 80},
		shape{box(18, 146, 164, 14, 6), walnut, wood, 0},
		shape{outline("M22 100 L178 100 L172 150 L28 150 Z"), p.main, painted, 0},
		shape{box(18, 94, 164, 13, 5), p.trim, painted, 0})
	d = append(d, wheel(56, 170, 20, p.third)...)
	return append(d, wheel(144, 170, 20, p.third)...)
}

func car(p palette) drawing {
	d := drawing{
		{outline("M44 112 C50 70 70 64 104 64 C136 64 146 84 156 112 Z"), p.trim, painted, 0},
		{outline("M62 108 C66 82 76 78 96 78 L96 108 Z"), soot, mark, 72},
		{outline("M106 108 L106 78 C126 78 132 88 138 108 Z"), soot, mark, 72},
		{outline("M64 104 L86 79 L96 78 L70 108 L63 108 Z"), cream, mark, 22},
		{outline("M16 162 C8 120 22 106 48 106 L152 106 C184 106 194 130 190 162 Z"), p.main, painted, 0},
		{outline("M18 138 L190 138 L190 148 L17 148 Z"), cream, mark, 85},
		{box(96, 118, 26, 8, 4), p.main.darker(35), mark, 0},
		{circle(180, 128, 9), marigold.lighter(25), painted, 0},
		{box(8, 154, 184, 12, 6), walnut, wood, 0},
	}
	d = append(d, wheel(54, 164, 26, p.third)...)
	return append(d, wheel(148, 164, 26, p.third)...)
}

func duck(p palette) drawing {
	d := drawing{
		{outline("M26 98 C14 84 12 72 16 66 C40 88 60 92 92 96 C96 84 96 80 94 66 C88 32 112 16 134 16 " +
			"C160 16 174 36 170 60 C168 76 158 84 156 94 C178 132 150 156 110 156 L82 156 C44 156 24 132 26 98 Z"),
			p.main, painted, 0},
		{outline("M166 42 C184 40 198 46 198 53 C196 62 178 66 164 62 Z"), p.third, painted, 0},
		{outline("M166 52 L197 53 L165 55 Z"), soot, mark, 45},
		{circle(144, 44, 9), cream, mark, 0},
		{circle(146, 44, 5.5), soot, mark, 0},
		{outline("M58 108 C84 92 112 102 122 124 C104 142 72 140 58 108 Z"), p.trim, painted, 0},
		{outline("M70 114 C88 106 104 112 111 123 C96 122 82 120 70 114 Z"), cream, mark, 40},
		{box(26, 152, 148, 15, 7), beech, wood, 0},
	}
	d = append(d, wheel(58, 169, 21, p.third)...)
	return append(d, wheel(144, 169, 21, p.third)...)
}

func horse(p palette) drawing {
	return drawing{
		{outline("M40 92 C14 86 8 118 20 146 C30 134 30 120 48 112 Z"), p.third, painted, 0}, // tail
		{bar(62, 126, 50, 168, 17), walnut, wood, 0},
		{bar(134, 126, 146, 168, 17), walnut, wood, 0},
		{outline("M38 100 C44 86 66 84 88 88 C108 92 114 80 120 60 C126 36 140 26 156 24 L160 12 L170 26 " +
			"C184 38 192 54 194 66 C194 78 182 82 174 76 L156 72 C154 92 154 108 150 124 " +
			"C142 142 120 140 100 138 C78 138 58 146 46 132 C38 122 36 110 38 100 Z"), p.main, painted, 0},
		{bar(80, 130, 70, 170, 17), beech, wood, 0},
		{bar(118, 130, 128, 170, 17), beech, wood, 0},
		{outline("M158 22 C134 14 110 36 106 64 C104 78 100 86 92 90 C110 96 124 88 130 68 C134 50 144 34 158 22 Z"),
			p.third, painted, 0}, // mane
		{outline("M78 86 C90 96 112 92 118 80 L126 112 C112 124 90 124 78 112 Z"), p.trim, painted, 0}, // saddle
		{outline("M150 70 L156 70 L190 44 L186 40 Z"), p.trim, mark, 0},                                // bridle
		{circle(164, 45, 5), soot, mark, 0},
		{circle(187, 68, 3), soot, mark, 60},
		{outline("M4 150 C30 196 170 196 196 150 L184 144 C160 178 40 178 16 144 Z"), p.trim, painted, 0}, // rocker
		{outline("M30 168 C70 184 130 184 170 168 C130 179 70 179 30 168 Z"), cream, mark, 50},
	}
}
