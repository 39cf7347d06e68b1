package art

import (
	"slices"
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
	pictures := Names()
	seen := map[string]bool{}
	for _, name := range []string{"", "<script>", "laptop", "a", "b", "c", "d", "e", "f", "été", "\xff", "1",
		"2", "3", "4"} {
		picture := PictureFor(name)
		if !slices.Contains(pictures, picture) {
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
