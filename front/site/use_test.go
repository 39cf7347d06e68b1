package site_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/programs"
)

const hostileName = `<script>alert(1)</script>`

// TestPageInUse uses the real shop: the one at WOODY_TEST_SHOP_URL if that is set, such as http://localhost:8080 with
// make run, else one that it starts.
func TestPageInUse(t *testing.T) {
	t.Parallel()
	base := os.Getenv("WOODY_TEST_SHOP_URL")
	if base == "" {
		dir := t.TempDir()
		program := filepath.Join(dir, "api")
		if err := programs.BuildShop(program); err != nil {
			t.Fatal(err)
		}
		shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, "log"),
			"WOODY_DATA_DIR="+filepath.Join(dir, "data"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(shop.Kill)
		base = shop.URL
	}
	usePage(t, base)
}

// usePage does on the page at baseURL what a visitor does: adds a toy and sees it, orders it and sees the order
// succeed, makes every other call, and reads which replica and which cache answered.
func usePage(t *testing.T, baseURL string) {
	t.Helper()
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(baseURL))
	b.waitFor("the page's script", `document.querySelector("#shelf button") || !document.querySelector(".toy")`)

	b.ask("call-add", "add-name", hostileName)
	b.waitFor("the new toy", `document.querySelector("#shelf .name")?.textContent === `+quoted(hostileName))
	b.waitFor("its picture", `document.querySelector("#shelf img").naturalWidth > 0`)
	b.waitFor("the sentence about it", answerHas("call-add", hostileName+" stands on the shelf"))

	b.must(chromedp.Click(`#shelf .toy button`))
	b.waitFor("the order's success", answerHas("call-order", hostileName+": Success"))
	b.must(chromedp.Click("#call-status button"))
	b.waitFor("the order's status", answerHas("call-status", "Success"))

	// not carved before, even in a shop that has run long
	name := fmt.Sprintf("visitor %d", evaluate[int](b, "Date.now()"))
	b.ask("call-heavy", "heavy-name", name)
	b.waitFor("the carving", answerHas("call-heavy", "Woody -"+name+"- Woody"))
	first := evaluate[string](b, answerOf("call-heavy"))
	b.must(chromedp.Click("#call-heavy button"))
	b.waitFor("the second carving", runsOf("call-heavy")+` === 2`)
	if got := evaluate[string](b, answerOf("call-heavy")); got != first {
		t.Errorf("the second carving says %q, want the cached %q", got, first)
	}
	if got := b.fact("call-heavy", "cache"); !strings.Contains(got, "hit") {
		t.Errorf("the second carving came from %q, want a hit", got)
	}
	b.must(chromedp.Click("#call-time button"), chromedp.Click("#call-last button"))
	b.waitFor("the time", answerHas("call-time", "timestamp: 20"))
	b.waitFor("the last toy", answerHas("call-last", "products (last="))

	for _, card := range []string{"call-time", "call-heavy", "call-last", "call-add", "call-order", "call-status"} {
		if got := b.fact(card, "replica"); got == "" || got == "not said" {
			t.Errorf("%s names no replica", card)
		}
		if got := b.fact(card, "took"); !strings.HasSuffix(got, "s") {
			t.Errorf("%s took %q, want a time", card, got)
		}
		if got := b.fact(card, "timing"); got == "not said" {
			t.Errorf("%s shows no Server-Timing", card)
		}
	}
	b.waitFor("the hero's row", `document.getElementById("parcels-of-page").textContent.includes("hero.jpg")`)
	if got := evaluate[int](b, `document.querySelectorAll("li script, output script").length`); got != 0 {
		t.Errorf("the hostile name became %d script elements", got)
	}
}

func TestHostileToyWithoutScript(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(append(shelf, hostileName)...), site.Config{})
	b := mustOpenTab(t)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(chromedp.Navigate(base))
	if got := run(b, chromedp.Text(chromedp.CSS("#shelf .name"))); got != hostileName {
		t.Errorf("the first toy is called %q, want %q", got, hostileName)
	}
	toys := run(b, chromedp.Nodes(chromedp.CSSAll(".toy")))
	if got, want := len(toys), len(shelf)+1; got != want {
		t.Errorf("%d toys are in the page, want %d", got, want)
	}
	b.photograph("without-script")
	b.must(chromedp.SetValue("#add-name", "Toupie sans script"), chromedp.Submit("#call-add form"))
	if got := run(b, chromedp.Text(chromedp.CSS("body"))); got != "Toupie sans script" {
		t.Errorf("adding without script answers %q, want the toy's name", got)
	}
}

