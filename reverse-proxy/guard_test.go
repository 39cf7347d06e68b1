package reverseproxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// whileGoodRequestsGoOn calls the abuse and asks for good responses, from another address, until it is over.
func whileGoodRequestsGoOn(t *testing.T, proxy *programs.HAProxy, abuse func()) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		abuse()
	}()
	keepAlive := transport(false)
	keepAlive.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext
	client := &http.Client{Transport: keepAlive}
	defer client.CloseIdleConnections()
	for good := 0; ; good++ {
		began := time.Now()
		got, err := client.Get(proxy.URL + "/api/ping")
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		took := time.Since(began)
		if got.StatusCode != http.StatusOK {
			t.Errorf("a good request was answered %s after %v", got.Status, took)
		}
		pause := 50 * time.Millisecond
		// Less than the 5 s that the proxy gives the slow. Who had to wait for them was answered when they were over; a
		// machine may be as slow at any time.
		waited := took > 4*time.Second
		if waited {
			pause = 2 * time.Second
		}
		select {
		case <-over:
			if waited {
				t.Errorf("a good request was answered after %v, when the others were over", took)
			}
			t.Logf("%d good requests meanwhile", good+1)
			return
		case <-time.After(pause):
		}
	}
}

func TestRateLimit(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{RateLimit: 30}) // the good ones are twenty at most
	whileGoodRequestsGoOn(t, proxy, func() {
		// A new X-Forwarded-For each time: without trust it names nobody.
		wantRefusals(t, proxy, func(n int64) string { return fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", n%256) })
		time.Sleep(2 * time.Second) // what Retry-After asks for
		if got := mustGet(t, proxy.URL+"/api/ping"); got.status != http.StatusOK {
			t.Errorf("after waiting as Retry-After says: %d", got.status)
		}
	})
}

// wantRefusals asks more often than the rate limit until many requests are refused; field returns one of a request's.
func wantRefusals(t *testing.T, proxy *programs.HAProxy, field func(n int64) string) {
	t.Helper()
	var asked, refused atomic.Int64
	var group sync.WaitGroup
	for range 8 { // one alone may be slower than the limit
		group.Go(func() {
			for refused.Load() < 50 && asked.Load() < 2000 {
				got := mustGet(t, proxy.URL+"/api/ping", field(asked.Add(1)))
				if got.status == http.StatusTooManyRequests {
					refused.Add(1)
					if !got.problem() || got.header.Get("Retry-After") != "2" {
						t.Errorf("429 with Retry-After %q and %s", got.header.Get("Retry-After"), got.body)
					}
				}
			}
		})
	}
	group.Wait()
	if refused.Load() < 50 {
		t.Errorf("%d of %d requests, eight at once, were refused", refused.Load(), asked.Load())
	}
}

// TestRateLimitBehindATrustedProxy counts the clients that the trusted one names: of IPv6 a /64 is one, all of whose
// addresses it has.
func TestRateLimitBehindATrustedProxy(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{RateLimit: 5, TrustedProxies: []string{"10.0.0.0/8", "127.0.0.1"}})
	for i := range 50 {
		if got := mustGet(t, proxy.URL+"/api/ping",
			fmt.Sprintf("X-Forwarded-For: 198.51.100.9, 192.0.2.%d", i)); got.status != http.StatusOK {
			t.Fatalf("client %d was answered %d", i, got.status)
		}
	}
	wantRefusals(t, proxy, func(int64) string { return "X-Forwarded-For: 192.0.2.99" })
	for i := range 50 {
		if got := mustGet(t, proxy.URL+"/api/ping",
			fmt.Sprintf("X-Forwarded-For: 2001:db8:0:%x::1", i)); got.status != http.StatusOK {
			t.Fatalf("client %d of IPv6 was answered %d", i, got.status)
		}
	}
	wantRefusals(t, proxy, func(n int64) string { return fmt.Sprintf("X-Forwarded-For: 2001:db8:1:1::%x", n) })
}

// TestWhatReachesAReplica looks at the header that is passed on.
func TestWhatReachesAReplica(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "for=%q real=%q forwarded=%q proto=%q id=%q", r.Header["X-Forwarded-For"], r.Header["X-Real-Ip"],
			r.Header["Forwarded"], r.Header["X-Forwarded-Proto"], r.Header["X-Request-Id"])
	}))
	defer echo.Close()
	addr := echo.Listener.Addr().String()
	forged := []string{"X-Forwarded-For: 192.0.2.1, 192.0.2.2", "X-Real-IP: 192.0.2.1", "Forwarded: for=192.0.2.1",
		"X-Forwarded-Proto: https", "X-Request-Id: good"}

	got := mustGet(t, mustStart(t, programs.HAProxyConfig{API: []string{addr}}).URL+"/api/ping", forged...)
	if want := `for=["127.0.0.1"] real=[] forwarded=[] proto=["http"] id=["good"]`; got.body != want {
		t.Errorf("from anybody, a replica sees %s, want %s", got.body, want)
	}
	got = mustGet(t, mustStart(t,
		programs.HAProxyConfig{API: []string{addr}, TrustedProxies: []string{"127.0.0.1"}}).URL+"/api/ping", forged...)
	if want := `for=["192.0.2.2"] real=[] forwarded=[] proto=["https"] id=["good"]`; got.body != want {
		t.Errorf("from a trusted proxy, a replica sees %s, want %s", got.body, want)
	}
}

