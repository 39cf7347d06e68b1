package scripts_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// mustImportAll writes a program that imports every package of the library, and has its modules required.
func (u *user) mustImportAll(t *testing.T) {
	t.Helper()
	var program strings.Builder
	program.WriteString("package main\n\nimport (\n")
	for _, module := range library {
		for _, path := range strings.Fields(mustRun(t, filepath.Join("..", module), "go list ./...")) {
			if !strings.Contains(path, "/internal/") && !strings.HasPrefix(path, shop+"/cache/examples") {
				fmt.Fprintf(&program, "\t_ %q\n", path)
			}
		}
	}
	program.WriteString(")\n\nfunc main() {}\n")
	u.mustWrite(t, "main.go", program.String())
	u.mustGet(t)
}

// TestLongUserNeedsNoTestServers builds, vets, tests and vendors a program that uses every package, from a proxy
// without the module that the library's own tests need.
func TestLongUserNeedsNoTestServers(t *testing.T) {
	t.Parallel()
	u := mustBeUser(t, library...)
	u.mustImportAll(t)
	for _, command := range []string{"go build .", "go vet .", "go test .", "go mod verify", "go mod vendor"} {
		u.mustRun(t, command)
	}
	if left := u.mustRun(t, "ls vendor/github.com/woodytoys/woodytoys"); left != "cache" {
		t.Errorf("vendored are %q, want cache alone", left)
	}
}

// TestLongTidyUserRequiresNoTestServers tidies a program of a user. The go command reads the tests of the packages that
// it imports then, and so their modules: that is why internal/servers has to be published too. It checks that the user
// requires none.
func TestLongTidyUserRequiresNoTestServers(t *testing.T) {
	t.Parallel()
	u := mustBeUser(t, append([]string{testServers}, library...)...)
	u.mustImportAll(t)
	u.mustRun(t, "go mod tidy")
	u.mustRun(t, "go build .")
	if goMod := u.mustRun(t, "cat go.mod"); strings.Contains(goMod, testServers) {
		t.Errorf("tidied, the user requires %s:\n%s", testServers, goMod)
	}
}
