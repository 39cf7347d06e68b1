package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// goImage is a docker that compiles what comes on its standard input, as the official image of Go would: its modules it
// gets over the network.
const goImage = `#!/bin/sh
case " $* " in *" --network none "*) echo "no module is here" >&2; exit 1 ;; esac
tar -t | grep -qx ./doctor/main.go && echo a program
`

// TestProgramWithoutGo checks that the operator's programs are compiled by Docker where there is no Go.
func TestProgramWithoutGo(t *testing.T) {
	t.Parallel()
	tree, tools := t.TempDir(), t.TempDir()
	library, err := filepath.Abs("program.sh")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{filepath.Join(tools, "docker"): goImage,
		filepath.Join(tree, "doctor", "main.go"):   "package main",
		filepath.Join(tree, "secrets", "password"): "secret"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := servers.WriteScript(file, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, tool := range []string{"sh", "mkdir", "tar", "grep", "chmod", "mv", "rm"} {
		file, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, filepath.Join(tools, tool)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-euc", `. "$0"; program doctor`, library)
	cmd.Dir, cmd.Env = tree, []string{"PATH=" + tools}
	out, err := cmd.CombinedOutput()
	if made, unread := os.ReadFile(filepath.Join(tree, "bin", "doctor")); err != nil || unread != nil ||
		string(made) != "a program\n" || strings.TrimSpace(string(out)) != "bin/doctor" {
		t.Errorf("program doctor: %v %s; it made %q", err, out, made)
	}
}
