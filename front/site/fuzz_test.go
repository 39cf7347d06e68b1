package site_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/front/site"
)

// FuzzAssetRequest asks for the page and for assets with whatever the fuzzer makes up, and wants no panic and no status
// from 500 on.
func FuzzAssetRequest(f *testing.F) {
	f.Add("assets/app.0123456789abcdef.js", "bytes=0-99", `W/"x", *`, "br;q=0.5, gzip", "shop.example:8080")
	f.Add("assets/../robots.txt", "bytes=-1,5-", `"`, "*;q=0", "[::1]")
	f.Add("5mo.jpg", "bytes=99999999-", "", "identity;q=0", "<script>")
	f.Add("assets/toy-picture?name=%ff", "bytes=a-b", "*", ",,;", "a b")
	page, err := site.New(site.Config{CDNURL: "http://cdn.{host}", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	page.Register(app)
	f.Fuzz(func(t *testing.T, path, byteRange, noneMatch, encoding, host string) {
		request := httptest.NewRequest("GET", "/", nil)
		request.URL.Opaque = "/" + strings.Map(printable, path)
		request.Host = strings.Map(printable, host)
		request.Header.Set("Range", strings.Map(printable, byteRange))
		request.Header.Set("If-None-Match", strings.Map(printable, noneMatch))
		request.Header.Set("Accept-Encoding", strings.Map(printable, encoding))
		response, err := app.Test(request, -1)
		if err != nil {
			return // not a request that HTTP allows
		}
		response.Body.Close()
		if response.StatusCode >= 500 {
			t.Errorf("%q, Range %q, Host %q: %s", path, byteRange, host, response.Status)
		}
	})
}

func printable(r rune) rune {
	if r <= ' ' || r == 0x7f {
		return -1
	}
	return r
}
