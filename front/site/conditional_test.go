package site_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/woodytoys/woodytoys/front/art"
	"github.com/woodytoys/woodytoys/front/site"
)

func TestUnchangedIsNotSentAgain(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	for _, url := range []string{base + "/", base + "/5mo.jpg", base + mustFindAsset(t, base, "style", "css")} {
		first := mustAsk(t, http.MethodGet, url)
		etag := first.header.Get("ETag")
		for _, header := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
			got := mustAsk(t, http.MethodGet, url, "If-None-Match", header, "Range", "bytes=0-9")
			got.want(t, http.StatusNotModified, map[string]string{"ETag": etag, "Cache-Control": first.header.Get("Cache-Control")})
			if len(got.body) != 0 {
				t.Errorf("a 304 has %d bytes of body", len(got.body))
			}
		}
		mustAsk(t, http.MethodGet, url, "If-None-Match", `"other"`).want(t, http.StatusOK, nil)
		brotli := mustAsk(t, http.MethodGet, url, "If-None-Match", `"other"`, "Accept-Encoding", "br").header.Get("ETag")
		mustAsk(t, http.MethodGet, url, "If-None-Match", brotli, "Accept-Encoding", "br").
			want(t, http.StatusNotModified, map[string]string{"ETag": brotli})
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

func TestRanges(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	hero := art.Hero()
	size := len(hero)
	etag := mustAsk(t, http.MethodHead, base+"/5mo.jpg").header.Get("ETag")
	for _, row := range []struct {
		header, ifRange string
		status          int
		first, last     int // of the body that is wanted; unused for 416
	}{
		{"bytes=0-0", "", 206, 0, 0},
		{"bytes=100-199", "", 206, 100, 199},
		{fmt.Sprintf("bytes=%d-", size-10), "", 206, size - 10, size - 1},
		{"bytes=-10", "", 206, size - 10, size - 1},
		{"bytes=-99999999", "", 206, 0, size - 1},
		{"bytes=100-99999999999999999999", "", 206, 100, size - 1},
		{"bytes=100-199", etag, 206, 100, 199},
		{"bytes=100-199", `"other"`, 200, 0, size - 1},
		{"bytes=100-199", "Sat, 21 Nov 2026 00:00:00 GMT", 200, 0, size - 1},
		{fmt.Sprintf("bytes=%d-", size), "", 416, 0, 0},
		{"bytes=-0", "", 416, 0, 0},
		{"bytes=5-4", "", 200, 0, size - 1},
		{"bytes=0-1,5-6", "", 200, 0, size - 1},
		{"bytes=a-b", "", 200, 0, size - 1},
		{"bytes=-", "", 200, 0, size - 1},
		{"bytes=+1-2", "", 200, 0, size - 1},
		{"lines=0-1", "", 200, 0, size - 1},
	} {
		t.Run(row.header+" "+row.ifRange, func(t *testing.T) {
			headers := []string{"Range", row.header}
			if row.ifRange != "" {
				headers = append(headers, "If-Range", row.ifRange)
			}
			got := mustAsk(t, http.MethodGet, base+"/5mo.jpg", headers...)
			switch row.status {
			case http.StatusRequestedRangeNotSatisfiable:
				got.want(t, row.status, map[string]string{
					"Content-Range": fmt.Sprintf("bytes */%d", size), "Cache-Control": "no-store", "ETag": "",
				})
				return
			case http.StatusPartialContent:
				got.want(t, row.status, map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", row.first, row.last, size)})
			default:
				got.want(t, row.status, map[string]string{"Content-Range": ""})
			}
			if want := hero[row.first : row.last+1]; !bytes.Equal(got.body, want) {
				t.Errorf("got %d bytes that are not bytes %d to %d", len(got.body), row.first, row.last)
			}
		})
	}
}

func TestRangeOfACompressedBody(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	url := base + mustFindAsset(t, base, "style", "css")
	whole := mustAsk(t, http.MethodGet, url, "Accept-Encoding", "br")
	part := mustAsk(t, http.MethodGet, url, "Accept-Encoding", "br", "Range", "bytes=5-9")
	part.want(t, http.StatusPartialContent, map[string]string{"Content-Encoding": "br", "ETag": whole.header.Get("ETag")})
	if !bytes.Equal(part.body, whole.body[5:10]) {
		t.Errorf("the part is %x, want %x of the compressed bytes", part.body, whole.body[5:10])
	}
}
