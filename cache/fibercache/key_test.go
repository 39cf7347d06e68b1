package fibercache_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/cache/fibercache"
)

// TestEveryValueOfAParameterCounts checks that all values of a repeated query parameter, in their order, are part of
// the key.
func TestEveryValueOfAParameterCounts(t *testing.T) {
	p := mustServe(t, fibercache.Options{Query: []string{"page"}}, func(c *fiber.Ctx) error {
		var pages []string
		for _, page := range c.Context().QueryArgs().PeekMulti("page") {
			pages = append(pages, string(page))
		}
		return c.SendString(strings.Join(pages, "+"))
	})
	for _, query := range []string{"page=1", "page=1&page=2", "page=2&page=1", "page=1&other=2"} {
		want := strings.NewReplacer("&other=2", "", "page=", "", "&", "+").Replace(query)
		if got := p.get("/toys/1?" + query); got.body != want {
			t.Errorf("?%s got %q, want %q", query, got.body, want)
		}
	}
}

// TestABodyOfAGetPassesBy asks with a body, which is in no key.
func TestABodyOfAGetPassesBy(t *testing.T) {
	p := mustServe(t, fibercache.Options{}, func(c *fiber.Ctx) error { return c.SendString("got " + string(c.Body())) })
	for _, body := range []string{"a", "b", ""} {
		request, err := http.NewRequest(http.MethodGet, p.url+"/toys/1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(got) != "got "+body {
			t.Errorf("with the body %q: %q, %v", body, got, err)
		}
	}
	if got := p.get("/toys/1"); got.header.Get("Cache-Status") == "" ||
		!strings.Contains(got.header.Get("Cache-Status"), "hit") {
		t.Errorf("without one it is not kept: %s", got.header.Get("Cache-Status"))
	}
}
