package cdn_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/browser"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestAssetsComeFromTheEdge shows the page, with toys on its shelf, to a visitor with an empty cache, to the same one
// again, and to another. Every asset comes from the edge's host, and after the first view nobody asks the origin for
// one.
func TestAssetsComeFromTheEdge(t *testing.T) {
	t.Parallel()
	port := mustFindFreePort(t, "127.0.0.1")
	cdn := "cdn.shop.localhost:" + port
	front := mustStartFront(t, "WOODY_API_URL="+mustStartShop(t).URL, "WOODY_CDN_URL=http://"+cdn)
	origin := mustCount(t, front.URL)
	mustStartEdge(t, []string{origin.addr}, "WOODY_ADDR=127.0.0.1:"+port)
	page := "http://" + strings.Replace(origin.addr, "127.0.0.1", "shop.localhost", 1) + "/"

	chromium, err := browser.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chromium.Close(); err != nil {
			t.Errorf("end Chromium: %v", err)
		}
	})
	visitor := mustInvite(t, chromium)
	first := mustLook(t, visitor, page)
	var assets []string
	for _, file := range first.Files[1:] {
		if u, err := url.Parse(file.URL); err != nil || u.Host != cdn {
			t.Errorf("%s does not come from %s", file.URL, cdn)
		} else {
			assets = append(assets, "GET "+u.Path)
		}
	}
	if len(assets) < 12 {
		t.Errorf("the page loads %d assets, want at least 12: %q", len(assets), assets)
	}
	asked := origin.since()
	for _, asset := range assets {
		if !slices.Contains(asked, asset) {
			t.Errorf("the origin was not asked %q: the test shows nothing", asset)
		}
	}
	if len(slices.Compact(slices.Clone(asked))) != len(asked) {
		t.Errorf("for the first view the origin was asked for something twice: %q", asked)
	}

	second := mustLook(t, visitor, page)
	for _, file := range second.Files[1:] {
		if file.Bytes != 0 {
			t.Errorf("in the second view, %s came over the network: %d bytes", file.URL, file.Bytes)
		}
	}
	if asked := origin.since(); !slices.Equal(asked, []string{"GET /"}) {
		t.Errorf("for the second view the origin was asked %q, want the page alone", asked)
	}

	mustLook(t, mustInvite(t, chromium), page)
	if asked := origin.since(); !slices.Equal(asked, []string{"GET /"}) {
		t.Errorf("for another visitor the origin was asked %q, want the page alone", asked)
	}
}

func mustInvite(t *testing.T, chromium *browser.Browser) *browser.Visitor {
	t.Helper()
	visitor, err := chromium.NewVisitor()
	if err != nil {
		t.Fatal(err)
	}
	return visitor
}

func mustLook(t *testing.T, visitor *browser.Visitor, page string) browser.View {
	t.Helper()
	view, err := visitor.Look(page, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files in %v", len(view.Files), view.Took)
	return view
}

// mustStartShop starts an API with toys of its own, and no page.
func mustStartShop(t *testing.T) *programs.Shop {
	t.Helper()
	program := filepath.Join(t.TempDir(), "api")
	if err := programs.BuildShop(program); err != nil {
		t.Fatal(err)
	}
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(t.TempDir(), "log"),
		"WOODY_FRONT=off", "WOODY_DATA_DIR="+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	for n := range 14 {
		if got, err := ask(http.MethodGet, fmt.Sprintf("%s/api/products?product=Yoyo%d", shop.URL, n)); err != nil ||
			got.status != 200 {
			t.Fatalf("add a toy: %d %v", got.status, err)
		}
	}
	return shop
}
