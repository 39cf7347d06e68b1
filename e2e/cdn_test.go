//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/browser"
)

// shopHost is the shop's name in these tests, and cdnHost its assets'. The browser gets their addresses.
const (
	shopHost = "shop.test"
	cdnHost  = "cdn." + shopHost
	nodeAddr = swarmNet + ".1"
)

// uplink is a simulated uplink of the origin, three times as fast as the lab's.
const uplink = "FRONT_LIMIT_RATE=900k"

// TestLongAssetsFromTheEdges shows the page through the proxy over a slow uplink, in stage replicas and in
// stage cdn, and then breaks what stands behind the assets while they are asked for.
func TestLongAssetsFromTheEdges(t *testing.T) {
	takes(t, 6*time.Minute)
	chromium, err := browser.Start("MAP "+shopHost+" "+nodeAddr, "MAP "+cdnHost+" "+nodeAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chromium.Close() })

	mustScript(t, "deploy", "replicas", uplink)
	figuref("page in Chromium, stage replicas, 900 kB/s: %v", mustLook(t, chromium).Took.Round(time.Millisecond))
	figuref("wget -r -np, stage replicas, 900 kB/s: %s", wget(t))

	mustScript(t, "deploy", "cdn", uplink)
	assets := assetsOfPage(t)
	t.Run("crowd", func(t *testing.T) { testCrowd(t, assets) })
	first, err := chromium.NewVisitor()
	if err != nil {
		t.Fatal(err)
	}
	view := mustLookAs(t, first)
	figuref("page in Chromium, stage cdn, first visitor of all: %v", view.Took.Round(time.Millisecond))
	for _, file := range view.Files[1:] {
		if !strings.HasPrefix(file.URL, "http://"+cdnHost+"/") {
			t.Errorf("%s does not come from %s", file.URL, cdnHost)
		}
	}
	before := fetched(t)
	for _, file := range mustLookAs(t, first).Files[1:] {
		if file.Bytes != 0 {
			t.Errorf("in the second view %s came over the network: %d bytes", file.URL, file.Bytes)
		}
	}
	figuref("page in Chromium, stage cdn, another visitor: %v", mustLook(t, chromium).Took.Round(time.Millisecond))
	if got := fetched(t) - before; got != 0 {
		t.Errorf("the second view, and another visitor's first, asked the origin for %d assets, want none", got)
	}
	figuref("wget -r -np, stage cdn: %s", wget(t))

	// Without the hero, which may be on its way when something dies: a body that is cut is what may fail.
	assets = slices.DeleteFunc(assets, func(path string) bool { return strings.Contains(path, "hero") })
	t.Run("edge killed", func(t *testing.T) {
		testWhile(t, assets, "docker kill of one edge", func() { kill(t, "cdn") })
	})
	t.Run("front scaled and rolled", func(t *testing.T) {
		testWhile(t, assets, "front scaled 2 to 4 to 2 and rolled", func() {
			mustScript(t, "scale", "front=4")
			mustScript(t, "scale", "front=2")
			mustDocker(t, "service", "update", "--quiet", "--force", "woody_front")
			awaitSettled(t)
		})
	})
	t.Run("lab", func(t *testing.T) {
		name, value, _ := strings.Cut(uplink, "=")
		t.Setenv(name, value) // as it is deployed
		mustExercise(t, "10. Assets from somewhere else")
	})
}

func mustLook(t *testing.T, chromium *browser.Browser) browser.View {
	t.Helper()
	visitor, err := chromium.NewVisitor()
	if err != nil {
		t.Fatal(err)
	}
	defer visitor.Leave()
	return mustLookAs(t, visitor)
}

func mustLookAs(t *testing.T, visitor *browser.Visitor) browser.View {
	t.Helper()
	view, err := visitor.Look("http://"+shopHost+"/", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// wget fetches the page as the lab does, and returns how long that took and how many files it got.
func wget(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	began := time.Now()
	out, err := exec.Command("wget", "-r", "-np", "-q", "-P", dir, "--header", "Host: "+shopHost,
		nodeURL+"/").CombinedOutput()
	took := time.Since(began)
	files, countErr := exec.Command("sh", "-c", `find "$0" -type f | wc -l`, dir).Output()
	if countErr != nil || strings.TrimSpace(string(files)) == "0" {
		t.Fatalf("wget: %v %s", err, out)
	}
	return fmt.Sprintf("%.2f s, %s files", took.Seconds(), strings.TrimSpace(string(files)))
}

// assetsOfPage returns the paths of the page's assets.
func assetsOfPage(t *testing.T) (paths []string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, nodeURL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = shopHost // an address has no cdn.* beside it
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, found := range regexp.MustCompile(`//`+regexp.QuoteMeta(cdnHost)+
		`(/assets/[^"' )]+)`).FindAllStringSubmatch(string(page), -1) {
		if !seen[found[1]] {
			seen[found[1]] = true
			paths = append(paths, found[1])
		}
	}
	if len(paths) < 5 {
		t.Fatalf("the page names %d assets of the CDN host:\n%.2000s", len(paths), page)
	}
	return paths
}

// asset asks the proxy for an asset, by the CDN's name.
func asset(through *http.Client, path string) (size int64, err error) {
	request, err := http.NewRequest(http.MethodGet, nodeURL+path, nil)
	if err != nil {
		return 0, err
	}
	request.Host = cdnHost
	response, err := through.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	size, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	return size, err
}

// fetched returns how many requests the edges have sent to the fronts.
func fetched(t *testing.T) (n int) {
	t.Helper()
	for _, id := range containers(t, "cdn") {
		line := mustDocker(t, "exec", id, "varnishstat", "-n", "/var/lib/varnish/edge", "-1", "-f", "MAIN.backend_req")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			t.Fatalf("varnishstat: %q", line)
		}
		count, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		n += count
	}
	return n
}

// testCrowd sends 500 requests at once for one asset that no edge has, and checks that the origin gets one.
func testCrowd(t *testing.T, assets []string) {
	before := fetched(t)
	crowd := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 500, DisableKeepAlives: true},
		Timeout: time.Minute}
	var mu sync.Mutex
	var failed []error
	var group sync.WaitGroup
	for range 500 {
		group.Go(func() {
			if _, err := asset(crowd, assets[0]); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	got := fetched(t) - before
	figuref("500 clients at a cold asset: %d failed, %d requests at the origin", len(failed), got)
	if len(failed) > 0 || got != 1 {
		t.Errorf("%d failed, %d requests at the origin; want none and 1 (%v)", len(failed), got, failed)
	}
}

// testWhile asks for assets, one after another, while something happens to what stands behind them.
func testWhile(t *testing.T, assets []string, what string, happens func()) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		happens()
	}()
	good, failed := 0, map[string]int{}
	for n := 0; ; n++ {
		if _, err := asset(client, assets[n%len(assets)]); err != nil {
			failed[err.Error()]++
		} else {
			good++
		}
		select {
		case <-over:
			figuref("%s: %d assets were answered, failed: %v", what, good, failed)
			if len(failed) > 0 {
				t.Errorf("assets failed: %v", failed)
			}
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}
