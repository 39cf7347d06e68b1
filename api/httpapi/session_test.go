package httpapi_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/httpapi"
)

// own is the Origin of the shop's own page.
func (s *secureShop) own() string { return "Origin: " + s.url }

var setCookie = regexp.MustCompile(
	`^__Host-woody-session=[A-Za-z0-9_-]{64}; Path=/; Secure; HttpOnly; SameSite=Strict$`)

const goneCookie = "__Host-woody-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"

func TestSignIn(t *testing.T) {
	s := mustServeAccounts(t)
	ann := s.signedIn("ann").Account
	for _, header := range []string{"X-Nothing: x", s.own()} {
		got := s.post("/api/session", credentials("Ann", password), header)
		got.wantStatus(t, 200)
		got.wantPrivate(t)
		if !setCookie.MatchString(got.header.Get("Set-Cookie")) {
			t.Errorf("Set-Cookie: %q", got.header.Get("Set-Cookie"))
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("credentials are allowed from elsewhere")
		}
		who := s.get("/api/account", "Authorization: Bearer "+got.member("access_token"))
		who.wantStatus(t, 200)
		who.wantPrivate(t)
		if who.member("id") != ann.ID || who.member("name") != "ann" || who.member("role") != "customer" {
			t.Errorf("GET /api/account: %s", who.body)
		}
	}
	wrong := s.post("/api/session", credentials("ann", password+"!"))
	unknown := s.post("/api/session", credentials("nobody", password))
	if wrong.status != 401 || wrong.status != unknown.status || wrong.body != unknown.body ||
		wrong.header.Get("WWW-Authenticate") != unknown.header.Get("WWW-Authenticate") || wrong.cookie() != "" {
		t.Errorf("a wrong password: %d %q, a wrong name: %d %q", wrong.status, wrong.body, unknown.status, unknown.body)
	}
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"name":"ann"}`, `{"password":"x"}`, `{"name":null,"password":null}`,
		`{"name":"ann","password":"a toy box of oak","remember":true}`, `{"Name":"ann","password":"a toy box of oak"}`,
		`{"name":"ann","name":"ann","password":"a toy box of oak"}`, `{"name":["ann"],"password":"a toy box of oak"}`,
		`{"name":"ann","password":{"$ne":""}}`,
	} {
		s.post("/api/session", body).wantStatus(t, 400)
	}
	s.call("POST", "/api/session", credentials("ann", password), "Content-Type: text/plain").wantStatus(t, 415)
	s.call("POST", "/api/session", "name=ann&password=x", "Content-Type: application/x-www-form-urlencoded").
		wantStatus(t, 415)
	s.post("/api/session", credentials("ann", password), "If-Match: *").wantStatus(t, 412)
	s.post("/api/session", credentials("ann", password), "Accept: text/plain").wantStatus(t, 200)
}

// TestTooManyTries fails to sign in until that is delayed. Nobody else is.
func TestTooManyTries(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	delayed := 0
	for range 8 {
		if got := s.post("/api/session", credentials("ann", "wrong, every time")); got.status == 429 {
			delayed++
		}
	}
	if delayed == 0 {
		t.Error("none of 8 tries is delayed")
	}
	s.post("/api/session", credentials("admin", password)).wantStatus(t, 200)
}

// TestSignInAgain signs in where there is a session already, which is to end: its cookie is lost.
func TestSignInAgain(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	first := s.post("/api/session", credentials("ann", password), s.own())
	token, cookie := "Authorization: Bearer "+first.member("access_token"), first.cookie()

	// What is not the shop's own page has nothing to say by the cookie, and who cannot sign in ends nothing.
	s.post("/api/session", credentials("ann", password), cookie).wantStatus(t, 200)
	s.post("/api/session", credentials("ann", "another password"), s.own(), cookie).wantStatus(t, 401)
	s.get("/api/account", token).wantStatus(t, 200)

	for _, name := range []string{"ann", "admin"} {
		second := s.post("/api/session", credentials(name, password), s.own(), cookie)
		second.wantStatus(t, 200)
		s.get("/api/account", token).wantStatus(t, 401)
		s.call("POST", "/api/session/renew", "", s.own(), cookie).wantStatus(t, 401)
		token, cookie = "Authorization: Bearer "+second.member("access_token"), second.cookie()
		s.get("/api/account", token).wantStatus(t, 200)
	}
	s.post("/api/session", credentials("ann", password), s.own(), "Cookie: __Host-woody-session=x").wantStatus(t, 200)

	// Where the former cannot be ended now, the new one has begun all the same.
	s.busy.Store(true)
	third := s.post("/api/session", credentials("admin", password), s.own(), cookie)
	third.wantStatus(t, 200)
	s.get("/api/account", "Authorization: Bearer "+third.member("access_token")).wantStatus(t, 200)
	s.get("/api/account", token).wantStatus(t, 200)
	s.call("DELETE", "/api/session", "", s.own(), cookie).wantStatus(t, 503)
	s.busy.Store(false)
	s.call("DELETE", "/api/session", "", s.own(), cookie).wantStatus(t, 204)
	s.get("/api/account", token).wantStatus(t, 401)
}

// TestSignOutByCookie signs out with a token that is not good any more, or never was.
func TestSignOutByCookie(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	ended := s.signIn("ann")
	s.call("DELETE", "/api/session", "", ended).wantStatus(t, 204)
	for _, token := range []string{
		ended, "Authorization: Bearer made.up.token", "Authorization: Basic YW5uOnB3", "Authorization: ",
	} {
		got := s.post("/api/session", credentials("ann", password))
		good, cookie := "Authorization: Bearer "+got.member("access_token"), got.cookie()
		for _, fields := range [][]string{{token}, {token, s.own()}, {token, cookie}, {token, cookie, "Origin: null"}} {
			s.call("DELETE", "/api/session", "", fields...).wantStatus(t, 401)
		}
		for _, call := range [][2]string{
			{"POST", "/api/session/renew"}, {"DELETE", "/api/sessions"}, {"DELETE", "/api/account"},
			{"GET", "/api/account"},
		} {
			s.call(call[0], call[1], "", token, cookie, s.own()).wantStatus(t, 401)
		}
		s.get("/api/account", good).wantStatus(t, 200)

		gone := s.call("DELETE", "/api/session", "", token, cookie, s.own())
		gone.wantStatus(t, 204)
		if gone.header.Get("Set-Cookie") != goneCookie || gone.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %v", token, gone.header)
		}
		s.get("/api/account", good).wantStatus(t, 401)
	}
}

var setDevice = regexp.MustCompile(
	`^(__Host-woody-device=[A-Za-z0-9_-]{22}); Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=15552000$`)

// TestDevices signs in on a device, which gets its cookie. On it its user is let in while others fail in her name at
// the same address.
func TestDevices(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	sent := func(got reply) string {
		t.Helper()
		got.wantStatus(t, 200)
		lines := got.header.Values("Set-Cookie")
		if len(lines) != 2 || !setCookie.MatchString(lines[0]) || !setDevice.MatchString(lines[1]) {
			t.Fatalf("Set-Cookie: %q, want the session's and the device's", lines)
		}
		return "Cookie: " + setDevice.FindStringSubmatch(lines[1])[1]
	}
	in := s.post("/api/session", credentials("ann", password))
	device := sent(in)
	if again := sent(s.post("/api/session", credentials("ann", password), device)); again != device {
		t.Errorf("the device has another cookie, %q", again)
	}
	for range 8 {
		s.post("/api/session", credentials("ann", "wrong, every time"))
	}
	s.post("/api/session", credentials("ann", password)).wantStatus(t, 429)
	s.post("/api/session", credentials("ann", password), "Cookie: __Host-woody-device=x").wantStatus(t, 429)
	if again := sent(s.post("/api/session", credentials("ann", password), device)); again != device {
		t.Errorf("the device has another cookie, %q", again)
	}
	both := in.cookie() + "; " + strings.TrimPrefix(device, "Cookie: ")
	renewed := s.call("POST", "/api/session/renew", "", s.own(), both)
	renewed.wantStatus(t, 200)
	if lines := renewed.header.Values("Set-Cookie"); len(lines) != 1 {
		t.Errorf("a renewal sets %q", lines)
	}
}

// foreignOrigins returns origins of pages that are not the shop's own, though some are of the same site.
func (s *secureShop) foreignOrigins() []string {
	host := strings.TrimPrefix(s.url, "http://")
	return []string{
		"Origin: null", "Origin: http://cdn." + host, "Origin: https://" + host, "Origin: http://evil.test",
		"Origin: http://" + host + ".evil.test", "Origin: " + host, "Origin: http://" + host + "/", "Origin: http://",
		"Origin: http://" + strings.Split(host, ":")[0], "Origin: http://evil@" + host, "Origin: HTTP://" + host,
		"Origin: " + s.url + " " + s.url, "Origin: file://",
	}
}

// TestForeignPages checks that requests of pages of other origins are refused where the session cookie would allow
// them, that they set no cookie, and that the shop's own origin is compared with the scheme which the proxy reports.
func TestForeignPages(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	cookie := s.post("/api/session", credentials("ann", password)).cookie()
	for _, origin := range s.foreignOrigins() {
		for _, got := range []reply{
			s.call("POST", "/api/session/renew", "", origin, cookie),
			s.call("DELETE", "/api/session", "", origin, cookie),
			s.post("/api/session", credentials("ann", password), origin),
			s.post("/api/accounts", credentials("eve", password), origin),
		} {
			got.wantStatus(t, 403)
			if got.header.Get("Set-Cookie") != "" || strings.Contains(got.body, "token\"") {
				t.Errorf("%s: %v %s", origin, got.header, got.body)
			}
			if got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: credentials are allowed from elsewhere", origin)
			}
		}
	}
	s.post("/api/accounts", credentials("eve", password), s.own()).wantStatus(t, 201) // nobody has taken the name
	s.post("/api/accounts", credentials("fay", password)).wantStatus(t, 201)          // no page at all
	s.call("POST", "/api/session/renew", "", cookie).wantStatus(t, 403)
	s.call("DELETE", "/api/session", "", cookie).wantStatus(t, 403)
	s.call("POST", "/api/session/renew", "", cookie, s.own(), "Origin: http://evil.test").wantStatus(t, 403)
	s.call("POST", "/api/session/renew", "", cookie, s.own(), s.own()).wantStatus(t, 403)
	s.call("POST", "/api/session/renew", "", cookie, s.own()).wantStatus(t, 200) // nobody has ended it

	// behind the proxy, which has the TLS
	secure := strings.Replace(s.own(), "http:", "https:", 1)
	s.call("POST", "/api/session/renew", "", cookie, secure, "X-Forwarded-Proto: https").wantStatus(t, 200)
	s.call("POST", "/api/session/renew", "", cookie, s.own(), "X-Forwarded-Proto: https").wantStatus(t, 403)
	s.call("POST", "/api/session/renew", "", cookie, secure, "X-Forwarded-Proto: http").wantStatus(t, 403)
}

// TestForgedForwarding says by X-Forwarded fields, where no proxy is trusted, that a page came by TLS and tries from
// another address each time.
func TestForgedForwarding(t *testing.T) {
	s := mustServeAccounts(t, func(cfg *httpapi.Config) { cfg.TrustedProxies = nil })
	s.signedIn("ann")
	cookie := s.post("/api/session", credentials("ann", password)).cookie()
	secure := strings.Replace(s.own(), "http:", "https:", 1)
	s.call("POST", "/api/session/renew", "", cookie, secure, "X-Forwarded-Proto: https").wantStatus(t, 403)
	s.call("POST", "/api/session/renew", "", cookie, s.own(), "X-Forwarded-Proto: https").wantStatus(t, 200)
	delayed := 0
	for i := range 8 {
		from := fmt.Sprint("X-Forwarded-For: 192.0.2.", i)
		if s.post("/api/session", credentials("ann", "wrong, every time"), from).status == 429 {
			delayed++
		}
	}
	if delayed == 0 {
		t.Error("none of 8 tries is delayed")
	}
}

func TestRenew(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	cookie := s.post("/api/session", credentials("ann", password)).cookie()
	got := s.call("POST", "/api/session/renew", "", s.own(), cookie)
	got.wantStatus(t, 200)
	got.wantPrivate(t)
	if !setCookie.MatchString(got.header.Get("Set-Cookie")) {
		t.Errorf("Set-Cookie: %q", got.header.Get("Set-Cookie"))
	}
	token := "Authorization: Bearer " + got.member("access_token")
	s.get("/api/account", token).wantStatus(t, 200)

	s.call("POST", "/api/session/renew", "", s.own()).wantStatus(t, 401)
	for _, bad := range []string{"", "x", strings.Repeat("A", 64), strings.Repeat("A", 7000), "' OR 1=1 --", `"x"`} {
		got := s.call("POST", "/api/session/renew", "", s.own(), "Cookie: __Host-woody-session="+bad)
		got.wantStatus(t, 401)
		if bad != "" && got.header.Get("Set-Cookie") != goneCookie {
			t.Errorf("%.20q: Set-Cookie %q", bad, got.header.Get("Set-Cookie"))
		}
	}
	// A cookie of another name, which any host of the site could have planted, is none.
	planted := strings.Replace(cookie, "__Host-", "", 1)
	s.call("POST", "/api/session/renew", "", s.own(), planted).wantStatus(t, 401)
	s.get("/api/session/renew", s.own(), cookie).wantStatus(t, 405)
	s.call("POST", "/api/session/renew", "", s.own(), cookie, "Authorization: Bearer x").wantStatus(t, 401)

	gone := s.call("DELETE", "/api/session", "", s.own(), cookie)
	gone.wantStatus(t, 204)
	if gone.header.Get("Set-Cookie") != goneCookie || gone.header.Get("Cache-Control") != "no-store" {
		t.Errorf("DELETE /api/session: %v", gone.header)
	}
	s.get("/api/account", token).wantStatus(t, 401)
	s.call("POST", "/api/session/renew", "", s.own(), cookie).wantStatus(t, 401)
	s.call("DELETE", "/api/session", "", s.own(), cookie).wantStatus(t, 204) // a second time it is the same
	s.call("DELETE", "/api/session", "").wantStatus(t, 401)
}

func TestSignOutEverywhere(t *testing.T) {
	s := mustServeAccounts(t)
	s.signedIn("ann")
	one, other := s.signIn("ann"), s.signIn("ann")
	s.call("DELETE", "/api/session", "", one).wantStatus(t, 204)
	s.get("/api/account", one).wantStatus(t, 401)
	s.get("/api/account", other).wantStatus(t, 200)
	admin := s.as("admin")
	s.call("DELETE", "/api/sessions", "").wantStatus(t, 401)
	s.call("DELETE", "/api/sessions", "", other).wantStatus(t, 204)
	for _, ended := range []string{other, s.as("ann")} {
		s.get("/api/account", ended).wantStatus(t, 401)
	}
	s.get("/api/account", admin).wantStatus(t, 200)
}
