package main

// wordmark returns the shop's name in alphabet blocks, as SVG, 9 blocks wide.
func wordmark() []byte {
	var d drawing
	paints := []ink{tomato, lagoon, leaf, plum, walnut.darker(20)}
	lean := []float64{-3, 2, -1.5, 3, -2, 0, 2.5, -3, 2}
	for i, letter := range "WOODYTOYS" {
		b := block(60, 110, 80, paints[i%len(paints)], letter)
		d = append(d, b.placed(50+float64(i)*88, 94, 1, lean[i])...)
	}
	return d.svg("2 4 800 98", 800, 98)
}

// iconSVG returns the shop's mark, one alphabet block, as SVG.
func iconSVG() []byte { return icon().svg("0 0 200 200", 200, 200) }

func icon() drawing { return block(6, 6, 188, tomato, 'W') }
