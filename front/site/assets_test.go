package site_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/woodytoys/woodytoys/front/art"
	"github.com/woodytoys/woodytoys/front/site"
)

const aYear = "public, max-age=31536000, immutable"

var linkedName = regexp.MustCompile(`\./([a-z-]+\.[0-9a-f]{16}\.[a-z]+)`)

func TestAssetIsKeptForAYear(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	for name, kind := range map[string][2]string{
		"style":    {"css", "text/css; charset=utf-8"},
		"app":      {"js", "text/javascript; charset=utf-8"},
		"wordmark": {"svg", "image/svg+xml"},
		"hero":     {"jpg", "image/jpeg"},
		"icon":     {"svg", "image/svg+xml"},
		"receipt":  {"js", "text/javascript; charset=utf-8"},
	} {
		got := mustAsk(t, http.MethodGet, base+mustFindAsset(t, base, name, kind[0]))
		got.want(t, http.StatusOK, map[string]string{
			"Cache-Control": aYear, "Content-Type": kind[1], "Access-Control-Allow-Origin": "*",
			"Timing-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "X-Served-By": "front-3",
			"Server-Timing": `front;desc="front-3"`, "Accept-Ranges": "bytes", "Content-Encoding": "",
		})
		if etag := got.header.Get("ETag"); !strings.HasPrefix(etag, `"`) {
			t.Errorf("%s: ETag = %q, want a strong one", name, etag)
		}
	}
}

func TestEveryNameInAnAssetLeadsSomewhere(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	app := mustAsk(t, http.MethodGet, base+mustFindAsset(t, base, "app", "js"))
	names := linkedName.FindAllStringSubmatch(string(app.body), -1)
	style := mustAsk(t, http.MethodGet, base+mustFindAsset(t, base, "style", "css"))
	names = append(names, linkedName.FindAllStringSubmatch(string(style.body), -1)...)
	if len(names) < 6 {
		t.Fatalf("app.js and style.css name %d assets, want at least 6", len(names))
	}
	for _, name := range names {
		mustAsk(t, http.MethodGet, base+"/assets/"+name[1]).want(t, http.StatusOK,
			map[string]string{"Cache-Control": aYear})
	}
}

func TestUnknownHashGetsTheCurrentFile(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	current := mustAsk(t, http.MethodGet, base+mustFindAsset(t, base, "style", "css"))
	for _, path := range []string{"/assets/style.0123456789abcdef.css", "/assets/style.css",
		"/assets/style.short.css"} {
		got := mustAsk(t, http.MethodGet, base+path)
		got.want(t, http.StatusOK, map[string]string{"Cache-Control": "no-store"})
		if !bytes.Equal(got.body, current.body) {
			t.Errorf("%s is not the current file", path)
		}
	}
}

func TestUnknownAsset(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	for _, path := range []string{"/assets/", "/assets/nothing.0123456789abcdef.css", "/assets/../go.mod",
		"/assets/%2e%2e/site.go"} {
		mustAsk(t, http.MethodGet, base+path).want(t, http.StatusNotFound,
			map[string]string{"Cache-Control": "no-store"})
	}
}

func TestFixedAddresses(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(), site.Config{})
	lab := mustAsk(t, http.MethodGet, base+"/5mo.jpg")
	lab.want(t, http.StatusOK, map[string]string{"Content-Type": "image/jpeg", "Cache-Control": "public, max-age=300"})
	if !bytes.Equal(lab.body, art.Picture("hero.jpg")) {
		t.Error("/5mo.jpg is not the hero")
	}
	mustAsk(t, http.MethodGet, base+"/favicon.ico").want(t, http.StatusOK,
		map[string]string{"Content-Type": "image/x-icon"})
	robots := mustAsk(t, http.MethodGet, base+"/robots.txt")
	if !strings.Contains(string(robots.body), "Disallow: /api/") {
		t.Errorf("robots.txt = %q, want /api/ disallowed", robots.body)
	}
}

func TestEncodings(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	for _, url := range []string{base + mustFindAsset(t, base, "style", "css"), base + "/"} {
		plain := mustAsk(t, http.MethodGet, url)
		etags := map[string]bool{plain.header.Get("ETag"): true}
		for encoding, unpack := range map[string]func(io.Reader) io.Reader{"br": unpackBrotli, "gzip": unpackGzip} {
			got := mustAsk(t, http.MethodGet, url, "Accept-Encoding", encoding)
			got.want(t, http.StatusOK, map[string]string{"Content-Encoding": encoding})
			if !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("Vary = %q, want Accept-Encoding in it", got.header.Values("Vary"))
			}
			if body, err := io.ReadAll(unpack(bytes.NewReader(got.body))); err != nil ||
				!bytes.Equal(body, plain.body) {
				t.Errorf("%s: unpacked, it is not the plain body (%v)", encoding, err)
			}
			if len(got.body)*2 > len(plain.body) {
				t.Errorf("%s: %d bytes of %d: want at most half", encoding, len(got.body), len(plain.body))
			}
			etags[got.header.Get("ETag")] = true
		}
		if len(etags) != 3 {
			t.Errorf("3 encodings have %d validators, want 3: %v", len(etags), etags)
		}
	}
}

func unpackBrotli(r io.Reader) io.Reader { return brotli.NewReader(r) }

func unpackGzip(r io.Reader) io.Reader {
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return strings.NewReader("not gzip: " + err.Error())
	}
	return unpacked
}
