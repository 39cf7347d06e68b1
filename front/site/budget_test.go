package site_test

import (
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/front/site"
)

// cost is what a first visit costs, as the browser measured it.
type cost struct {
	Requests     int
	Bytes        int // on the wire, headers too, without the hero
	FirstPaintMs float64
	LayoutShift  float64
}

// watchShifts runs before the page does, so that it sees every shift.
const watchShifts = `
	window.shifted = 0;
	window.addShifts = (shifts) => { for (const shift of shifts) window.shifted += shift.value; };
	window.shifts = new PerformanceObserver((list) => addShifts(list.getEntries()));
	window.shifts.observe({ type: "layout-shift", buffered: true });`

const measureCost = `(() => {
	addShifts(shifts.takeRecords());
	const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
	const light = files.filter((file) => !file.name.includes("/hero."));
	return {
		Requests: files.length,
		Bytes: light.reduce((sum, file) => sum + file.transferSize, 0),
		FirstPaintMs: performance.getEntriesByName("first-contentful-paint")[0].startTime,
		LayoutShift: shifted,
	};
})()`

// TestPageIsLight holds the first visit of a full shelf to its budget. The paint is logged, not judged: how fast it is
// depends on what else the machine does.
func TestPageIsLight(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	mustVisit(t, base) // after this the shop has compressed all
	got := mustVisit(t, base)
	t.Logf("%d requests, %d bytes without the hero, first paint after %.0f ms, layout shift %.4f",
		got.Requests, got.Bytes, got.FirstPaintMs, got.LayoutShift)
	if most := 26; got.Requests > most {
		t.Errorf("%d requests, want at most %d", got.Requests, most)
	}
	if most := 40_000; got.Bytes > most {
		t.Errorf("%d bytes without the hero, want at most %d", got.Bytes, most)
	}
	if most := 0.01; got.LayoutShift > most {
		t.Errorf("layout shift = %.4f, want at most %.2f", got.LayoutShift, most)
	}
}

// mustVisit opens the page with an empty cache and waits for the last of its files.
func mustVisit(t *testing.T, base string) cost {
	t.Helper()
	b := mustOpenTab(t)
	call(b, page.Enable, page.EnableParams{})
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchShifts})
	b.must(chromedp.Navigate(base))
	evaluate[bool](b, `document.querySelector(".hero").decode().then(() => true)`)
	b.waitFor("the last file's row", `document.getElementById("parcels-of-page").textContent.includes("icon.svg")`)
	b.waitFor("the first paint", `performance.getEntriesByName("first-contentful-paint").length > 0`)
	return evaluate[cost](b, measureCost)
}
