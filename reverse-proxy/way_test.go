package reverseproxy_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/authority"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// signer signs the certificates of the proxies here.
var signer = func() *authority.Authority {
	a, err := authority.New()
	if err != nil {
		panic(err)
	}
	return a
}()

// way is how a test comes to the proxy: the scheme of its URL.
type way string

const (
	plainly way = "http"
	byTLS   way = "https" // in HTTP/1.1
	byHTTP2 way = "h2"
)

// inBothWays runs a test by HTTP/1.1, and by that in TLS.
func inBothWays(t *testing.T, test func(*testing.T, way)) {
	for _, w := range []way{plainly, byTLS} {
		t.Run(string(w), func(t *testing.T) { test(t, w) })
	}
}

// inEachWay is inBothWays, and by HTTP/2 besides.
func inEachWay(t *testing.T, test func(*testing.T, way)) {
	inBothWays(t, test)
	t.Run(string(byHTTP2), func(t *testing.T) { test(t, byHTTP2) })
}

// mustStart starts the proxy, where the way is in TLS with a certificate. Its URL is of this way.
func (w way) mustStart(t *testing.T, cfg programs.HAProxyConfig) *programs.HAProxy {
	t.Helper()
	if w == plainly {
		return mustStart(t, cfg)
	}
	cfg.Certificates = t.TempDir()
	if err := signer.WriteTo(cfg.Certificates, authority.Certificate{}); err != nil {
		t.Fatal(err)
	}
	proxy := mustStart(t, cfg)
	proxy.URL = string(w) + "://" + proxy.TLS
	return proxy
}

// transport returns what sends requests to URLs of those schemes, each on a connection of its own or on one that is
// kept.
func transport(apart bool) *http.Transport {
	// An empty map has no HTTP/2.
	none := map[string]func(string, *tls.Conn) http.RoundTripper{}
	one := &http.Transport{
		DisableKeepAlives: apart, MaxConnsPerHost: 1, TLSClientConfig: signer.Client(), TLSNextProto: none}
	two := &http.Transport{DisableKeepAlives: apart, TLSClientConfig: signer.Client(), ForceAttemptHTTP2: true}
	if apart {
		one.MaxConnsPerHost = 0
	}
	one.RegisterProtocol("h2", http2Transport{two})
	return one
}

// http2Transport sends requests whose scheme is h2 over HTTP/2.
type http2Transport struct{ *http.Transport }

func (v http2Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.URL.Scheme = "https"
	got, err := v.Transport.RoundTrip(sent)
	if err == nil && got.ProtoMajor != 2 {
		panic("not HTTP/2, but " + got.Proto)
	}
	return got, err
}

// mustDial connects to the proxy, for HTTP/1.1 in TLS where its URL says https.
func mustDial(t *testing.T, proxy *programs.HAProxy) net.Conn {
	t.Helper()
	var conn net.Conn
	var err error
	if strings.HasPrefix(proxy.URL, "http:") {
		conn, err = net.Dial("tcp", proxy.Addr())
	} else {
		conn, err = tls.Dial("tcp", proxy.TLS, signer.Client())
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
