package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mustMakeTokenKey writes a new key, and returns its file.
func mustMakeTokenKey(t *testing.T, name string) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWrongTokenKeysAreRefused(t *testing.T) {
	key := mustMakeTokenKey(t, "key")
	wrong := filepath.Join(t.TempDir(), "wrong")
	mustDo(t, os.WriteFile(wrong, []byte("hush"), 0o600))
	const files = "WOODY_TOKEN_KEYS_FILES="
	for want, settings := range map[string][]string{
		"set WOODY_ACCOUNTS=on":                          {files + key},
		"needs WOODY_TOKEN_KEYS_FILES":                   {"WOODY_ACCOUNTS=on", "WOODY_DB_DSN=a:b@tcp(127.0.0.1:1)/c"},
		"WOODY_TOKEN_KEYS_FILES: " + wrong:               {"WOODY_ACCOUNTS=on", files + wrong},
		"WOODY_TOKEN_KEYS_FILES: token keys: key 2":      {"WOODY_ACCOUNTS=on", files + key + "," + key},
		"WOODY_TOKEN_KEYS_FILES: open " + wrong + ".not": {"WOODY_ACCOUNTS=on", files + wrong + ".not"},
	} {
		settings = append(settings, "WOODY_ADDR=127.0.0.1:0", "WOODY_ADMIN_ADDR=off", "WOODY_DATA_DIR="+t.TempDir())
		out, err := command(settings).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "hush") {
			t.Errorf("%v: %v, %s; want %q", settings, err, out, want)
		}
	}
}

// secureFleet is the two replicas of a shop with accounts, of which one may be replaced at a time. Who asks is as the
// proxy: he asks none that is to end.
type secureFleet struct {
	mu       sync.RWMutex
	replicas [2]*replica
	start    func(keys string) *replica
	client   http.Client
	renewing sync.Mutex
}

// deploy replaces both replicas by ones with other keys.
func (f *secureFleet) deploy(keys ...string) {
	for i := range f.replicas {
		fresh := f.start(strings.Join(keys, ","))
		f.mu.Lock()
		old := f.replicas[i]
		f.replicas[i] = fresh
		f.mu.Unlock()
		f.client.CloseIdleConnections()
		if old != nil {
			old.Stop(20 * time.Second)
		}
	}
}

// ask sends a request to one of the replicas, as a page of http://shop does, and returns the status, the cookie that
// was set, and the token that came. An error is status 0.
func (f *secureFleet) ask(i int, method, path, body string, headers ...string) (status int, cookie, token string) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	request, err := http.NewRequest(method, f.replicas[i%2].URL+path, strings.NewReader(body))
	if err != nil {
		return 0, "", ""
	}
	request.Host = "shop"
	request.Header.Set("Origin", "http://shop")
	request.Header.Set("Content-Type", "application/json")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return 0, "", ""
	}
	defer response.Body.Close()
	var content bytes.Buffer
	if _, err := content.ReadFrom(response.Body); err != nil {
		return 0, "", ""
	}
	var session struct {
		AccessToken string `json:"access_token"`
	}
	_ = json.Unmarshal(content.Bytes(), &session)
	cookie, _, _ = strings.Cut(response.Header.Get("Set-Cookie"), ";")
	return response.StatusCode, cookie, session.AccessToken
}

// customer is somebody who has signed in once, and goes on as the page does: a token for some requests, then the next.
type customer struct {
	cookie    string
	tokens    [2]string // the newest, and the one before, which is good still
	renewals  atomic.Int64
	asked     atomic.Int64
	failed    atomic.Int64
	lastFault atomic.Value
}

// shopUntil makes requests until done is closed.
func (c *customer) shopUntil(done chan struct{}, f *secureFleet) {
	const perToken = 8
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond):
		}
		c.asked.Add(1)
		if i%perToken == perToken-1 {
			c.renew(i, f)
			continue
		}
		status, _, _ := f.ask(i/2, "GET", "/api/account", "", "Authorization: Bearer "+c.tokens[i%2])
		c.want(status, "GET /api/account")
	}
}

func (c *customer) renew(i int, f *secureFleet) {
	// One at a time: who waits for a second behind two others is told to come again, which is not looked at here.
	f.renewing.Lock()
	status, cookie, token := f.ask(i, "POST", "/api/session/renew", "", "Cookie: "+c.cookie)
	f.renewing.Unlock()
	if c.want(status, "POST /api/session/renew") {
		c.cookie, c.tokens = cookie, [2]string{token, c.tokens[0]}
		c.renewals.Add(1)
	}
}

