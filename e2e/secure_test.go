//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	secureHost = swarmNet + ".1"
	secureURL  = "https://" + secureHost
)

// TestLongSecure deploys stage secure, and changes its certificate and the key of its tokens while people, of whom some
// are signed in, are served: no request fails, no proxy starts again, and nobody is signed out.
func TestLongSecure(t *testing.T) {
	takes(t, 6*time.Minute)
	settings := []string{"API_REPLICAS=2", "SHOP_HOST=" + secureHost, "redis", "secure"}
	mustScript(t, "deploy", settings...)
	t.Cleanup(func() { mustScript(t, "deploy", "INSECURE=yes", "API_REPLICAS=2", "redis") }) // as other tests want it
	if text, err := script("deploy", "API_REPLICAS=2", "redis"); err == nil || !strings.Contains(text, "INSECURE=yes") {
		t.Errorf("a sum without secure: %v %s, want it refused", err, text)
	}
	testSecureDoors(t)
	testSharedFolder(t)

	proxies := strings.Join(containers(t, "reverse-proxy"), " ")
	before, keys := serial(t), jwks(t)
	load := startSecureLoad(t, 2)
	began := time.Now()
	mustScript(t, "certificate", "SHOP_HOST="+secureHost, "--local")
	took := time.Since(began)
	if serial(t) == before {
		t.Error("the certificate is the one of before")
	}
	began = time.Now()
	mustScript(t, "rotate", "TOKEN_LIFE=15", "token-key")
	figuref("certificate changed in %.0f s, key of tokens in %.0f s: %v", took.Seconds(), time.Since(began).Seconds(),
		load.finish(t))
	if after := jwks(t); after == keys || !strings.Contains(after, `"keys"`) {
		t.Errorf("the public keys are %s, and were %s", after, keys)
	}
	if now := strings.Join(containers(t, "reverse-proxy"), " "); now != proxies {
		t.Errorf("the proxies run in %s, and ran in %s", now, proxies)
	}
	if *everyPassword {
		testAdministratorRotated(t)
	}
	ran := strings.Join(slices.Concat(containers(t, "api"), containers(t, "certificate")), " ")
	mustScript(t, "deploy", settings...)
	if now := strings.Join(slices.Concat(containers(t, "api"), containers(t, "certificate")), " "); now != ran {
		t.Errorf("a deployment after that started tasks again: %s, and was %s", now, ran)
	}
}

// testAdministratorRotated changes the password of the shop's administrator while the shop is used.
func testAdministratorRotated(t *testing.T) {
	old, load, began := secret(t, "shop_admin_password"), startSecureLoad(t, 0), time.Now()
	mustScript(t, "rotate", "shop-admin")
	figuref("password of the shop's administrator in %.0f s: %v", time.Since(began).Seconds(), load.finish(t))
	client := secureClient(secureConfig(t), true)
	if err := (&secureSession{client: client}).begin(old); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("signing in by the password of before: %v, want a refusal", err)
	}
	if err := (&secureSession{client: client}).begin(secret(t, "shop_admin_password")); err != nil {
		t.Errorf("signing in by the new password: %v", err)
	}
}

// secureConfig returns what a client needs who trusts the shop's own authority.
func secureConfig(t *testing.T) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(secret(t, "certificate_authority") + "\n")) {
		t.Fatal("secrets/certificate_authority is no certificate")
	}
	return &tls.Config{RootCAs: pool}
}

