package art

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"strings"
	"testing"
)

func TestPictureFollowsTheName(t *testing.T) {
	for name, want := range map[string]string{
		"Joli train":       "toy-train-",
		"CHEVAL à bascule": "toy-horse-",
		"Yoyo":             "toy-yoyo-",
		"un yo-yo":         "toy-yoyo-",
		"Toupie":           "toy-top-",
		"Le petit bateau":  "toy-boat-",
		"Voiture (rouge)":  "toy-car-",
		"wooden blocks":    "toy-blocks-",
		"Fusée":            "toy-rocket-",
	} {
		if got := PictureFor(name); !strings.HasPrefix(got, want) {
			t.Errorf("PictureFor(%q) = %q, want %s…", name, got, want)
		}
	}
}

func TestEveryNameHasAPicture(t *testing.T) {
	pictures := Pictures()
	seen := map[string]bool{}
	for _, name := range []string{"", "<script>", "laptop", "a", "b", "c", "d", "e", "f", "été", "\xff", "1", "2", "3", "4"} {
		picture := PictureFor(name)
		if pictures[picture] == nil {
			t.Errorf("PictureFor(%q) = %q, which is no picture", name, picture)
		}
		if picture != PictureFor(name) {
			t.Errorf("PictureFor(%q) changes", name)
		}
		seen[picture] = true
	}
	if len(seen) < 5 {
		t.Errorf("15 names have %d pictures, want more variety", len(seen))
	}
}

func TestPicturesAreWellFormed(t *testing.T) {
	all := Pictures()
	all["wordmark"], all["icon"] = Wordmark(), Icon()
	for name, svg := range all {
		decoder := xml.NewDecoder(bytes.NewReader(svg))
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

func TestFaviconHoldsItsPicture(t *testing.T) {
	icon := Favicon()
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