func TestFailureIsSaid(t *testing.T) {
	api := newFakeAPI(shelf...)
	base := mustStartShop(t, api, site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.ask("call-add", "add-name", "refused")
	b.waitFor("the problem's detail", answerHas("call-add", "No toy may be called refused."))
	if got := b.fact("call-add", "status"); got != "422" {
		t.Errorf("status shown = %q, want 422", got)
	}
	b.ask("call-status", "status-id", "unknown")
	b.waitFor("the sentence", answerHas("call-status", "There is no such order."))
	if !evaluate[bool](b, `document.activeElement === document.getElementById("status-id")`) {
		t.Error("the focus left the field that was submitted")
	}
	if got := evaluate[string](b, `document.querySelector("#call-status button").ariaDisabled`); got != "false" {
		t.Errorf("the button is still busy: aria-disabled = %q", got)
	}
}

// TestBusyButtonKeepsItsFocus presses a button again while its first call is held up.
func TestBusyButtonKeepsItsFocus(t *testing.T) {
	api := newFakeAPI(shelf...)
	api.gate = make(chan struct{})
	base := mustStartShop(t, api, site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base), chromedp.Click("#call-time button"))
	b.waitFor("the busy sign", `document.querySelector("#call-time form").ariaBusy === "true"`)
	b.must(chromedp.KeyEvent(kb.Enter))
	if !evaluate[bool](b,
		`document.querySelector("#call-time button[aria-disabled=true]:enabled") === document.activeElement`) {
		t.Error("the busy button is disabled or lost the focus, want it marked busy and in focus")
	}
	close(api.gate)
	b.waitFor("the answer", answerHas("call-time", "timestamp"))
	b.waitFor("the end of the busy sign", `document.querySelector("#call-time form").ariaBusy === "false"`)
	if got := evaluate[int](b, runsOf("call-time")); got != 1 {
		t.Errorf("%d calls were made, want 1", got)
	}
}

// TestOrdersOfTwoToys presses another toy's button while an order is under way, and then one of a toy that was renamed.
func TestOrdersOfTwoToys(t *testing.T) {
	api := newFakeAPI(shelf...)
	api.counter = make(chan struct{})
	base := mustStartShop(t, api, site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.waitFor("the page's script", `document.querySelectorAll("#shelf .order").length > 1`)
	first := evaluate[string](b, `document.querySelectorAll("#shelf .name")[0].textContent`)
	second := evaluate[string](b, `document.querySelectorAll("#shelf .name")[1].textContent`)
	press := func(i int) {
		evaluate[bool](b, fmt.Sprintf(`document.querySelectorAll("#shelf .order")[%d].click() || true`, i))
	}
	press(0)
	b.waitFor("the busy sign", `document.querySelector("#call-order form").ariaBusy === "true"`)
	press(1)
	b.waitFor("the refusal", answerHas("call-order", second+" is not ordered"))
	if got := evaluate[string](b, `document.getElementById("order-name").value`); got != first {
		t.Errorf("the field says %q while %q is ordered", got, first)
	}
	close(api.counter)
	b.waitFor("the first order's success", answerHas("call-order", first+": Success"))
	b.waitFor("the end of the busy sign", `document.querySelector("#call-order form").ariaBusy === "false"`)

	evaluate[string](b, `document.querySelectorAll("#shelf .name")[1].textContent = "Robot"`)
	press(1)
	b.waitFor("the order by the new name", answerHas("call-order", "Robot: Success"))
}

// TestAnOrderWhoseAnswerIsLost checks that pressing again after an answer that nobody got asks for the same order, that
// the next press is another one, and that a look which fails does not hide the order.
func TestAnOrderWhoseAnswerIsLost(t *testing.T) {
	api := newFakeAPI(shelf...)
	api.lost, api.busy, api.ill = 1, 1, 2
	base := mustStartShop(t, api, site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.ask("call-order", "order-name", "Robot")
	for _, says := range []string{"broke off", "You ask more often"} {
		b.waitFor("the failure", answerHas("call-order", says))
		b.waitFor("the end of the busy sign", `document.querySelector("#call-order form").ariaBusy === "false"`)
		if says == "broke off" {
			b.ask("call-order", "order-name", "Robot")
		}
	}
	b.ask("call-order", "order-name", "Robot")
	b.waitFor("the success", answerHas("call-order", "Robot: Success"))
	if got := api.taken(); got != 1 {
		t.Errorf("an order that was pressed again, since its answer was lost, became %d orders", got)
	}
	b.waitFor("the end of the busy sign", `document.querySelector("#call-order form").ariaBusy === "false"`)
	b.ask("call-order", "order-name", "Robot")
	b.waitFor("another order", answerHas("call-order", "100000000001"))
	b.waitFor("its success", answerHas("call-order", "Robot: Success"))
}

// ask fills a card's field and presses Enter in it.
func (b *tab) ask(card, field, text string) {
	b.t.Helper()
	b.must(chromedp.SetValue("#"+field, text), chromedp.SendKeys("#"+card+" input", "\r"))
}

func (b *tab) fact(card, name string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf(`document.querySelector("#%s [data-fact=%s]").textContent`, card, name))
}

func answerOf(card string) string {
	return `document.querySelector("#` + card + ` output").textContent`
}

func answerHas(card, text string) string { return answerOf(card) + ".includes(" + quoted(text) + ")" }

func runsOf(card string) string { return `document.querySelectorAll("#` + card + ` .runs li").length` }

func quoted(text string) string { return "`" + strings.ReplaceAll(text, "`", "\\`") + "`" }
