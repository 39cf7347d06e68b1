package art

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"runtime"
	"testing"
)

// goldenScene is the hash of a small scene's pixels, before JPEG. It must come out alike on every processor and whatever
// else runs, or replicas would disagree on the hero's name. A change of the drawing changes it on purpose.
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

func TestHeroHasTheLabsWeight(t *testing.T) {
	if got := len(Hero()); got < 4_900_000 || got > 5_100_000 {
		t.Errorf("the hero has %d bytes, want 4.9 to 5.1 million", got)
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(Hero()))
	if err != nil {
		t.Fatalf("the hero is no JPEG: %v", err)
	}
	if size.Width != HeroWidth || size.Height != HeroHeight {
		t.Errorf("the hero is %d by %d, want %d by %d", size.Width, size.Height, HeroWidth, HeroHeight)
	}
}

func TestPreviewIsSmall(t *testing.T) {
	preview := HeroPreview()
	if _, err := jpeg.Decode(bytes.NewReader(preview)); err != nil {
		t.Fatalf("the preview is no JPEG: %v", err)
	}
	if most := 1500; len(preview) > most {
		t.Errorf("the preview has %d bytes, want at most %d", len(preview), most)
	}
}

func BenchmarkScene(b *testing.B) {
	for b.Loop() {
		scene(HeroWidth, HeroHeight).render()
	}
}
