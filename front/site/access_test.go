package site_test

import (
	_ "embed"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/woodytoys/woodytoys/front/site"
)

//go:embed testdata/audit.js
var audit string

// TestEverybodyCanUseIt audits names, headings, live regions, contrast and room: by day and by night, on a desk and on
// a phone, before and after the page has answered.
func TestEverybodyCanUseIt(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	b := mustOpenTab(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			b.scheme(scheme)
			b.must(chromedp.EmulateViewport(width, 800), chromedp.Navigate(base))
			b.audit(scheme, width, "at rest")
			b.must(chromedp.Click("#call-heavy button"), chromedp.Click(".others summary"),
				chromedp.Click("#parcels summary"))
			b.waitFor("an answer", answerHas("call-heavy", "Woody"))
			b.ask("call-status", "status-id", "nobody's")
			b.waitFor("a refusal", answerHas("call-status", "no such order"))
			b.audit(scheme, width, "in use")
		}
	}
}

func (b *tab) audit(scheme string, width int64, when string) {
	b.t.Helper()
	for _, problem := range evaluate[[]string](b, audit) {
		b.t.Errorf("%s, %d px, %s: %s", scheme, width, when, problem)
	}
}

// TestAuditFindsWhatIsWrong checks that the accessibility audit finds each fault of a page with known faults.
func TestAuditFindsWhatIsWrong(t *testing.T) {
	b := mustOpenTab(t)
	b.must(chromedp.Navigate("about:blank"))
	got := evaluate[[]string](b, `document.body.innerHTML = "<h1>A</h1><h3>B</h3><button></button><img>" +
		"<p style='color:#888;background:#999'>pale</p><p style='width:5000px'>wide</p><div class=call></div>", `+audit)
	if want := 10; len(got) < want {
		t.Errorf("the audit found %d problems, want at least %d: %q", len(got), want, got)
	}
}

// TestTabOrder walks the page with the Tab key: every control has its turn, in the order of the page, and shows it.
func TestTabOrder(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.waitFor("the page's script", `document.querySelector("#shelf button")`)
	evaluate[int](b, `window.stops = [...document.querySelectorAll("a, button, input, summary")]
		.filter((e) => e.checkVisibility()).length`)
	stops := evaluate[int](b, `window.stops`)
	if stops < 25 {
		t.Fatalf("there are %d controls, want at least 25", stops)
	}
	evaluate[bool](b, `window.visited = [], true`)
	for range stops {
		b.must(chromedp.KeyEvent(kb.Tab))
		if problem := evaluate[string](b, focusProblem); problem != "" {
			t.Error(problem)
		}
	}
	if got := evaluate[int](b, `new Set(visited).size`); got != stops {
		t.Errorf("Tab reached %d of %d controls", got, stops)
	}
}

// focusProblem returns what is wrong with where the focus is now, after where it was, or "".
const focusProblem = `(() => {
	const now = document.activeElement, before = visited.at(-1), style = getComputedStyle(now);
	visited.push(now);
	const name = now.localName + " " + (now.textContent.trim() || now.id);
	if (now === document.body) return "the focus is nowhere";
	if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return name + " does not show its focus";
	if (!before) return "";
	if (!(before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING)) return name + " comes out of turn";
	const a = before.getBoundingClientRect(), b = now.getBoundingClientRect();
	if (b.bottom <= a.top && b.left <= a.left) return name + " is above and left of what came before it";
	return "";
})()`
