package site_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/rfc9110"
)

// everything lists one address of each kind: the page, and assets with and without codings.
func everything(t *testing.T, base string) []string {
	t.Helper()
	return []string{base + "/", base + mustFindAsset(t, base, "style", "css"), base + "/robots.txt",
		base + "/favicon.ico", base + "/5mo.jpg"}
}

// TestConditions checks every address, in each coding, against the table of RFC 9110 section 13.
func TestConditions(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	for _, url := range everything(t, base) {
		for _, coding := range []string{"identity", "gzip", "br"} {
			first := mustAsk(t, http.MethodHead, url, "Accept-Encoding", coding)
			tag := first.header.Get("ETag")
			for _, row := range conditionaltest.Cases {
				headers := append(pairs(row.For(tag)), "Accept-Encoding", coding)
				got := mustAsk(t, http.MethodHead, url, headers...)
				if row.Read != http.StatusOK { // the whole 5 MB say no more than their header
					got = mustAsk(t, http.MethodGet, url, append(headers, "Range", "bytes=0-9")...)
				}
				want := map[string]string{"ETag": tag, "Cache-Control": first.header.Get("Cache-Control"),
					"Vary": first.header.Get("Vary")}
				if row.Read == http.StatusPreconditionFailed {
					want = map[string]string{"ETag": "", "Cache-Control": "no-store"}
				}
				if got.status != row.Read {
					t.Errorf("%s in %s: %v = %d, want %d", url, coding, row, got.status, row.Read)
					continue
				}
				got.want(t, row.Read, want)
				if row.Read == http.StatusNotModified && len(got.body) != 0 {
					t.Errorf("a 304 has %d bytes of body", len(got.body))
				}
			}
		}
	}
}

// TestFailuresComeBeforeConditions checks that a condition has no effect where the response would not be a success.
func TestFailuresComeBeforeConditions(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	for _, condition := range []string{"If-Match: *", `If-Match: "a"`, "If-None-Match: *", `If-None-Match: "a"`} {
		for path, want := range map[string]int{
			"/assets/nothing.0123456789abcdef.js": 404,
			"/assets/toy-picture?name=Yoyo":       302,
		} {
			if got := mustAsk(t, http.MethodGet, base+path, pairs([]string{condition})...); got.status != want {
				t.Errorf("%s with %s = %d, want %d", path, condition, got.status, want)
			}
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	for _, rate := range []int64{0, 1_000_000_000} {
		base := mustStartShop(t, newFakeAPI(shelf...), site.Config{LimitRate: rate})
		for _, url := range []string{base + "/", base + "/5mo.jpg", base + mustFindAsset(t, base, "style", "css")} {
			get := mustAsk(t, http.MethodGet, url)
			head := mustAsk(t, http.MethodHead, url)
			head.want(t, http.StatusOK, map[string]string{
				"Content-Length": fmt.Sprint(len(get.body)), "ETag": get.header.Get("ETag"),
				"Content-Type": get.header.Get("Content-Type"), "Cache-Control": get.header.Get("Cache-Control"),
			})
			if len(head.body) != 0 {
				t.Errorf("HEAD has %d bytes of body", len(head.body))
			}
		}
	}
}

// TestRanges checks every address against the table.
func TestRanges(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	for _, url := range everything(t, base) {
		for _, coding := range []string{"identity", "br"} {
			whole := mustAsk(t, http.MethodGet, url, "Accept-Encoding", coding)
			tag := whole.header.Get("ETag")
			for _, row := range rfc9110.Ranges(len(whole.body), tag) {
				if row.Status == http.StatusOK && len(whole.body) > 1<<20 {
					continue // a hundred times 5 MB say no more than the other addresses do
				}
				got := mustAsk(t, http.MethodGet, url, append(pairs(row.Fields), "Accept-Encoding", coding)...)
				part, contentRange := row.Part(whole.body)
				if got.status != row.Status || got.header.Get("Content-Range") != contentRange {
					t.Errorf("%s in %s: %v = %d %q, want %d %q",
						url, coding, row, got.status, got.header.Get("Content-Range"), row.Status, contentRange)
				}
				if row.Status == http.StatusRequestedRangeNotSatisfiable {
					got.want(t, row.Status, map[string]string{"ETag": "", "Cache-Control": "no-store"})
				} else if !bytes.Equal(got.body, part) || got.header.Get("ETag") != tag {
					t.Errorf("%s in %s: %v = %d bytes of %s, want %d of %s",
						url, coding, row, len(got.body), got.header.Get("ETag"), len(part), tag)
				}
			}
		}
	}
}

// TestCodings checks what there is in several codings against the table.
func TestCodings(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	for _, url := range everything(t, base)[:2] {
		for _, row := range rfc9110.Codings {
			got := mustAsk(t, http.MethodGet, url, pairs(row.Fields())...)
			got.want(t, http.StatusOK, map[string]string{"Vary": mustAsk(t, http.MethodHead, url).header.Get("Vary")})
			if coding := got.header.Get("Content-Encoding"); coding != row.Best {
				t.Errorf("%s: %v is answered in %q, want %q", url, row, coding, row.Best)
			}
		}
	}
}

func TestRangeOfACompressedBody(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	url := base + mustFindAsset(t, base, "style", "css")
	whole := mustAsk(t, http.MethodGet, url, "Accept-Encoding", "br")
	part := mustAsk(t, http.MethodGet, url, "Accept-Encoding", "br", "Range", "bytes=5-9")
	part.want(t, http.StatusPartialContent,
		map[string]string{"Content-Encoding": "br", "ETag": whole.header.Get("ETag")})
	if !bytes.Equal(part.body, whole.body[5:10]) {
		t.Errorf("the part is %x, want %x of the compressed bytes", part.body, whole.body[5:10])
	}
}
