package site_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// response is a response with its body read.
type response struct {
	status int
	header http.Header
	body   []byte
}

// mustAsk sends one request; headers are pairs of name and value.
func mustAsk(t *testing.T, method, url string, headers ...string) response {
	t.Helper()
	got, err := ask(t.Context(), method, url, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return got
}

func ask(ctx context.Context, method, url string, headers ...string) (response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return response{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	got, err := plainClient.Do(request)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return response{got.StatusCode, got.Header, body}, err
}

// pairs makes names and values of lines "Name: value".
func pairs(fields []string) (headers []string) {
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		headers = append(headers, name, value)
	}
	return headers
}

// plainClient shows answers as they are: it neither unpacks nor follows.
var plainClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// mustFindAsset returns the path of an asset, with its hash, as the page at base names it.
func mustFindAsset(t *testing.T, base, stem, ext string) string {
	t.Helper()
	page := mustAsk(t, http.MethodGet, base+"/")
	path := regexp.MustCompile(`/assets/` + stem + `\.[0-9a-f]{16}\.` + ext).Find(page.body)
	if path == nil {
		t.Fatalf("the page names no %s.%s", stem, ext)
	}
	return string(path)
}

func (a response) want(t *testing.T, status int, headers map[string]string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status = %d, want %d", a.status, status)
	}
	for name, want := range headers {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
