package scripts_test

import (
	"encoding/json"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const shop = "github.com/woodytoys/woodytoys"

// goMod is the output of `go mod edit -json`.
type goMod struct {
	Module  struct{ Path string }
	Go      string
	Require []struct{ Path string }
	Replace []struct{ Old, New struct{ Path string } }
}

func mustReadGoMod(t *testing.T, dir string) (m goMod) {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(dir, err)
	}
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(dir, err)
	}
	return m
}

// modules returns the folders of this repository's modules, seen from here.
func modules(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == "../bin", // in which tests that run beside this one make folders and remove them
			entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"): // a worktree's .git is a file
			return filepath.SkipDir
		case entry.Name() == "go.work":
			t.Errorf("%s: a workspace hides what a module lacks", path)
		case entry.Name() == "go.mod":
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// TestMakeKnowsEveryModule checks the modules that make goes through against those that there are: `./...` ends at the
// next go.mod, and what make leaves out is never tested.
func TestMakeKnowsEveryModule(t *testing.T) {
	made := regexp.MustCompile(`(?m)^MODULES *:= (.*)$`).FindStringSubmatch(mustRead(t, "../Makefile"))
	if made == nil {
		t.Fatal("the Makefile has no MODULES")
	}
	known, there := strings.Fields(made[1]), modules(t)
	for i := range known {
		known[i] = filepath.Join("..", known[i])
	}
	slices.Sort(known)
	slices.Sort(there)
	if !slices.Equal(known, there) {
		t.Errorf("make goes through %v, there are %v", known, there)
	}
}

// TestNoModuleNeedsTheShop shows that who takes the cache takes nothing of the shop, and that each module is made of
// what stands in this repository.
func TestNoModuleNeedsTheShop(t *testing.T) {
	for _, dir := range modules(t) {
		m := mustReadGoMod(t, dir)
		replaced := map[string]string{}
		for _, r := range m.Replace {
			replaced[r.Old.Path] = r.New.Path
		}
		for _, need := range m.Require {
			if need.Path == shop {
				t.Errorf("%s requires the shop", m.Module.Path)
			}
			if !strings.HasPrefix(need.Path, shop+"/") {
				continue
			}
			want := filepath.Join("..", strings.TrimPrefix(need.Path, shop+"/"))
			if got := filepath.Join(dir, replaced[need.Path]); replaced[need.Path] == "" || got != want {
				t.Errorf("%s takes %s from %q, want %s of this repository",
					m.Module.Path, need.Path, replaced[need.Path], want)
			}
		}
		if dir != ".." && m.Go != "1.25.0" {
			t.Errorf("%s needs Go %s, want 1.25.0", m.Module.Path, m.Go)
		}
	}
}
