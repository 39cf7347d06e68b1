package main

// letters are the capitals of the shop's name as thick strokes in a square of 100 units.
var letters = map[rune][]path{
	'W': {stroke("10 14 30 86"), stroke("30 86 50 30"), stroke("50 30 70 86"), stroke("70 86 90 14")},
	'O': {ring(50, 50, 44, 26)},
	'D': {outline("M16 6 L46 6 C74 6 92 24 92 50 C92 76 74 94 46 94 L16 94 Z " +
		"M34 24 L34 76 L46 76 C62 76 73 66 73 50 C73 34 62 24 46 24 Z")},
	'Y': {stroke("14 14 50 54"), stroke("86 14 50 54"), stroke("50 54 50 86")},
	'T': {stroke("14 15 86 15"), stroke("50 15 50 86")},
	'S': {outline("M82 30 C76 14 62 6 48 6 C28 6 14 17 14 33 C14 50 28 55 46 59 C60 62 66 64 66 70 " +
		"C66 75 60 78 52 78 C42 78 35 73 31 65 L14 74 C20 88 34 95 52 95 C72 95 86 84 86 68 " +
		"C86 51 72 45 54 41 C40 38 34 37 34 31 C34 26 40 23 48 23 C56 23 62 27 65 35 Z")},
}

func stroke(ends string) path {
	n := numbers(ends)
	return bar(n[0], n[1], n[2], n[3], 18)
}

// ring returns a disc with a hole: the hole turns the other way.
func ring(cx, cy, outer, inner float64) path {
	hole := circle(cx, cy, inner).mapped(func(p point) point { return point{2*cx - p.x, p.y} })
	return append(circle(cx, cy, outer), hole...)
}
