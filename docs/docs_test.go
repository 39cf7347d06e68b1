// Package docs_test carries out the commands of the documents, and holds them against what these say.
package docs_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/console"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// onCompose and onSwarm are the parts of the lab whose exercises e2e carries out, and takesLong its exercise that
// measures every stage.
const (
	onCompose = "The first step"
	onSwarm   = "Part two: on Docker Swarm"
	takesLong = "12. The report"
)

func TestLab(t *testing.T) {
	testDocument(t, "lab.md", func(s console.Section) bool {
		return !s.Under(onCompose) && !s.Under(onSwarm) && !s.Under(takesLong)
	})
}

func TestLongLab(t *testing.T) {
	testDocument(t, "lab.md", func(s console.Section) bool { return s.Under(takesLong) })
}

// TestTheLabOnDockerIsInE2E looks for the exercises that the tests of the stages name.
func TestTheLabOnDockerIsInE2E(t *testing.T) {
	sections, err := console.Read("lab.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := mustRead(t, "../e2e/stages_test.go") + mustRead(t, "../e2e/cdn_test.go") +
		mustRead(t, "../e2e/database_test.go") + mustRead(t, "../e2e/compose_test.go")
	for _, section := range sections {
		onDocker := section.Under(onCompose) || section.Under(onSwarm)
		if onDocker && !strings.Contains(tests, strconv.Quote(section.Title())) {
			t.Errorf("no test in e2e carries out %q", section.Title())
		}
	}
}

func TestSecure(t *testing.T) {
	testDocument(t, "secure.md", func(console.Section) bool { return true })
}

func TestReadme(t *testing.T) {
	testDocument(t, "../README.md", func(console.Section) bool { return true })
}

// testDocument carries out the sections of a document that are wanted.
func testDocument(t *testing.T, file string, wanted func(console.Section) bool) {
	t.Parallel()
	sections, err := console.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, section := range sections {
		if !wanted(section) {
			continue
		}
		ran++
		t.Run(section.Title(), func(t *testing.T) {
			t.Parallel()
			var settings []string
			if section.Terminal != "" {
				settings = mustRunShop(t, section.Terminal)
			}
			if err := section.Run("..", settings...); err != nil {
				t.Errorf("%s, %v", file, err)
			}
		})
	}
	if ran == 0 {
		t.Errorf("%s has no commands", file)
	}
}

// compiling is how long make may take to compile the shop, beside others that do.
const compiling = 5 * time.Minute

// mustRunShop runs a command that runs the shop, on ports and in a folder of its own, until the test ends: then it gets
// what Ctrl-C sends. It returns settings by which curl finds it at localhost:8080 and its metrics at
// localhost:8081, and shows no progress, as at a terminal.
func mustRunShop(t *testing.T, command string) (settings []string) {
	t.Helper()
	dir := t.TempDir()
	addr, admin := mustFree(t), mustFree(t)
	alive, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The pipe's end is the end of all that make starts, and of itself too when this process dies.
	cmd := exec.Command("bash", "-c", "(read -r <&3; kill -INT 0) & "+command)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "WOODY_ADDR="+addr, "WOODY_ADMIN_ADDR="+admin, "WOODY_DATA_DIR="+dir)
	cmd.ExtraFiles = []*os.File{alive}
	shop, err := servers.Start(cmd, filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	alive.Close()
	t.Cleanup(func() {
		end.Close()
		_ = shop.Wait() // interrupted
	})
	if err := shop.AwaitReady(compiling+servers.Patience, func() error {
		response, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	rc := fmt.Sprintf(
		"silent\nshow-error\nconnect-to = \"localhost:8080:%s\"\nconnect-to = \"localhost:8081:%s\"\n", addr, admin)
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"CURL_HOME=" + dir}
}

func mustFree(t *testing.T) (addr string) {
	t.Helper()
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", port)
}