func TestRequestIDs(t *testing.T) { inBothWays(t, testRequestIDs) }

func testRequestIDs(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	seen := map[string]bool{}
	for _, asked := range []string{"", "a b", "\"", strings.Repeat("x", 129)} {
		id := mustGet(t, proxy.URL+"/api/ping", "X-Request-Id: "+asked).header.Get("X-Request-Id")
		if len(id) != 36 || seen[id] {
			t.Errorf("asked with the id %q, answered with %q; want a new one", asked, id)
		}
		seen[id] = true
	}
	if got := mustGet(t, proxy.URL+"/api/ping", "Host: a b",
		"X-Request-Id: mine"); got.header.Get("X-Request-Id") != "mine" {
		t.Errorf("a refusal has the id %q", got.header.Get("X-Request-Id"))
	}
}

func TestAMalformedHost(t *testing.T) { inBothWays(t, testAMalformedHost) }

func testAMalformedHost(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	for host, want := range map[string]int{
		"shop.example": 200, "shop.example:8080": 200, "127.0.0.1": 200, "[::1]:80": 200, "a_b": 200,
		"": 400, "a b": 400, "<script>": 400, "shop.example/x": 400, "shop.example:80:80": 400, "a@b": 400,
		"a,b": 400, "-": 400,
		"shop.example:999999": 400,
	} {
		got, body := raw(t, proxy, "GET /api/ping HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if got != want || want == 400 && !strings.Contains(body, `"detail":"The Host field`) &&
			!strings.Contains(body, `"detail":"The request is not well-formed`) {
			t.Errorf("Host: %s is answered %d %s, want %d", host, got, body, want)
		}
	}
	for _, request := range []string{
		"GET /api/ping HTTP/1.1\r\nConnection: close\r\n\r\n",
		"GET /api/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET /api/ping HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n",
		"GET /api/ping\r\n\r\n",
		"nonsense\r\n\r\n",
	} {
		if got, _ := raw(t, proxy, request); got != 400 {
			t.Errorf("%.60q is answered %d, want 400", request, got)
		}
	}
}

// raw sends bytes and reads until the proxy closes.
func raw(t *testing.T, proxy *programs.HAProxy, request string) (status int, all string) {
	t.Helper()
	conn := mustDial(t, proxy)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(servers.Patience))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := io.ReadAll(conn)
	if err != nil && len(response) == 0 {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(response), "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("%.40q is answered %q", request, response)
	}
	return status, string(response)
}

// TestSlowRequests sends a header, and a body, a byte at a time.
func TestSlowRequests(t *testing.T) { inBothWays(t, testSlowRequests) }

func testSlowRequests(t *testing.T, w way) {
	for name, begin := range map[string]string{
		"header": "GET /api/ping HTTP/1.1\r\nHost: shop.example\r\nX: ",
		"body": "POST /api/products HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n" +
			"Content-Length: 1000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := w.mustStart(t, programs.HAProxyConfig{})
			conn := mustDial(t, proxy)
			whileGoodRequestsGoOn(t, proxy, func() {
				defer conn.Close()
				began := time.Now()
				go func() {
					_, err := io.WriteString(conn, begin)
					for err == nil {
						time.Sleep(100 * time.Millisecond)
						_, err = conn.Write([]byte("x"))
					}
				}()
				conn.SetReadDeadline(began.Add(servers.Patience))
				response := make([]byte, 4096)
				n, err := conn.Read(response)
				if got := string(response[:n]); err != nil || !strings.HasPrefix(got, "HTTP/1.1 408 ") {
					t.Errorf("a slow %s is answered %q, %v; want 408", name, got, err)
				}
				if took := time.Since(began); took > 25*time.Second {
					t.Errorf("a slow %s kept its connection for %v, want about 5s", name, took)
				}
			})
		})
	}
}

// TestALargeBody sends 100 MB, with and without saying so first.
func TestALargeBody(t *testing.T) { inBothWays(t, testALargeBody) }

func testALargeBody(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	const size = 100 << 20
	for name, length := range map[string]string{"said": fmt.Sprintf("Content-Length: %d\r\n", size),
		"chunked": "Transfer-Encoding: chunked\r\n"} {
		conn := mustDial(t, proxy)
		whileGoodRequestsGoOn(t, proxy, func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(servers.Patience))
			sent := make(chan int, 1)
			go func() {
				fmt.Fprintf(conn, "POST /api/products HTTP/1.1\r\nHost: shop.example\r\n"+
					"Content-Type: application/json\r\n%s\r\n", length)
				chunk := bytes.Repeat([]byte("x"), 32<<10)
				if name == "chunked" {
					chunk = append(fmt.Appendf(nil, "%x\r\n", len(chunk)), append(chunk, '\r', '\n')...)
				}
				n := 0
				for n < size {
					written, err := conn.Write(chunk)
					n += written
					if err != nil {
						break
					}
				}
				sent <- n
			}()
			response := make([]byte, 4096)
			n, err := conn.Read(response)
			if got := string(response[:n]); err != nil || !strings.HasPrefix(got, "HTTP/1.1 413 ") ||
				!strings.Contains(got, "without a Content-Length") {
				t.Errorf("a body of 100 MB (%s) is answered %q, %v; want the proxy's 413", name, got, err)
			}
			conn.Close()
			if n := <-sent; n > size/4 {
				t.Errorf("%d bytes of the body (%s) were taken before it was refused", n, name)
			}
		})
	}
}

