package goproxy_test

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers/goproxy"
)

func mustWrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// mustMakeRepository makes a repository of two modules, one in the other; sub/gone.go was removed and not committed.
func mustMakeRepository(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for file, text := range map[string]string{
		"go.mod": "module example.com/a\n\ngo 1.25.0\n", "a.go": "package a\n", "LICENSE": "do as you like\n",
		"sub/go.mod": "module example.com/a/sub\n\ngo 1.25.0\n", "sub/sub.go": "package sub\n",
		"sub/b/b.go": "package b\n", "sub/deep/go.mod": "module example.com/a/sub/deep\n",
		"sub/deep/deep.go": "package deep\n",
		"submarine/s.go":   "package submarine\n", "sub/gone.go": "package sub\n", ".gitignore": "/sub/ignored.go\n",
	} {
		mustWrite(t, filepath.Join(root, file), text)
	}
	for _, command := range []string{"git init -q .", "git add -A"} {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	mustWrite(t, filepath.Join(root, "sub/ignored.go"), "package sub\n")
	mustWrite(t, filepath.Join(root, "sub/new.go"), "package sub\n")
	if err := os.Remove(filepath.Join(root, "sub/gone.go")); err != nil {
		t.Fatal(err)
	}
	return root
}

func mustList(t *testing.T, file string) (names []string) {
	t.Helper()
	archive, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, file := range archive.File {
		names = append(names, file.Name)
	}
	slices.Sort(names)
	return names
}

func TestModuleHasItsOwnFiles(t *testing.T) {
	root, dir := mustMakeRepository(t), t.TempDir()
	if err := goproxy.Make(dir, root, "v1.2.3", ".", "sub"); err != nil {
		t.Fatal(err)
	}
	got := mustList(t, filepath.Join(dir, "example.com/a/@v/v1.2.3.zip"))
	want := []string{".gitignore", "LICENSE", "a.go", "go.mod", "submarine/s.go"}
	for i := range want {
		want[i] = "example.com/a@v1.2.3/" + want[i]
	}
	if !slices.Equal(got, want) {
		t.Errorf("a has %q, want %q", got, want)
	}
	got = mustList(t, filepath.Join(dir, "example.com/a/sub/@v/v1.2.3.zip"))
	want = []string{"LICENSE", "b/b.go", "go.mod", "new.go", "sub.go"}
	for i := range want {
		want[i] = "example.com/a/sub@v1.2.3/" + want[i]
	}
	if !slices.Equal(got, want) {
		t.Errorf("a/sub has %q, want %q", got, want)
	}
}

// TestGoReadsIt checks that the go command takes a module from a proxy, and finds the checksum right.
func TestGoReadsIt(t *testing.T) {
	root, dir, app := mustMakeRepository(t), t.TempDir(), t.TempDir()
	if err := goproxy.Make(dir, root, "v1.2.3", "sub"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(app, "main.go"), "package main\n\nimport _ \"example.com/a/sub/b\"\n\nfunc main() {}\n")
	for _, command := range []string{"go mod init app", "go get example.com/a/sub/b@latest", "go build .",
		"go mod verify"} {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = app
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=file://"+dir, "GOSUMDB=off", "GOFLAGS=-modcacherw",
			"GOMODCACHE="+filepath.Join(app, "modules"), "GOTOOLCHAIN=local")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
}

func TestFolderWithoutModuleIsRefused(t *testing.T) {
	err := goproxy.Make(t.TempDir(), mustMakeRepository(t), "v1.2.3", "submarine")
	if err == nil || !strings.Contains(err.Error(), "submarine") {
		t.Errorf("the error is %v, want one that names the folder", err)
	}
}
