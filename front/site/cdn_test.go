package site_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/front/site"
)

var assetURL = regexp.MustCompile(`(?:href|src)="([^"]*)/assets/`)

func TestAssetsPointAtTheCDN(t *testing.T) {
	for _, row := range []struct{ cdn, host, base, source string }{
		{"", "shop.example", "", ""},
		{"https://cdn.example.org", "shop.example", "https://cdn.example.org", "https://cdn.example.org"},
		{"https://cdn.example.org:8443/toys/", "shop.example", "https://cdn.example.org:8443/toys",
			"https://cdn.example.org:8443"},
		{"//cdn.example.org", "shop.example", "//cdn.example.org", "cdn.example.org"},
		{"http://cdn.{host}", "shop.example:8080", "http://cdn.shop.example:8080", "http://cdn.shop.example:8080"},
		{"//{host}/edge", "127.0.0.1:8080", "//127.0.0.1:8080/edge", "127.0.0.1:8080"},
		{"http://{host}", "[::1]:8080", "http://[::1]:8080", "http://[::1]:8080"},
		{"http://cdn.{host}", "127.0.0.1:8080", "", ""},        // an address has no cdn. name
		{"http://cdn.{host}", "[::1]:8080", "", ""},            //
		{"http://cdn.{host}", "shop.example:99999999", "", ""}, // not repeated, the page still works
		{"http://{host}:8081", "shop.example:8080", "", ""},    // two ports: the host's own is in {host}
		{"http://{host}:8081", "shop.example", "http://shop.example:8081", "http://shop.example:8081"},
	} {
		t.Run(row.cdn+" "+row.host, func(t *testing.T) {
			base := mustStartShop(t, newFakeAPI("Yoyo"), site.Config{CDNURL: row.cdn})
			page := mustAsk(t, http.MethodGet, base+"/", "Host", row.host)
			found := assetURL.FindAllStringSubmatch(string(page.body), -1)
			if len(found) < 10 {
				t.Fatalf("the page names %d assets, want at least 10", len(found))
			}
			for _, asset := range found {
				if asset[1] != row.base {
					t.Fatalf("an asset is at %q, want %q", asset[1], row.base)
				}
			}
			want := strings.TrimSpace("script-src 'self' "+row.source) + ";"
			if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
				t.Errorf("policy %q, want %q in it", policy, want)
			}
		})
	}
}

func TestMalformedHostsAreRefused(t *testing.T) {
	base := mustStartShop(t, newFakeAPI("Yoyo"), site.Config{CDNURL: "http://cdn.{host}"})
	for _, host := range []string{`"><script>`, "a;script-src *", "evil.example/x", "user@evil.example"} {
		page := mustAsk(t, http.MethodGet, base+"/", "Host", host)
		if page.status != http.StatusBadRequest || strings.Contains(string(page.body), host) {
			t.Errorf("Host %s: %d %q, want 400 that does not repeat it", host, page.status, page.body)
		}
	}
}

func TestPolicyIsStrict(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	policy := mustAsk(t, http.MethodGet, base+"/").header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
		"form-action 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q, want %q in it", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("policy %q allows too much", policy)
	}
}

func TestCDNURLIsChecked(t *testing.T) {
	for _, bad := range []string{
		"cdn.example.org", "ftp://cdn.example.org", "http://", "/", "https://a b", "https://user@cdn.example.org",
		"https://cdn.example.org/?x=1", "https://cdn.example.org/{host}", "https://cdn.{host}.{host}", "javascript://x",
		`https://cdn.example.org/"onerror="x`, "https://cdn.example.org:port", "https://cdn.example.org; script-src *",
	} {
		if err := site.CheckCDNURL(bad); err == nil {
			t.Errorf("CheckCDNURL(%q) = nil, want an error", bad)
		}
	}
	for _, good := range []string{"", "https://cdn.example.org/", "//cdn.{host}", "http://cdn.{host}/a/b",
		"http://[::1]:80"} {
		if err := site.CheckCDNURL(good); err != nil {
			t.Errorf("CheckCDNURL(%q) = %v, want nil", good, err)
		}
	}
}

// TestPageOverTheCDN loads the page's assets from another host name and shows where they came from.
func TestPageOverTheCDN(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{CDNURL: "http://cdn.{host}"})
	page := strings.Replace(base, "127.0.0.1", "shop.localhost", 1)
	cdnHost := strings.TrimPrefix(strings.Replace(base, "127.0.0.1", "cdn.shop.localhost", 1), "http://")
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(page))
	b.waitFor("the hero's row", `document.getElementById("parcels-of-page").textContent.includes("hero.jpg")`)
	rows := evaluate[[]string](b, `[...document.querySelectorAll("#parcels-of-page tr")].map((row) => row.textContent)`)
	if len(rows) < 10 {
		t.Fatalf("%d rows, want at least 10: %q", len(rows), rows)
	}
	for _, row := range rows[1:] {
		if !strings.Contains(row, cdnHost) || !strings.Contains(row, "front: front-3") ||
			strings.Contains(row, "not told") {
			t.Errorf("row %q, want the host %s, who answered and the size", row, cdnHost)
		}
	}
	b.ask("call-add", "add-name", "Toupie")
	b.waitFor("the new toy's picture, through the redirect", `
		document.querySelector("#shelf img").currentSrc.includes("toy-picture") &&
		document.querySelector("#shelf img").naturalWidth > 0`)
}
