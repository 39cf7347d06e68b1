package main

// The paints of the shop.
const (
	tomato   ink = 0xd6452f
	marigold ink = 0xf0b02e
	lagoon   ink = 0x2f86a6
	leaf     ink = 0x5b9a4b
	plum     ink = 0x8a4f7d
	cream    ink = 0xfbf1dc
	soot     ink = 0x3a2c28
	beech    ink = 0xdcae72
	walnut   ink = 0xa8703f
)

// palette is the paint a toy is sold in: three colours beside bare wood.
type palette struct {
	main  ink
	trim  ink
	third ink
}

// palettes are the paints of package art, in its order.
var palettes = []palette{
	{tomato, marigold, lagoon},
	{marigold, lagoon, tomato},
	{lagoon, marigold, tomato},
	{leaf, tomato, marigold},
	{plum, marigold, leaf},
}
