package site_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/front/site"
)

// TestLooks saves pictures of the page for people to look at, and fails when the page is wider than the screen.
func TestLooks(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	b := mustOpenTab(t)
	for _, scheme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"desktop": 1440, "tablet": 820, "phone": 360} {
			b.scheme(scheme)
			b.must(chromedp.EmulateViewport(width, 800), chromedp.Navigate(base))
			evaluate[bool](b, `document.querySelector(".hero").decode().then(() => true)`)
			b.must(chromedp.Click("#call-heavy button"))
			b.waitFor("an answer", `document.querySelector("#call-heavy output").textContent.includes("Woody")`)
			b.waitFor("the hero's parcel",
				`document.getElementById("parcels-of-page").textContent.includes("hero.jpg")`)
			if got, most := evaluate[int64](b, `document.documentElement.scrollWidth`), width; got > most {
				t.Errorf("%s: the page is %d px wide on a screen of %d", name, got, most)
			}
			b.photograph(name + "-" + scheme)
		}
	}
}

// shelf is what the tests sell, oldest first.
var shelf = []string{
	"Cubes en hêtre", "Voiture rouge", "Toupie", "Fusée", "Robot Léon", "Bateau bleu", "Poupée Olga",
	"Canard à roulettes",
	"Avion", "Tour de Hanoï", "Cheval à bascule", "Joli train", "Puzzle", "Yoyo",
}