func secureClient(config *tls.Config, http2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2}
	if !http2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	jar, _ := cookiejar.New(nil) // which returns no error
	return &http.Client{Transport: transport, Timeout: 10 * time.Second, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// serial returns the number of the certificate that a new connection sees.
func serial(t *testing.T) string {
	t.Helper()
	conn, err := tls.Dial("tcp", secureHost+":443", secureConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// jwks returns the public keys.
func jwks(t *testing.T) string {
	t.Helper()
	status, body, err := ask(secureClient(secureConfig(t), true), http.MethodGet, "/.well-known/jwks.json", "", nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the public keys: %d %s %v", status, body, err)
	}
	return string(body)
}

// ask sends one request as a page of the shop would, with a token where there is one.
func ask(client *http.Client, method, path, token string, body []byte) (status int, response []byte, err error) {
	request, err := http.NewRequest(method, secureURL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Origin", secureURL)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	got, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer got.Body.Close()
	response, err = io.ReadAll(got.Body)
	return got.StatusCode, response, err
}

// testSecureDoors checks that TLS is served with HTTP/2, and that plain HTTP is redirected.
func testSecureDoors(t *testing.T) {
	client := secureClient(secureConfig(t), true)
	for _, path := range []string{"/", "/api/ping"} {
		got, err := client.Get(secureURL + path)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != http.StatusOK || got.ProtoMajor != 2 ||
			got.Header.Get("X-Content-Type-Options") != "nosniff" ||
			got.Header.Get("Content-Security-Policy") == "" || got.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s is answered %s %s %v", path, got.Proto, got.Status, got.Header)
		}
		got, err = client.Get(nodeURL + path)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != http.StatusPermanentRedirect || got.Header.Get("Location") != secureURL+path {
			t.Errorf("without TLS %s is answered %s, Location %s", path, got.Status, got.Header.Get("Location"))
		}
	}
	if text, err := script("deploy", "HSTS=on", "SHOP_HOST="+secureHost, "redis", "secure"); err == nil ||
		!strings.Contains(text, "HSTS=on needs a certificate") {
		t.Errorf("HSTS with the shop's own certificate: %v %s, want it refused", err, text)
	}
}

// testSharedFolder checks that the folder that proxy and keeper share is in memory, and that nobody else may read it.
func testSharedFolder(t *testing.T) {
	for _, proxy := range containers(t, "reverse-proxy") {
		text := mustDocker(t, "exec", proxy, "bash", "-c", `stat -f -c %T /run/certificates
			stat -c '%n %a %u %F' /run/certificates /run/certificates/*`)
		for _, want := range []string{"tmpfs\n", "/run/certificates 700 99 directory",
			"certificate.pem 600 99 regular file", "proxy.sock 600 99 socket"} {
			if !strings.Contains(text+"\n", want) {
				t.Errorf("the shared folder is\n%s\nwant %q", text, want)
			}
		}
	}
}

// secureLoad is reads by people, of whom some are signed in.
type secureLoad struct {
	over     chan struct{}
	group    sync.WaitGroup
	signedIn int

	mu     sync.Mutex
	sent   int
	signed int // of those, with a token
	failed []string
	longer time.Duration
	began  time.Time
}

// startSecureLoad has twenty clients ask, in HTTP/1.1 and HTTP/2, some on a new connection each time. So many of them
// are signed in, and renew their tokens.
func startSecureLoad(t *testing.T, signedIn int) *secureLoad {
	t.Helper()
	l := &secureLoad{over: make(chan struct{}), began: time.Now(), signedIn: signedIn}
	config, password := secureConfig(t), secret(t, "shop_admin_password")
	const clients = 20
	for i := range clients {
		client := secureClient(config.Clone(), i%2 == 0)
		client.Transport.(*http.Transport).DisableKeepAlives = i >= clients-2
		var session *secureSession
		if i < signedIn {
			session = &secureSession{client: client}
			if err := session.begin(password); err != nil {
				t.Fatal(err)
			}
		}
		l.group.Go(func() {
			defer client.CloseIdleConnections()
			l.run(client, session, clients*time.Second/time.Duration(*rate))
		})
	}
	t.Cleanup(l.end)
	return l
}

func (l *secureLoad) run(client *http.Client, session *secureSession, every time.Duration) {
	due := time.Now()
	for {
		began, err := time.Now(), error(nil)
		if session != nil {
			err = session.see()
		} else {
			err = wantOK(ask(client, http.MethodGet, "/api/products?limit=1", "", nil))
		}
		l.note(time.Since(began), session != nil, err)
		due = due.Add(every)
		select {
		case <-l.over:
			return
		case <-time.After(time.Until(due)):
		}
	}
}

func (l *secureLoad) note(took time.Duration, signed bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if signed {
		l.signed++
	}
	l.longer = max(l.longer, took)
	if err != nil {
		l.failed = append(l.failed, fmt.Sprintf("after %v: %v", time.Since(l.began).Round(time.Second/10), err))
	}
}

func (l *secureLoad) end() {
	select {
	case <-l.over:
	default:
		close(l.over)
	}
	l.group.Wait()
}

// finish ends the load, wants no request to have failed, and returns a line for the report.
func (l *secureLoad) finish(t *testing.T) string {
	t.Helper()
	l.end()
	if len(l.failed) > 0 {
		t.Errorf("%d of %d requests failed; the first: %.300q", len(l.failed), l.sent, l.failed[:min(3, len(l.failed))])
	}
	got := float64(l.sent) / time.Since(l.began).Seconds()
	if got < float64(*rate)/2 || l.signed == 0 && l.signedIn > 0 {
		t.Errorf("%.0f requests a second, %d with a token: the load is not what it says", got, l.signed)
	}
	return fmt.Sprintf("%d requests (%.0f/s), %d with a token; failed: %d; max %v", l.sent, got, l.signed,
		len(l.failed), l.longer.Round(time.Millisecond))
}

func wantOK(status int, body []byte, err error) error {
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, detail(body))
	}
	return err
}

// secureSession is the shop's administrator, signed in. Its token is renewed after a few seconds, by the cookie.
type secureSession struct {
	client  *http.Client
	token   string
	renewed time.Time
}

func (s *secureSession) begin(password string) error {
	body, err := json.Marshal(map[string]string{"name": "admin", "password": password})
	if err != nil {
		return err
	}
	return s.take(ask(s.client, http.MethodPost, "/api/session", "", body))
}

func (s *secureSession) take(status int, body []byte, err error) error {
	var got struct {
		Token string `json:"access_token"`
	}
	if err = wantOK(status, body, err); err == nil {
		err = json.Unmarshal(body, &got)
	}
	if err == nil && got.Token == "" {
		err = errors.New("no token in the answer")
	}
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	s.token, s.renewed = got.Token, time.Now()
	return nil
}

// see asks who the session is.
func (s *secureSession) see() error {
	if time.Since(s.renewed) > 5*time.Second {
		if err := s.take(ask(s.client, http.MethodPost, "/api/session/renew", "", nil)); err != nil {
			return err
		}
	}
	return wantOK(ask(s.client, http.MethodGet, "/api/account", s.token, nil))
}
