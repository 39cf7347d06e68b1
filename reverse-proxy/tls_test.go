package reverseproxy_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestVersionsOfTLS checks that the proxy takes TLS 1.2 and 1.3, negotiates HTTP/2 or HTTP/1.1 in both, and refuses
// older versions.
func TestVersionsOfTLS(t *testing.T) {
	proxy := byTLS.mustStart(t, programs.HAProxyConfig{})
	for _, row := range []struct {
		version uint16
		offered []string
		want    string
	}{
		{tls.VersionTLS12, []string{"h2", "http/1.1"}, "h2"}, {tls.VersionTLS13, []string{"h2", "http/1.1"}, "h2"},
		{tls.VersionTLS12, []string{"http/1.1"}, "http/1.1"}, {tls.VersionTLS13, nil, ""},
		{tls.VersionTLS11, nil, "refused"}, {tls.VersionTLS10, nil, "refused"},
	} {
		config := signer.Client()
		config.MinVersion, config.MaxVersion, config.NextProtos = row.version, row.version, row.offered
		conn, err := tls.Dial("tcp", proxy.TLS, config)
		got := "refused"
		if err == nil {
			got = conn.ConnectionState().NegotiatedProtocol
			conn.Close()
		}
		if got != row.want {
			t.Errorf("%s with %v: %q (%v), want %q", tls.VersionName(row.version), row.offered, got, err, row.want)
		}
	}
}

// TestWithoutTLSIsRedirected checks that requests without TLS are redirected to HTTPS with their method, except for the
// challenges of a certificate authority, requests from within, and those of which a trusted proxy says that it has
// ended their TLS.
func TestWithoutTLSIsRedirected(t *testing.T) {
	proxy := byTLS.mustStart(t, programs.HAProxyConfig{})
	_, port, _ := net.SplitHostPort(proxy.TLS)
	plain := "http://" + proxy.Addr()
	for _, row := range []struct{ method, host, path, want string }{
		{"GET", "shop.example", "/", "https://shop.example:" + port + "/"},
		{"GET", "shop.example:8080", "/api/ping?a=b%20c", "https://shop.example:" + port + "/api/ping?a=b%20c"},
		{"POST", "cdn.shop.example", "/api/products", "https://cdn.shop.example:" + port + "/api/products"},
		{"GET", "[::1]:80", "//other.example/", "https://[::1]:" + port + "//other.example/"},
		{"GET", "shop.example", "/.well-known/acme-challenges", "https://shop.example:" + port +
			"/.well-known/acme-challenges"},
		{"GET", "shop.example", "/.well-known/acme-challenge/x", ""},
	} {
		got := mustDo(t, row.method, plain+row.path, nil, "Host: "+row.host, "X-Forwarded-Proto: https")
		status := http.StatusPermanentRedirect
		if row.want == "" {
			status = http.StatusNotFound // the front's: nobody proves anything here
		}
		if got.status != status || got.header.Get("Location") != row.want ||
			row.want != "" && got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %d %v, want %d", row, got.status, got.header, status)
		}
	}
	if got := mustGet(t, proxy.InnerURL+"/api/ping"); got.status != http.StatusOK {
		t.Errorf("from within without TLS: %d %v, want 200", got.status, got.header)
	}
	trusted := byTLS.mustStart(t, programs.HAProxyConfig{TrustedProxies: []string{"127.0.0.1"}})
	for proto, want := range map[string]int{"https": 200, "http": 308, "": 308} {
		got := mustGet(t, "http://"+trusted.Addr()+"/api/ping", "X-Forwarded-Proto: "+proto)
		if got.status != want {
			t.Errorf("from a trusted proxy that says %q: %d, want %d", proto, got.status, want)
		}
	}
}

// TestStandardPort checks that redirects to HTTPS on port 443 name no port.
func TestStandardPort(t *testing.T) {
	proxy := byTLS.mustStart(t, programs.HAProxyConfig{HTTPSPort: 443})
	got := mustGet(t, "http://"+proxy.Addr()+"/a", "Host: shop.example:80")
	if got.header.Get("Location") != "https://shop.example/a" {
		t.Errorf("%d %v, want a redirect to https://shop.example/a", got.status, got.header)
	}
}

