package main

import "sync"

// Textures are square tiles that repeat without a seam, made once from whole-number noise.

const tileSize = 512

// tile holds a texture's deviation from the plain colour, about -128 to 127.
type tile [tileSize * tileSize]int8

func (t *tile) at(x, y int) int { return int(t[y&(tileSize-1)*tileSize+x&(tileSize-1)]) }

// scramble returns a small integer hash: neighbouring inputs give unrelated outputs.
func scramble(x, y, seed uint32) uint32 {
	h := x*0x9e3779b1 ^ y*0x85ebca77 ^ seed*0xc2b2ae3d
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

// waves returns smooth noise, -128 to 127, with one random value per cellX by cellY pixels. Both must divide tileSize.
func waves(x, y, cellX, cellY int, seed uint32) int {
	nx, ny := tileSize/cellX, tileSize/cellY
	ix, iy := x/cellX, y/cellY
	fx, fy := ease(x%cellX*256/cellX), ease(y%cellY*256/cellY)
	corner := func(i, j int) int { return int(scramble(uint32(i%nx), uint32(j%ny), seed)&255) - 128 }
	top := corner(ix, iy)*(256-fx) + corner(ix+1, iy)*fx
	low := corner(ix, iy+1)*(256-fx) + corner(ix+1, iy+1)*fx
	return (top*(256-fy) + low*fy) >> 16
}

// ease returns 3t²-2t³ for t in 256ths: noise that bends instead of kinking at its cells' borders.
func ease(t int) int { return t * t * (768 - 2*t) >> 16 }

func speck(x, y int, seed uint32) int { return int(scramble(uint32(x), uint32(y), seed)&255) - 128 }

func newTile(f func(x, y int) int) *tile {
	t := new(tile)
	for y := range tileSize {
		for x := range tileSize {
			t[y*tileSize+x] = int8(min(max(f(x, y), -128), 127))
		}
	}
	return t
}

// grain returns bare wood: long streaks that wander a little, with fine pores along them.
func grain(x, y int) int {
	bent := (y + waves(x, y, 128, 64, 7)/10 + tileSize) % tileSize
	return waves(x, bent, 256, 8, 11)/3 + waves(x, bent, 64, 2, 12)/4 + speck(x/6, y, 13)/9
}

// fibre returns felt: short hairs every way over soft patches.
func fibre(x, y int) int {
	return waves(x, y, 64, 64, 21)/5 + waves(x, y, 8, 2, 22)/6 + waves(x, y, 2, 8, 23)/6 + speck(x, y, 24)/6
}

// tooth returns paper and lacquer: an even, fine roughness.
func tooth(x, y int) int { return waves(x, y, 4, 4, 31)/8 + speck(x, y, 32)/8 }

// textures are the tiles that the painter needs.
type textures struct{ grain, fibre, tooth *tile }

// allTextures makes the tiles once, at the same time.
var allTextures = sync.OnceValue(func() textures {
	var t textures
	var making sync.WaitGroup
	making.Go(func() { t.grain = newTile(grain) })
	making.Go(func() { t.fibre = newTile(fibre) })
	making.Go(func() { t.tooth = newTile(tooth) })
	making.Wait()
	return t
})
