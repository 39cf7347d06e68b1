// Package browser looks at pages with Debian's Chromium, as visitors do, and reports what came from where.
package browser

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium. It resolves the hosts of this machine only: 127.0.0.1, localhost and *.localhost,
// and those that it is given.
type Browser struct{ ctx context.Context }

// Anywhere, as an argument of Start, lets the browser resolve all hosts.
const Anywhere = "EXCLUDE *"

// Start starts a browser that shows nothing. Hosts are more that it is to resolve, each as "MAP NAME ADDRESS", or
// Anywhere.
func Start(hosts ...string) (*Browser, error) {
	rules := append(hosts, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost", "EXCLUDE *.localhost")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", strings.Join(rules, ", ")),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...) // Close ends it through the browser
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start Chromium (scripts/need chromium installs it): %w", err)
	}
	return &Browser{ctx}, nil
}

// Close ends the browser, and waits until it has ended.
func (b *Browser) Close() error { return chromedp.Cancel(b.ctx) }

// Version returns Chromium's version, or "" when that cannot be found out.
func Version() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if out, err := exec.Command(name, "--version").Output(); err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// Visitor is somebody with an empty cache at first.
type Visitor struct {
	ctx   context.Context
	leave context.CancelFunc
}

// NewVisitor opens a tab with a profile of its own.
func (b *Browser) NewVisitor() (*Visitor, error) {
	ctx, leave := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(ctx); err != nil {
		leave()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return &Visitor{ctx, leave}, nil
}

// Leave closes the tab, and its cache is gone.
func (v *Visitor) Leave() { v.leave() }

// Context returns the tab, for what chromedp can do with it and Look does not.
func (v *Visitor) Context() context.Context { return v.ctx }

// View is one look at a page.
type View struct {
	// Files are the page and all that it loaded.
	Files []File
	// Took is how long it lasted from the first request until the last file was there.
	Took time.Duration
}

// File is one file of a page.
type File struct {
	URL string
	// Bytes came over the network, headers too; 0 is a file that the browser had.
	Bytes int
	// EndMs is when the file was there, after the start of the view.
	EndMs float64
}

// Look opens a page of the shop and waits for its hero and all else that it loads at once. It gives up after patience.
func (v *Visitor) Look(url string, patience time.Duration) (View, error) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	// via a blank page, so that it is a new visit and not a reload
	steps := chromedp.Steps(chromedp.Navigate("about:blank"), chromedp.Navigate(url))
	if _, err := chromedp.Run(ctx, steps); err != nil {
		return View{}, fmt.Errorf("look at %s: %w", url, err)
	}
	hero := chromedp.Evaluate[bool](`document.querySelector(".hero").decode().then(() => true)`,
		chromedp.EvalAwaitPromise)
	if _, err := chromedp.Run(ctx, hero); err != nil {
		return View{}, fmt.Errorf("look at the hero of %s: %w", url, err)
	}
	last := chromedp.Poll[bool](`document.getElementById("parcels-of-page").textContent.includes("icon.svg")`)
	if _, err := chromedp.Run(ctx, last); err != nil {
		return View{}, fmt.Errorf("wait for the last file of %s: %w", url, err)
	}
	pictures := chromedp.Poll[bool](`[...document.images].every((image) => image.complete ||
		image.getBoundingClientRect().top > innerHeight + 1000)`) // farther down, a lazy one may wait for the visitor
	if _, err := chromedp.Run(ctx, pictures); err != nil {
		return View{}, fmt.Errorf("wait for the pictures of %s: %w", url, err)
	}
	files, err := chromedp.Run(ctx, chromedp.Evaluate[[]File](`
		[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
			.map((file) => ({ URL: file.name, Bytes: file.transferSize, EndMs: file.responseEnd }))`))
	if err != nil {
		return View{}, fmt.Errorf("list the files of %s: %w", url, err)
	}
	view := View{Files: files}
	for _, file := range files {
		view.Took = max(view.Took, time.Duration(file.EndMs*float64(time.Millisecond)))
	}
	return view, nil
}