// TestWhatAReplicaSeesOfTLS checks that a replica sees https as the scheme of every request, whatever the client
// claims, also of a write, which passes through the proxy twice.
func TestWhatAReplicaSeesOfTLS(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "for=%q proto=%q host=%q uri=%q", r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Proto"],
			r.Host, r.RequestURI)
	}))
	defer echo.Close()
	for _, w := range []way{byTLS, byHTTP2} {
		proxy := w.mustStart(t, programs.HAProxyConfig{API: []string{echo.Listener.Addr().String()}})
		keepAlive := transport(false)
		want := fmt.Sprintf(`for=["127.0.0.1"] proto=["https"] host=%q uri="/api/products?a=b"`, proxy.TLS)
		for i := range 3 {
			for _, method := range []string{"GET", "POST"} {
				got := mustSend(t, keepAlive, method, proxy.URL+"/api/products?a=b", nil, "X-Forwarded-Proto: http",
					"X-Forwarded-For: 192.0.2.1")
				if got.body != want {
					t.Errorf("%s: request %d, %s: a replica sees %s, want %s", w, i, method, got.body, want)
				}
			}
		}
		keepAlive.CloseIdleConnections()
	}
}

// TestATokensShape checks that one short JWT of ES256 is passed on, and that all else is refused before it costs a
// replica anything.
func TestATokensShape(t *testing.T) {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	token := func(header string) string { return part(header) + "." + part(`{"sub":"x"}`) + "." + part("signature") }
	good := "Authorization: Bearer " + token(`{"alg":"ES256","typ":"JWT","kid":"x"}`)
	long := good + strings.Repeat("A", 4096-len(strings.TrimPrefix(good, "Authorization: ")))
	const through = 200
	for _, w := range []way{byTLS, byHTTP2} {
		proxy := w.mustStart(t, programs.HAProxyConfig{})
		for _, row := range []struct {
			fields []string
			want   int
		}{
			{nil, through}, {[]string{good}, through},
			{[]string{strings.Replace(good, "Bearer", "bearer", 1)}, through},
			{[]string{long}, through}, {[]string{long + "A"}, 401}, {[]string{good, good}, 401},
			{[]string{"Authorization: Basic dTpw"}, 401}, {[]string{"Authorization: "}, 401},
			{[]string{"Authorization: Bearer "}, 401}, {[]string{"Authorization: Bearer a.b.c"}, 401},
			{[]string{good + ".x"}, 401}, {[]string{good + "="}, 401}, {[]string{good + " x"}, 401},
			{[]string{good + ", " + strings.TrimPrefix(good, "Authorization: ")}, 401},
			{[]string{strings.Replace(good, "Bearer", "Bearer\t", 1)}, 401},
			{[]string{"Authorization: Bearer " + part(`{"alg":"ES256"}`) + "." + part("{}")}, 401},
			{[]string{"Authorization: Bearer " + part(`{"alg":"ES256"}`) + "." + part("{}") + "."}, 401},
			{[]string{"Authorization: Bearer " + token(`{"alg":"none"}`)}, 401},
			{[]string{"Authorization: Bearer " + token(`{"alg":"HS256"}`)}, 401},
			{[]string{"Authorization: Bearer " + token(`{"alg":["ES256"]}`)}, 401},
			{[]string{"Authorization: Bearer " + token(`{"typ":"JWT"}`)}, 401},
			{[]string{"Authorization: Bearer " + token(` {"alg":"ES256"}`)}, 401}, // it does not begin with eyJ
		} {
			got := mustGet(t, proxy.URL+"/api/ping", row.fields...)
			if got.status != row.want {
				t.Errorf("%s: %.80q is answered %d %s, want %d", w, row.fields, got.status, got.body, row.want)
			}
			if challenge := got.header.Get("WWW-Authenticate"); got.status == 401 && (!got.problem() ||
				challenge != `Bearer realm="woodytoys", error="invalid_token"`) {
				t.Errorf("%s: %.80q is refused with %q %s", w, row.fields, challenge, got.body)
			}
		}
		if got := mustGet(t, proxy.URL+"/", "Authorization: Basic dTpw"); got.status != 200 {
			t.Errorf("%s: the page with another's password = %d, want 200", w, got.status)
		}
	}
	if got := mustGet(t, mustStart(t, programs.HAProxyConfig{}).URL+"/api/ping",
		"Authorization: Basic dTpw"); got.status != through {
		t.Errorf("without TLS a field of the caller's own = %d, want it passed on", got.status)
	}
}

