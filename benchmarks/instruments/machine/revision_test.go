package machine_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
)

// TestAProgramHasItsRevision builds a program in a repository of its own, before and after a file was changed.
func TestAProgramHasItsRevision(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755),
			os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	run := func(command ...string) string {
		t.Helper()
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
		return string(out)
	}
	write("go.mod", "module example.com/x\n")
	write("main.go", "package main\n\nfunc main() {}\n")
	run("git", "init", "-q")
	run("git", "add", "go.mod", "main.go")
	run("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false",
		"commit", "-qm", "x")
	want := run("git", "rev-parse", "--short=7", "HEAD")[:7]
	program := filepath.Join(t.TempDir(), "x")
	run("go", "build", "-buildvcs=true", "-o", program, ".")
	if got := machine.RevisionOf(program); got != want {
		t.Errorf("the program is of %q, want %q", got, want)
	}
	write("main.go", "package main\n\nfunc main() { println() }\n")
	run("go", "build", "-buildvcs=true", "-o", program, ".")
	if got := machine.RevisionOf(program); got != want+"-dirty" {
		t.Errorf("built from changed files the program is of %q, want %q", got, want+"-dirty")
	}
	if got := machine.RevisionOf(filepath.Join(dir, "main.go")); got != "" {
		t.Errorf("a text is of the revision %q", got)
	}
	t.Chdir(dir)
	run("git", "checkout", "-q", "main.go")
	write("benchmarks/results/2026-11-28-x.txt", "kept\n")
	if got := machine.Revision(); got != want {
		t.Errorf("the checkout is %q, want %q", got, want)
	}
	write("more.go", "package main\n")
	if got := machine.Revision(); got != want+"-dirty" {
		t.Errorf("with a file that git does not know it is %q, want %q", got, want+"-dirty")
	}
}
