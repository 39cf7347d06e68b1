package art

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/jpeg"
	"image/png"
	"io"
	"path"
	"testing"
)

func TestSVGsAreDrawings(t *testing.T) {
	for _, name := range Names() {
		if path.Ext(name) != ".svg" {
			continue
		}
		decoder := xml.NewDecoder(bytes.NewReader(Picture(name)))
		paths := 0
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if start, ok := token.(xml.StartElement); ok && start.Name.Local == "path" {
				paths++
			}
		}
		if paths < 3 {
			t.Errorf("%s has %d paths, want a drawing", name, paths)
		}
	}
}

func TestHeroHasTheLabsWeight(t *testing.T) {
	hero := Picture("hero.jpg")
	if got := len(hero); got < 4_900_000 || got > 5_100_000 {
		t.Errorf("the hero has %d bytes, want 4.9 to 5.1 million", got)
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(hero))
	if err != nil {
		t.Fatalf("the hero is no JPEG: %v", err)
	}
	if size.Width != HeroWidth || size.Height != HeroHeight {
		t.Errorf("the hero is %d by %d, want %d by %d", size.Width, size.Height, HeroWidth, HeroHeight)
	}
}

func TestPreviewIsSmall(t *testing.T) {
	preview := Picture("hero-preview.jpg")
	if _, err := jpeg.Decode(bytes.NewReader(preview)); err != nil {
		t.Fatalf("the preview is no JPEG: %v", err)
	}
	if most := 1500; len(preview) > most {
		t.Errorf("the preview has %d bytes, want at most %d", len(preview), most)
	}
}

func TestFaviconHoldsItsPicture(t *testing.T) {
	icon := Picture("favicon.ico")
	if !bytes.HasPrefix(icon, []byte{0, 0, 1, 0, 1, 0, 48, 48}) {
		t.Fatalf("the icon begins with % x", icon[:8])
	}
	picture, err := png.Decode(bytes.NewReader(icon[22:]))
	if err != nil {
		t.Fatalf("the picture in the icon: %v", err)
	}
	if got := picture.Bounds().Dx(); got != 48 {
		t.Errorf("the picture is %d pixels wide, want 48", got)
	}
}
