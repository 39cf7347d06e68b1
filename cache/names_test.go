package cache_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoWordOfTheShop checks that a program which uses the cache finds no name of the shop in it, in whose repository
// the cache is: but for the paths of its modules.
func TestNoWordOfTheShop(t *testing.T) {
	const shop = "woo" + "dy"
	paths := strings.NewReplacer("github.com/"+shop+"toys/"+shop+"toys", "", "github.com/"+shop+"toys", "")
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for i, line := range strings.Split(string(text), "\n") {
			line = paths.Replace(strings.ToLower(line))
			if strings.Contains(line, shop) {
				t.Errorf("%s:%d: %s", path, i+1, line)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