// TestBoundsOfARequest sends headers, and bodies without a length, a little below and a little above their bounds.
func TestBoundsOfARequest(t *testing.T) { inBothWays(t, testBoundsOfARequest) }

func testBoundsOfARequest(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	bounds := map[int]int{6500: 200, 7500: 400}
	if w != plainly { // whose buffers hold a frame of HTTP/2
		bounds = map[int]int{7500: 200, 8500: 400}
	}
	for size, want := range bounds {
		request := "GET /api/ping HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nCookie: a=" +
			strings.Repeat("x", size) + "\r\n\r\n"
		if got, all := raw(t, proxy, request); got != want {
			t.Errorf("a header of %d bytes is answered %d %s, want %d", len(request), got, all, want)
		}
	}
	const post = "POST /api/products HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n" +
		"Connection: close\r\n"
	for size, want := range map[int]int{4000: 400, 4200: 413} {
		body := `{"name":"` + strings.Repeat(" ", size-11) + `"}` // which the replica refuses, whatever its length
		request := fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", post, size, body)
		if got, all := raw(t, proxy, request); got != want {
			t.Errorf("%d bytes without a length are answered %d %s, want %d", size, got, all, want)
		}
		request = fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", post, 15*size, strings.Repeat(body, 15))
		if got, all := raw(t, proxy, request); got != 400 {
			t.Errorf("%d bytes with a length are answered %d %s, want 400", 15*size, got, all)
		}
	}
}

func TestASmallBodyWithoutALength(t *testing.T) { inEachWay(t, testASmallBodyWithoutALength) }

func testASmallBodyWithoutALength(t *testing.T, w way) {
	proxy := w.mustStart(t, programs.HAProxyConfig{})
	body := io.MultiReader(strings.NewReader(`{"name":"Robot"}`)) // whose length nobody knows
	if got := mustDo(t, http.MethodPost, proxy.URL+"/api/products", body,
		"Content-Type: application/json"); got.status != http.StatusCreated {
		t.Errorf("a chunked body = %d %s", got.status, got.body)
	}
}

func TestWithoutReplicas(t *testing.T) {
	proxy := mustStart(t, programs.HAProxyConfig{API: []string{}})
	got := mustGet(t, proxy.URL+"/api/ping")
	if got.status != http.StatusServiceUnavailable || !got.problem() || got.header.Get("Retry-After") == "" {
		t.Errorf("without replicas: %d, Retry-After %q, %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	if got := mustGet(t, proxy.URL+"/"); got.status != http.StatusOK {
		t.Errorf("the page without the API = %d", got.status)
	}
}

// TestCompression compresses lists, and leaves alone what a write may follow: If-Match takes strong ETags only.
func TestCompression(t *testing.T) { inEachWay(t, testCompression) }

func testCompression(t *testing.T, w way) {
	shop := mustStartShop(t, "shop")
	proxy := w.mustStart(t, programs.HAProxyConfig{API: []string{shop.Addr()}})
	fields := []string{"Accept-Encoding: gzip", "Accept: application/json"}
	if got := mustGet(t, proxy.URL+"/api/products", fields...); got.header.Get("Content-Encoding") != "gzip" ||
		!strings.Contains(strings.Join(got.header["Vary"], ","), "Accept-Encoding") {
		t.Errorf("a list has Content-Encoding %q and Vary %q", got.header.Get("Content-Encoding"), got.header["Vary"])
	}
	got := mustGet(t, proxy.URL+"/api/products/1", fields...)
	etag := got.header.Get("ETag")
	if got.header.Get("Content-Encoding") != "" || !strings.HasPrefix(etag, `"v`) {
		t.Errorf("a product has Content-Encoding %q and ETag %s", got.header.Get("Content-Encoding"), etag)
	}
	renamed := mustDo(t, http.MethodPut, proxy.URL+"/api/products/1", strings.NewReader(`{"name":"Diabolo"}`),
		"Content-Type: application/json", "If-Match: "+etag, "Accept-Encoding: gzip")
	if renamed.status != http.StatusOK {
		t.Errorf("a rename with that ETag = %d %s", renamed.status, renamed.body)
	}
	list := mustGet(t, proxy.URL+"/api/products", fields...).header.Get("ETag")
	if got := mustGet(t, proxy.URL+"/api/products",
		append(fields, "If-None-Match: "+list)...); got.status != http.StatusNotModified {
		t.Errorf("a list asked again with its ETag %s = %d, want 304", list, got.status)
	}
}
