package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/front/site"
)

// TestStockCountsDown checks that the page shows the stock of a counted toy, updates it as it changes down to "sold
// out", asks again by ETag, and shows none for a toy that is not counted.
func TestStockCountsDown(t *testing.T) {
	t.Parallel()
	shop := newFakeAPI("Yoyo", "Robot")
	shop.count(2, 3)
	base := mustStartShop(t, shop, site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.waitFor("what is left", `document.querySelector("#toy-2 .left").textContent === "3 left"`)
	if evaluate[bool](b, `document.querySelector("#toy-1 .left") !== null`) {
		t.Error("a toy that nobody counts has a stock")
	}
	// A toy that is not on the screen is not asked for.
	evaluate[bool](b, `(document.querySelector("#toy-2").scrollIntoView(), true)`)
	shop.count(2, 1)
	b.waitFor("fewer", `document.querySelector("#toy-2 .left").textContent === "1 left"`)
	for began := time.Now(); shop.sentUnchanged() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > stepTimeout {
			t.Fatal("the page never asked by the ETag that it has")
		}
	}
	shop.count(2, 0)
	b.waitFor("none", `document.querySelector("#toy-2 .left").textContent === "sold out"`)
}

// TestTermsInThePage reads the page as it is without a script.
func TestTermsInThePage(t *testing.T) {
	shop := newFakeAPI("Yoyo", "Robot", "Duck")
	shop.count(2, 3)
	shop.count(3, 0)
	shop.toys[1].Price = "19.99 EUR"
	page := string(mustAsk(t, "GET", mustStartShop(t, shop, site.Config{})).body)
	for _, want := range []string{`<span class="price">19.99 EUR</span>`, `data-left="3">3 left<`,
		`data-left="0">sold out<`} {
		if strings.Count(page, want) != 1 {
			t.Errorf("the page has %d times %s", strings.Count(page, want), want)
		}
	}
}
