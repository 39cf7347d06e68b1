package main

func boat(p palette) drawing {
	return drawing{
		{box(95, 12, 8, 130, 4), walnut, wood, 0},
		{outline("M108 22 C150 46 172 82 178 122 L108 122 Z"), cream, painted, 0},
		{outline("M108 82 L160 82 C165 90 168 96 171 104 L108 104 Z"), p.main, mark, 0},
		{outline("M90 40 C66 60 44 90 34 122 L90 122 Z"), p.trim, painted, 0},
		{outline("M98 8 L98 26 L70 17 Z"), p.third, painted, 0},
		{outline("M10 130 L190 130 C184 166 160 190 140 190 L60 190 C40 190 18 168 10 130 Z"), p.main, painted, 0},
		{outline("M10 130 L190 130 L187 144 L13 144 Z"), beech, wood, 0},
		{circle(66, 163, 9), cream, painted, 0}, {circle(66, 163, 5), soot, mark, 75},
		{circle(100, 163, 9), cream, painted, 0}, {circle(100, 163, 5), soot, mark, 75},
		{circle(134, 163, 9), cream, painted, 0}, {circle(134, 163, 5), soot, mark, 75},
	}
}

func yoyo(p palette) drawing {
	return drawing{
		{outline("M128 4 C150 4 150 28 128 28 C112 28 110 8 128 4 Z " +
			"M128 10 C118 12 119 22 128 22 C142 22 142 10 128 10 Z"),
			walnut, mark, 0},
		{outline("M124 26 L130 27 C126 44 108 48 104 66 L98 66 C100 44 120 42 124 26 Z"), cream.darker(20), mark, 0},
		{circle(100, 122, 68), p.main.darker(25), painted, 0},
		{circle(97, 121, 66), p.main, painted, 0},
		{circle(97, 121, 51), p.trim, painted, 0},
		{circle(97, 121, 40), p.main, painted, 0},
		{star(97, 121, 33, 15), cream, painted, 0},
		{circle(97, 121, 8), p.third, painted, 0},
		{outline("M42 104 C48 78 66 66 86 63 C66 72 54 86 48 108 Z"), cream, mark, 45},
	}
}

func top(p palette) drawing {
	return drawing{
		{outline("M94 176 L106 176 L100 192 Z"), soot, painted, 0},
		{box(93, 14, 14, 56, 6), beech, wood, 0},
		{circle(100, 20, 13), p.third, painted, 0},
		{outline("M60 70 C60 54 140 54 140 70 L146 84 L54 84 Z"), p.trim, painted, 0},
		{outline("M54 82 L146 82 C176 88 188 96 188 106 L12 106 C12 96 24 88 54 82 Z"), p.main, painted, 0},
		{outline("M12 104 L188 104 C186 118 176 126 164 132 L36 132 C24 126 14 118 12 104 Z"), cream, painted, 0},
		{outline("M36 130 L164 130 C152 142 140 150 130 158 L70 158 C60 150 48 142 36 130 Z"), p.third, painted, 0},
		{outline("M70 156 L130 156 C120 164 112 172 108 180 L92 180 C88 172 80 164 70 156 Z"), beech, wood, 0},
		{circle(46, 118, 6), p.main, mark, 0}, {circle(73, 118, 6), p.trim, mark, 0},
		{circle(100, 118, 6), p.third, mark, 0}, {circle(127, 118, 6), p.trim, mark, 0},
		{circle(154, 118, 6), p.main, mark, 0},
	}
}

func rings(p palette) drawing {
	return drawing{
		{box(92, 20, 16, 150, 8), beech, wood, 0},
		{circle(100, 26, 20), p.main, painted, 0},
		{box(66, 46, 68, 28, 14), p.trim, painted, 0},
		{box(54, 74, 92, 30, 15), p.third, painted, 0},
		{box(42, 104, 116, 32, 16), cream, painted, 0},
		{box(28, 136, 144, 34, 17), p.main, painted, 0},
		{box(16, 170, 168, 20, 9), walnut, wood, 0},
		{outline("M46 146 C70 141 120 141 140 146 C110 148 70 148 46 152 Z"), cream, mark, 40},
		{outline("M58 113 C80 109 110 109 130 113 C110 115 80 115 58 118 Z"), walnut, mark, 25},
	}
}

func doll(p palette) drawing {
	return drawing{
		{outline("M100 10 C136 10 152 38 148 66 C146 78 150 84 158 96 C184 134 172 190 140 190 L60 190 " +
			"C28 190 16 134 42 96 C50 84 54 78 52 66 C48 38 64 10 100 10 Z"), p.main, painted, 0},
		{circle(100, 56, 35), walnut, painted, 0},
		{circle(100, 59, 31), cream.darker(8), painted, 0},
		{outline("M68 54 C72 26 128 26 132 54 C116 50 106 42 100 34 C94 42 84 50 68 54 Z"), walnut, painted, 0},
		{circle(88, 60, 3.6), soot, mark, 0}, {circle(112, 60, 3.6), soot, mark, 0},
		{circle(80, 70, 6), tomato, mark, 35}, {circle(120, 70, 6), tomato, mark, 35},
		{outline("M92 73 C96 80 104 80 108 73 C104 76 96 76 92 73 Z"), tomato, mark, 0},
		{outline("M100 92 C150 92 158 130 150 190 L50 190 C42 130 50 92 100 92 Z"), p.trim, painted, 0},
		{petals(100, 140, 15), p.third, painted, 0},
		{circle(100, 140, 9), cream, painted, 0},
		{outline("M60 180 C70 166 84 168 92 180 C84 184 68 186 60 180 Z"), leaf, painted, 0},
		{outline("M140 180 C130 166 116 168 108 180 C116 184 132 186 140 180 Z"), leaf, painted, 0},
	}
}

func robot(p palette) drawing {
	return drawing{
		{box(97, 8, 6, 26, 3), walnut, wood, 0}, {circle(100, 12, 9), p.third, painted, 0},
		{box(24, 100, 22, 56, 11), p.third, painted, 0}, {box(154, 100, 22, 56, 11), p.third, painted, 0},
		{circle(35, 160, 12), beech, wood, 0}, {circle(165, 160, 12), beech, wood, 0},
		{box(64, 156, 26, 34, 7), walnut, wood, 0}, {box(110, 156, 26, 34, 7), walnut, wood, 0},
		{box(46, 92, 108, 72, 12), p.main, painted, 0},
		{box(80, 80, 40, 18, 4), beech, wood, 0},
		{box(52, 30, 96, 58, 14), p.trim, painted, 0},
		{circle(78, 56, 13), cream, painted, 0}, {circle(122, 56, 13), cream, painted, 0},
		{circle(79, 57, 6), soot, mark, 0}, {circle(121, 57, 6), soot, mark, 0},
		{box(82, 74, 36, 6, 3), soot, mark, 70},
		{box(64, 108, 72, 40, 8), cream, painted, 0},
		{circle(82, 128, 8), tomato, painted, 0}, {circle(102, 128, 8), marigold, painted, 0},
		{circle(122, 128, 8), leaf, painted, 0},
	}
}
