package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestBillOfThisProgram builds a program of the repository, and wants its bill to name what go.mod says that it is made
// of, each once, and to be the same the next time.
func TestBillOfThisProgram(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "front")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "../../front")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var first, second bytes.Buffer
	for _, to := range []*bytes.Buffer{&first, &second} {
		if err := write(to, program); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Error("two bills of one program differ")
	}
	var b bill
	if err := json.Unmarshal(first.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" || b.Spec != "1.5" || b.Version != 1 || b.Metadata.Component.Name != "front" ||
		b.Metadata.Component.Type != "application" {
		t.Errorf("%+v", b)
	}
	gomod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{}
	for _, c := range b.Components {
		if refs[c.Ref] || c.PURL == "" || c.Name == "" || c.Type != "library" {
			t.Errorf("%+v is there twice, or lacks something", c)
		}
		refs[c.Ref] = true
		switch {
		case c.Name == "stdlib":
			if want := strings.TrimPrefix(runtime.Version(), "go"); c.Version != want {
				t.Errorf("the library of Go is %s, want %s", c.Version, want)
			}
		case !strings.HasPrefix(c.Name, "github.com/woodytoys/") &&
			!strings.Contains(string(gomod), c.Name+" "+c.Version):
			t.Errorf("go.mod does not have %s %s", c.Name, c.Version)
		}
	}
	fiber := false
	for ref := range refs {
		fiber = fiber || strings.HasPrefix(ref, "pkg:golang/github.com/gofiber/fiber/v2@v2.")
	}
	if !fiber || len(b.Depends) != 1 || len(b.Depends[0].On) != len(refs) {
		t.Errorf("the bill of %d modules has no fiber, or %d dependencies", len(refs), len(b.Depends))
	}
	if err := write(&first, os.DevNull); err == nil {
		t.Error("what is no program has a bill")
	}
}
