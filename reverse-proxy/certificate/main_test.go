package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/authority"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

func mustMakeAuthority(t *testing.T) *authority.Authority {
	t.Helper()
	a, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustMake(t *testing.T, a *authority.Authority, c authority.Certificate) []byte {
	t.Helper()
	bundle, err := a.Bundle(c)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func mustWrite(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// loggedKeeper is a keeper and what it logs.
type loggedKeeper struct {
	*keeper
	log *lockedBuffer
}

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.String()
}

func mustKeep(t *testing.T, source []byte) *loggedKeeper {
	t.Helper()
	dir, log := t.TempDir(), &lockedBuffer{}
	k := &keeper{source: filepath.Join(dir, "source"), folder: folder(filepath.Join(dir, "shared")),
		metrics: newMetrics(), log: slog.New(slog.NewTextHandler(log, nil)), now: time.Now}
	if err := os.Mkdir(string(k.folder), 0o700); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, k.source, source)
	return &loggedKeeper{k, log}
}

// mustStartProxy starts a proxy that reads the keeper's folder, before a server that responds to everything.
func mustStartProxy(t *testing.T, k *loggedKeeper) *programs.HAProxy {
	t.Helper()
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(shop.Close)
	addr := shop.Listener.Addr().String()
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{
		API: []string{addr}, Front: []string{addr}, Certificates: string(k.folder), NoAccessLog: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

// mustShow returns the serial number of the certificate that the proxy shows, which a has signed.
func mustShow(t *testing.T, a *authority.Authority, proxy *programs.HAProxy) string {
	t.Helper()
	config := a.Client()
	conn, err := tls.Dial("tcp", proxy.TLS, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func mustSerial(t *testing.T, bundle []byte) string {
	t.Helper()
	serial, err := authority.Serial(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return serial.String()
}

// TestAnotherCertificateUnderLoad puts in one certificate after the other, of ECDSA and of RSA, while 500 requests a
// second come, on new connections and on kept ones. None fails; new connections see the new one, and kept ones go on.
func TestAnotherCertificateUnderLoad(t *testing.T) {
	a := mustMakeAuthority(t)
	k := mustKeep(t, mustMake(t, a, authority.Certificate{}))
	if err := k.begin(); err != nil {
		t.Fatal(err)
	}
	proxy := mustStartProxy(t, k)
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan struct{})
	go func() {
		defer close(running)
		k.run(ctx)
	}()
	defer func() { stop(); <-running }()

	old, err := tls.Dial("tcp", proxy.TLS, a.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	responses := bufio.NewReader(old)
	mustAskOn := func() {
		t.Helper()
		if _, err := io.WriteString(old, "GET /api/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if response, err := http.ReadResponse(responses, nil); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("a connection from before is answered %v (%v)", response, err)
		}
	}
	mustAskOn() // or it would have 5 seconds for its first request
	load := startLoad(a, "https://"+proxy.TLS+"/api/ping")
	for i, c := range []authority.Certificate{{RSA: 4096}, {}, {RSA: 2048}} {
		next := mustMake(t, a, c)
		mustWrite(t, k.source, next)
		want := mustSerial(t, next)
		deadline := time.Now().Add(servers.Patience)
		for ; mustShow(t, a, proxy) != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("certificate %d is not shown after %v: %s", i, servers.Patience, k.log)
			}
		}
	}
	sent, failed, reused := load.stop()
	if len(failed) > 0 || sent < 100 || reused == 0 {
		t.Errorf("of %d requests, %d on kept connections, these failed: %.500q", sent, reused, failed)
	}
	t.Logf("%d requests, %d of them on kept connections, 0 failed", sent, reused)
	mustAskOn()
	if got, err := os.ReadFile(k.folder.file()); err != nil || mustSerial(t, got) != mustShow(t, a, proxy) {
		t.Errorf("the proxy's file has another certificate than it shows (%v)", err)
	}
}

// load is requests that are sent until it is stopped.
type load struct {
	over         chan struct{}
	group        sync.WaitGroup
	sent, reused atomic.Int64
	mu           sync.Mutex
	failed       []string
}

func startLoad(a *authority.Authority, url string) *load {
	l := &load{over: make(chan struct{})}
	for i := range 10 { // each fifty times a second
		client := &http.Client{Timeout: servers.Patience, Transport: &http.Transport{
			TLSClientConfig: a.Client(), ForceAttemptHTTP2: i%2 == 0, DisableKeepAlives: i >= 8}}
		l.group.Go(func() {
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				l.ask(client, url, n)
				select {
				case <-l.over:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	return l
}

func (l *load) ask(client *http.Client, url string, n int) {
	response, err := client.Get(url)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	l.sent.Add(1)
	if n > 0 && !client.Transport.(*http.Transport).DisableKeepAlives {
		l.reused.Add(1)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failed = append(l.failed, fmt.Sprint(response, err))
	}
}

func (l *load) stop() (sent int, failed []string, reused int) {
	close(l.over)
	l.group.Wait()
	return int(l.sent.Load()), l.failed, int(l.reused.Load())
}

// TestWhatCannotBeUsedIsLeft offers a running proxy certificates that are incomplete, unreadable, expired, not yet
// valid or do not match their key. It checks that each is refused with its reason, that the proxy keeps the old one,
// and that a good one after them is used.
func TestWhatCannotBeUsedIsLeft(t *testing.T) {
	a := mustMakeAuthority(t)
	good := mustMake(t, a, authority.Certificate{})
	k := mustKeep(t, good)
	if err := k.begin(); err != nil {
		t.Fatal(err)
	}
	proxy := mustStartProxy(t, k)
	want := mustSerial(t, good)
	other := mustMake(t, a, authority.Certificate{})
	key, _, _, err := a.Issue(authority.Certificate{})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(other, []byte("-----END PRIVATE KEY-----\n"))
	stranger := mustMake(t, mustMakeAuthority(t), authority.Certificate{})
	expired := mustMake(t, a, authority.Certificate{NotAfter: time.Now().Add(-time.Second)})
	early := mustMake(t, a, authority.Certificate{NotBefore: time.Now().Add(time.Hour)})
	const begin = "-----BEGIN CERTIFICATE-----\n"
	for text, says := range map[string]string{
		"": "no private key", "nonsense": "no private key", string(other[:len(other)/2]): "not whole",
		string(other[:len(other)-30]): "not whole", string(rest): "no private key", string(key): "no certificate",
		string(key) + string(rest): "not that of the certificate", string(expired): "has expired",
		string(early): "not good before", string(other) + string(stranger[len(key):]): "has not signed any",
		strings.ReplaceAll(string(other), "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"): "is encrypted",
		strings.Replace(string(other), begin+"MI", begin+"XX", 1):                 "cannot be read",
		string(rest[:len(rest)-30]) + "\n" + string(key):                          "not whole",
	} {
		mustWrite(t, k.source, []byte(text))
		if err := k.look(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d bytes of source: %v, want %q", len(text), err, says)
		}
		if err := k.keep(); err != nil {
			t.Errorf("meanwhile the old one: %v", err)
		}
		if text, _ := os.ReadFile(k.folder.file()); !bytes.Equal(text, good) {
			t.Fatalf("with a source that is refused (%s), the file has changed", says)
		}
		if got := mustShow(t, a, proxy); got != want {
			t.Fatalf("with a source that is refused (%s), the proxy shows %s, want %s", says, got, want)
		}
	}
	mustWrite(t, k.source, other)
	if err := k.look(); err != nil {
		t.Fatal(err)
	}
	if err := k.keep(); err != nil || mustShow(t, a, proxy) != mustSerial(t, other) {
		t.Errorf("a good one after all those is not taken: %v", err)
	}
}

// TestTheProxyIsKilledAndComesBack replaces a certificate while no proxy runs, and starts a proxy with an older one. It
// checks that the proxy serves the new certificate in both cases.
func TestTheProxyIsKilledAndComesBack(t *testing.T) {
	a := mustMakeAuthority(t)
	first := mustMake(t, a, authority.Certificate{})
	k := mustKeep(t, first)
	if err := k.begin(); err != nil { // before there is a proxy
		t.Fatal(err)
	}
	proxy := mustStartProxy(t, k)
	if err := k.keep(); err != nil || mustShow(t, a, proxy) != mustSerial(t, first) {
		t.Fatalf("the proxy has another certificate: %v", err)
	}
	proxy.Kill() // its socket stays, and nobody listens
	second := mustMake(t, a, authority.Certificate{})
	mustWrite(t, k.source, second)
	for range 2 {
		if err := k.look(); err != nil {
			t.Fatal(err)
		}
		if err := k.keep(); err != nil {
			t.Fatalf("without a proxy: %v", err)
		}
	}
	proxy = mustStartProxy(t, k)
	if got := mustShow(t, a, proxy); got != mustSerial(t, second) {
		t.Errorf("a proxy that starts shows %s, want the one that was put in while none ran", got)
	}
	if err := k.keep(); err != nil {
		t.Error(err)
	}
	proxy.Kill()
	mustWrite(t, k.folder.file(), first) // as if it had read the file just before it was changed
	proxy = mustStartProxy(t, k)
	if got := mustShow(t, a, proxy); got != mustSerial(t, first) {
		t.Fatal("it did not start with the old one; the test shows nothing")
	}
	if err := k.keep(); err != nil || mustShow(t, a, proxy) != mustSerial(t, second) {
		t.Errorf("a proxy with an old certificate is not given the new one: %v", err)
	}
}

// TestABeginning checks that an incomplete certificate ends the program and leaves no file, that an expired one is used
// with a warning if there is no other, and that it does not replace a good one.
func TestABeginning(t *testing.T) {
	a := mustMakeAuthority(t)
	good := mustMake(t, a, authority.Certificate{})
	k := mustKeep(t, good[:len(good)-30])
	mustWrite(t, filepath.Join(string(k.folder), ".certificate.123"), good) // of one that was killed
	if err := k.begin(); err == nil || !strings.Contains(err.Error(), "not whole") {
		t.Errorf("half a certificate: %v, want it refused", err)
	}
	if files, _ := os.ReadDir(string(k.folder)); len(files) != 0 {
		t.Errorf("half a certificate left %v", files)
	}
	expired := mustMake(t, a, authority.Certificate{NotAfter: time.Now().Add(-time.Second)})
	mustWrite(t, k.source, expired)
	if err := k.begin(); err != nil || !strings.Contains(k.log.String(), "has expired") {
		t.Errorf("an expired one where there is none: %v %s, want it used and complained about", err, k.log)
	}
	mustWrite(t, k.folder.file(), good)
	if err := k.begin(); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("an expired one in the place of a good one: %v, want it refused", err)
	}
	info, err := os.Stat(k.folder.file())
	if got, _ := os.ReadFile(k.folder.file()); !bytes.Equal(got, good) || err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the good one is gone, or may be read by others: %v %v", info, err)
	}
}

// TestARefusalIsSaid has a proxy refuse the certificate of a keeper that has begun: it stays ready, as Prometheus asks
// nobody who is not, and its metrics say so.
func TestARefusalIsSaid(t *testing.T) {
	k := mustKeep(t, mustMake(t, mustMakeAuthority(t), authority.Certificate{}))
	if err := k.begin(); err != nil {
		t.Fatal(err)
	}
	proxy, err := net.Listen("unix", filepath.Join(string(k.folder), "proxy.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	go func() {
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = io.WriteString(conn, "No.\n")
			conn.Close()
		}
	}()
	k.report(k.keep())
	for path, want := range map[string]string{"/readyz": "ready\n", "/metrics": "\nwoody_certificate_in_use 0\n"} {
		response := httptest.NewRecorder()
		k.metrics.handler().ServeHTTP(response, httptest.NewRequest(http.MethodGet, path, nil))
		if response.Code != http.StatusOK || !strings.Contains(response.Body.String(), want) {
			t.Errorf("%s is %d %s, want %q", path, response.Code, response.Body, want)
		}
	}
	if !strings.Contains(k.log.String(), "does not take it") && !strings.Contains(k.log.String(), "ask the proxy") {
		t.Errorf("the log says %s", k.log)
	}
}

// TestItComplainsBeforeItExpires checks that there is a line in the log once a day within the last two weeks, and that
// a metric has the time.
func TestItComplainsBeforeItExpires(t *testing.T) {
	a := mustMakeAuthority(t)
	end := time.Now().Add(15 * 24 * time.Hour).Truncate(time.Second)
	k := mustKeep(t, mustMake(t, a, authority.Certificate{NotAfter: end}))
	b, err := readBundle(mustMake(t, a, authority.Certificate{NotAfter: end}))
	if err != nil {
		t.Fatal(err)
	}
	b.chain = b.chain[:1] // the authority here lives for a day
	k.wanted = b
	lines := func() int { return strings.Count(k.log.String(), "expires soon") }
	for day := range 5 { // and a minute for each
		now := end.Add(time.Duration(day-15)*24*time.Hour + time.Duration(day)*time.Minute)
		k.now = func() time.Time { return now }
		k.report(nil)
		k.report(nil)
		if lines() != day {
			t.Errorf("on day %d it has complained %d times, want as many days: %s", day, lines(), k.log)
		}
	}
	response := httptest.NewRecorder()
	k.metrics.handler().ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if want := fmt.Sprintf("woody_certificate_not_after_seconds %g\n", float64(end.Unix())); !strings.Contains(
		response.Body.String(), want) {
		t.Errorf("the metrics have no line %q", want)
	}
}

// TestOrder checks that certificates in any order, also with a root or duplicates among them, are put in the order of
// their signatures. It also checks which names and which authority the result is valid for.
func TestOrder(t *testing.T) {
	a := mustMakeAuthority(t)
	key, own, between, err := a.Issue(authority.Certificate{Names: []string{"shop.example", "cdn.shop.example"}})
	if err != nil {
		t.Fatal(err)
	}
	want := append(append(append([]byte{}, key...), own...), between...)
	for _, order := range [][][]byte{
		{key, own, between}, {between, own, key}, {a.Root(), between, key, own}, {own, own, between, between, key},
		{[]byte("subject=CN = shop.example\r\n"), key, own, []byte("\nissuer\n"), between},
	} {
		b, err := readBundle(bytes.Join(order, nil))
		if err != nil || !bytes.Equal(b.pem, want) {
			t.Errorf("%d parts: %v, or not key, certificate and the one between", len(order), err)
		}
	}
	b, err := readBundle(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.checkNames([]string{"shop.example", "cdn.shop.example"}); err != nil {
		t.Error(err)
	}
	if err := b.checkNames([]string{"shop.example", "other.example"}); err == nil {
		t.Error("it is taken for one of other.example")
	}
	if b.trusted(a.Root()) != nil || b.trusted(nil) == nil {
		t.Error("it is to be trusted by who trusts its authority, and nobody else")
	}
}

// TestDefaultsStandOnce holds the stack files and the document against the settings.
func TestDefaultsStandOnce(t *testing.T) {
	defaults, err := commandLine.Defaults(&config{})
	if err != nil {
		t.Fatal(err)
	}
	settingstest.CheckStack(t, "../..", "certificate", defaults)
}
