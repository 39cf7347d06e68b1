package measure

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/benchmarks/raw"
)

// Browser is a headless Chromium.
type Browser struct{ ctx context.Context }

// StartBrowser starts Chromium with an empty profile. It reaches this machine's own addresses only,
// unless anywhere is true.
func StartBrowser(anywhere bool) (*Browser, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute))
	if !anywhere {
		options = append(options, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost"))
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...) // Close ends it through the browser
	b := &Browser{}
	b.ctx, _ = chromedp.NewContext(allocator)
	if err := chromedp.Do(b.ctx); err != nil {
		return nil, fmt.Errorf("start Chromium (scripts/need chromium installs it on Debian): %w", err)
	}
	return b, nil
}

// Close ends the browser and waits until it has ended.
func (b *Browser) Close() error { return chromedp.Cancel(b.ctx) }

// Version is Chromium's; empty when it cannot be told.
func (b *Browser) Version() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if out, err := exec.Command(name, "--version").Output(); err == nil {
			return string(out)
		}
	}
	return ""
}

// pageDone comes to how long the page took, in milliseconds, once its picture can be shown.
const pageDone = `(document.querySelector(".hero") ? document.querySelector(".hero").decode() : Promise.resolve()).then(() => performance.now())`

// InBrowser times a first visit of the page in Chromium, with an empty cache, until its picture is there.
func (s *Shop) InBrowser(ctx context.Context, b *Browser) (raw.Measurement, error) {
	return s.around(raw.Measurement{Name: "table", What: "page_browser", Conns: 1}, func(m *raw.Measurement) error {
		tab, closeTab := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
		defer closeTab()
		stop := context.AfterFunc(ctx, closeTab)
		defer stop()
		bounded, cancel := context.WithTimeout(tab, 2*time.Minute)
		defer cancel()
		if _, err := chromedp.Run(bounded, chromedp.Navigate(s.PageURL)); err != nil {
			return orCause(ctx, fmt.Errorf("open %s in Chromium: %w", s.PageURL, err))
		}
		took, err := chromedp.Run(bounded, chromedp.Evaluate[float64](pageDone, chromedp.EvalAwaitPromise))
		if err != nil {
			return orCause(ctx, fmt.Errorf("%s in Chromium: %w", s.PageURL, err))
		}
		if took <= 0 {
			return errors.New("the browser does not say how long the page took")
		}
		m.Oracle.Checked++
		m.Samples = []raw.Sample{{TookUs: int64(1000 * took), Status: 200}}
		return nil
	})
}
