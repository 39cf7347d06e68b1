package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/internal/browser"
)

// pageDone comes to how long the page took, in milliseconds, once its picture can be shown.
const pageDone = `(document.querySelector(".hero") ? document.querySelector(".hero").decode() : Promise.resolve())` +
	`.then(() => performance.now())`

// InBrowser times a first visit of the page in Chromium, with an empty cache, until its picture is there.
func (s *Shop) InBrowser(ctx context.Context, b *browser.Browser) (raw.Measurement, error) {
	return s.around(raw.Measurement{Name: "table", What: "page_browser", Conns: 1}, func(m *raw.Measurement) error {
		visitor, err := b.NewVisitor()
		if err != nil {
			return orCause(ctx, err)
		}
		defer visitor.Leave()
		stop := context.AfterFunc(ctx, visitor.Leave)
		defer stop()
		bounded, cancel := context.WithTimeout(visitor.Context(), 2*time.Minute)
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
