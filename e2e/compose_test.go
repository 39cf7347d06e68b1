//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/internal/browser"
)

// compose runs Docker Compose in the tree that is deployed.
func compose(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("docker-compose", args...)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "HTTP_PORT=8080", "LOG_LEVEL=debug")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker-compose %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestLongCompose carries out the lab's first step, asks all that the course asks, looks at the page, and begins again
// with what was there.
func TestLongCompose(t *testing.T) {
	takes(t, 3*time.Minute)
	t.Cleanup(func() {
		compose(t, "down", "--volumes", "--timeout", "5")
		for kind, left := range map[string]string{"volume": "tree_", "network": "tree_"} {
			if names := mustDocker(t, kind, "ls", "-q", "--filter", "name="+left); names != "" {
				t.Errorf("docker-compose down --volumes leaves %ss: %s", kind, names)
			}
		}
	})
	t.Setenv("DRAIN_DELAY", "0s")
	mustExercise(t, "0. The whole shop, without a Swarm")
	at := nodeURL + ":8080"
	callsAt(t, at)
	mustSeeThePage(t, at)

	before := strings.Fields(compose(t, "ps", "-q"))
	compose(t, "up", "-d")
	if after := strings.Fields(compose(t, "ps", "-q")); !slices.Equal(before, after) {
		t.Errorf("docker-compose up, again: the containers were %v and are %v", before, after)
	}
	compose(t, "down", "--timeout", "5") // which keeps the volumes
	began := time.Now()
	compose(t, "up", "-d")
	awaitPing(t, at)
	figuref("docker-compose up -d, with images and data: %.0f s", time.Since(began).Seconds())
	if _, body := getAt(t, at, "/api/products/last"); !strings.Contains(body, "(last=Robot)") {
		t.Errorf("after down and up the last product is %q", body)
	}
}

// awaitPing returns once the shop responds.
func awaitPing(t *testing.T, at string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		response, err := client.Get(at + "/api/ping")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the shop does not answer within a minute: %v", err)
		}
	}
}

// mustSeeThePage looks at the page with a browser, which keeps a picture of it among the test's artifacts.
func mustSeeThePage(t *testing.T, at string) {
	t.Helper()
	chromium, err := browser.Start("MAP shop.test " + nodeAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer chromium.Close()
	visitor, err := chromium.NewVisitor()
	if err != nil {
		t.Fatal(err)
	}
	defer visitor.Leave()
	view, err := visitor.Look(strings.Replace(at, nodeAddr, "shop.test", 1), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(visitor.Context(), time.Minute)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.title + "\n" + document.body.innerText`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "Woodytoys") || !strings.Contains(text, "Robot") || len(view.Files) < 3 {
		t.Errorf("the page has %d files, and says\n%s", len(view.Files), text)
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "compose.png"), png, 0o600); err != nil {
		t.Error(err)
	}
}
