package main

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"testing"

	"github.com/woodytoys/woodytoys/front/art"
)

// goldenScene is the hash of a small scene's pixels, before JPEG. It must come out alike on every processor and
// whatever else runs. A change of the drawing changes it on purpose.
const goldenScene = "f8515087b015ef1a1661db0a035455cecec5a75143d9137a506978d566c747e4"

func TestSceneIsTheSameEverywhere(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, processors := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(processors)
		sum := sha256.Sum256(scene(480, 240).render().Pix)
		if got := hex.EncodeToString(sum[:]); got != goldenScene {
			t.Errorf("with %d processors the scene is %s, want %s", processors, got, goldenScene)
		}
	}
}

func BenchmarkScene(b *testing.B) {
	for b.Loop() {
		scene(art.HeroWidth, art.HeroHeight).render()
	}
}