// TestSafetyFieldsOnEveryAnswer checks that responses of front and API have them, and those that the proxy makes
// itself; and none without TLS.
func TestSafetyFieldsOnEveryAnswer(t *testing.T) {
	cfg := programs.HAProxyConfig{HSTS: true, RateLimit: 10_000}
	for _, w := range []way{byTLS, byHTTP2} {
		proxy := w.mustStart(t, cfg)
		cfg := cfg
		cfg.API = []string{}
		without := w.mustStart(t, cfg)
		for _, row := range []struct {
			url  string
			want int
			more []string
		}{
			{proxy.URL + "/", 200, nil}, {proxy.URL + "/robots.txt", 200, nil}, {proxy.URL + "/nowhere", 404, nil},
			{proxy.URL + "/api/ping", 200, nil}, {proxy.URL + "/api/docs", 200, nil},
			{proxy.URL + "/api/products/x", 404, nil}, {proxy.URL + "/api/nowhere", 404, nil},
			{proxy.URL + "/api/ping", 401, []string{"Authorization: x"}}, {without.URL + "/api/ping", 503, nil},
			{proxy.URL + "/api/ping", 400, []string{"Host: -"}}, {"http://" + proxy.Addr() + "/", 308, nil},
		} {
			got := mustGet(t, row.url, row.more...)
			policy := got.header.Get("Content-Security-Policy")
			if got.status != row.want || got.header.Get("X-Content-Type-Options") != "nosniff" ||
				len(got.header["X-Content-Type-Options"]) != 1 || got.header.Get("Referrer-Policy") != "same-origin" ||
				!strings.Contains(policy, "default-src 'none'") ||
				!strings.Contains(policy, "frame-ancestors 'none'") ||
				strings.Contains(policy, "unsafe-inline") {
				t.Errorf("GET %s = %d %v, want %d with all fields", row.url, got.status, got.header, row.want)
			}
			want := "max-age=31536000"
			if row.want == 308 {
				want = "" // RFC 6797 7.2: not without TLS
			}
			if hsts := got.header.Get("Strict-Transport-Security"); hsts != want {
				t.Errorf("GET %s: Strict-Transport-Security %q, want %q", row.url, hsts, want)
			}
		}
	}
	if got := mustGet(t, byTLS.mustStart(t, programs.HAProxyConfig{}).URL+"/api/ping"); got.header.Get(
		"Strict-Transport-Security") != "" {
		t.Error("HSTS is on without having been asked for")
	}
	for name := range mustGet(t, mustStart(t, cfg).URL+"/api/ping").header {
		if strings.HasPrefix(name, "Strict") || name == "Content-Security-Policy" {
			t.Errorf("without TLS an answer has %s", name)
		}
	}
}

// TestCompressionForOthersPages checks that a response is not compressed if a page of another site asked for it, except
// by the CDN's host name.
func TestCompressionForOthersPages(t *testing.T) {
	for _, w := range []way{byTLS, byHTTP2} {
		proxy := w.mustStart(t, programs.HAProxyConfig{})
		own := "Referer: https://" + proxy.TLS + "/"
		for _, row := range []struct {
			path       string
			compressed bool
			fields     []string
		}{
			{"/", true, nil}, {"/", true, []string{own}}, {"/api/openapi.json", true, []string{own + "?a=b"}},
			{"/", true, []string{"Sec-Fetch-Site: same-origin"}}, {"/", true, []string{"Sec-Fetch-Site: none"}},
			{"/", false, []string{"Sec-Fetch-Site: cross-site"}},
			{"/", false, []string{"Referer: https://evil.example/"}},
			{"/api/openapi.json", false, []string{"Referer: https://evil.example/" + proxy.TLS + "/"}},
			{"/", false, []string{"Referer: " + own[len("Referer: "):len(own)-1] + ".evil.example/"}},
			{"/", false, []string{"Referer: nonsense"}}, {"/", false, []string{own, "Sec-Fetch-Site: cross-site"}},
			{"/", true, []string{"Host: cdn.shop.example", "Referer: https://shop.example/"}},
		} {
			got := mustGet(t, proxy.URL+row.path, append(row.fields, "Accept-Encoding: gzip")...)
			compressed := got.header.Get("Content-Encoding") != ""
			if got.status != 200 || compressed != row.compressed {
				t.Errorf("%s: %s with %q = %d in %q, want it compressed: %v", w, row.path, row.fields, got.status,
					got.header.Get("Content-Encoding"), row.compressed)
			}
		}
	}
}

// TestUpgradesToHTTP2 checks that there is no upgrade without TLS: neither by the preface nor by a field.
func TestUpgradesToHTTP2(t *testing.T) {
	proxy := byTLS.mustStart(t, programs.HAProxyConfig{})
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(response), "HTTP/1.1 400 ") {
		t.Errorf("the preface of HTTP/2 without TLS is answered %q, want 400", response)
	}
}