func (c *customer) want(status int, what string) bool {
	if status != http.StatusOK {
		c.failed.Add(1)
		c.lastFault.Store(fmt.Sprint(what, ": ", status))
	}
	return status == http.StatusOK
}

// awaitRenewals waits until a customer has none of the tokens that he has now.
func (c *customer) awaitRenewals(t *testing.T) {
	t.Helper()
	all := c.renewals.Load() + 3 // the first may have been under way
	for deadline := time.Now().Add(time.Minute); c.renewals.Load() < all; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a customer has not renewed the token: %v", c.lastFault.Load())
		}
	}
}

// TestTokenKeysAreRotated changes the key of a shop of two replicas while customers go on: the new one behind the old,
// then before it, and then, when all tokens of the old one have expired, alone. Nobody is refused, or has to sign in
// again.
func TestTokenKeysAreRotated(t *testing.T) {
	t.Parallel()
	redis, dsn := mustServers(t)
	older, newer := mustMakeTokenKey(t, "older"), mustMakeTokenKey(t, "newer")
	f := &secureFleet{client: http.Client{Transport: &http.Transport{}}, start: func(keys string) *replica {
		return mustStartReplica(t, "WOODY_DB_DSN="+dsn, "WOODY_REDIS_ADDR="+redis.Addr, "WOODY_REDIS_PASSWORD=secret",
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s", "WOODY_DRAIN_DELAY=0s",
			"WOODY_ACCOUNTS=on", "WOODY_TOKEN_KEYS_FILES="+keys)
	}}
	f.deploy(older)
	const password = "a toy box of oak"
	body := func(name string) string { return `{"name":"` + name + `","password":"` + password + `"}` }
	everybody := make([]*customer, 4)
	for i := range everybody {
		name := fmt.Sprint("customer-", i)
		if status, _, _ := f.ask(0, "POST", "/api/accounts", body(name)); status != http.StatusCreated {
			t.Fatalf("register %s: %d", name, status)
		}
		status, cookie, token := f.ask(1, "POST", "/api/session", body(name))
		if status != http.StatusOK {
			t.Fatalf("sign in %s: %d", name, status)
		}
		everybody[i] = &customer{cookie: cookie, tokens: [2]string{token, token}}
	}
	ofOlder := "Authorization: Bearer " + everybody[0].tokens[0]
	done := make(chan struct{})
	var all sync.WaitGroup
	for _, c := range everybody {
		all.Go(func() { c.shopUntil(done, f) })
	}
	awaitAll := func() {
		for _, c := range everybody {
			c.awaitRenewals(t)
		}
	}
	awaitAll()
	f.deploy(older, newer)
	awaitAll()
	f.deploy(newer, older)
	if status, _, _ := f.ask(0, "GET", "/api/account", "", ofOlder); status != http.StatusOK {
		t.Errorf("a token of the older key, which verifies still: %d", status)
	}
	awaitAll() // as if its tokens had expired
	f.deploy(newer)
	awaitAll()
	if status, _, _ := f.ask(0, "GET", "/api/account", "", ofOlder); status != http.StatusUnauthorized {
		t.Errorf("a token of the older key, which is gone: %d", status)
	}
	close(done)
	all.Wait()
	var asked int64
	for i, c := range everybody {
		asked += c.asked.Load()
		if n := c.failed.Load(); n > 0 {
			t.Errorf("customer %d: %d of %d requests failed, the last %v", i, n, c.asked.Load(), c.lastFault.Load())
		}
	}
	t.Logf("%d requests", asked)
	wantEndedEverywhere(t, f, everybody[0])
}

// wantEndedEverywhere signs a customer out at one replica, and wants the other one to know.
func wantEndedEverywhere(t *testing.T, f *secureFleet, c *customer) {
	t.Helper()
	token := "Authorization: Bearer " + c.tokens[0]
	for i := range 4 { // both have the session near now
		if status, _, _ := f.ask(i, "GET", "/api/products/1", "", token); status != http.StatusOK {
			t.Fatalf("before signing out: %d", status)
		}
	}
	if status, _, _ := f.ask(0, "DELETE", "/api/session", "", token); status != http.StatusNoContent {
		t.Fatalf("sign out: %d", status)
	}
	for i := range 2 {
		if status, _, _ := f.ask(i, "GET", "/api/products/1", "", token); status != http.StatusUnauthorized {
			t.Errorf("replica %d has the session go on: %d", i, status)
		}
		status, _, _ := f.ask(i, "POST", "/api/session/renew", "", "Cookie: "+c.cookie)
		if status != http.StatusUnauthorized {
			t.Errorf("replica %d renews the session: %d", i, status)
		}
	}
}
