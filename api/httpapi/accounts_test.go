package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/accounts"
)

func TestRegister(t *testing.T) {
	s := mustServeAccounts(t)
	got := s.post("/api/accounts", credentials("Wendy", password))
	got.wantStatus(t, 201)
	got.wantPrivate(t)
	if got.member("name") != "wendy" || got.member("role") != "customer" || got.cookie() != "" {
		t.Errorf("%v %s", got.header, got.body)
	}
	wendy := s.signIn("wendy")
	s.get("/api/products?product=x", wendy).wantStatus(t, 403)

	again := s.post("/api/accounts", credentials("WENDY", password))
	again.wantStatus(t, 409)
	if again.member("type") != "/api/docs#taken" {
		t.Errorf("a name that is taken: %s", again.body)
	}
	s.post("/api/accounts", credentials("admin", password)).wantStatus(t, 409)
	s.post("/api/accounts", credentials("Admin", password)).wantStatus(t, 409)
	s.post("/api/accounts", credentials("0", password)).wantStatus(t, 400)
	s.post("/api/accounts", credentials("walter", "short")).wantStatus(t, 400)
	s.post("/api/accounts", credentials("walter", strings.Repeat("x", 1001))).wantStatus(t, 400)
	s.post("/api/accounts", credentials("walter", strings.Repeat("x", 100_000))).wantStatus(t, 413)
	s.call("POST", "/api/accounts", credentials("walter", password), "Content-Type: text/plain").wantStatus(t, 415)
}

// TestNobodyRegistersAsMore checks that a registration which names a role, an id or another account is refused, and
// that a new account is a customer's which cannot change its own role.
func TestNobodyRegistersAsMore(t *testing.T) {
	s := mustServeAccounts(t)
	for _, more := range []string{
		`"role":"administrator"`, `"Role":"administrator"`, `"role":null`, `"id":"1"`, `"rights":[0,1,2,3]`,
		`"admin":true`, `"__proto__":{"role":"administrator"}`, `"created":"2026-11-20T13:00:00Z"`, `"name":"admin"`,
		`"NAME":"admin"`, `"account":{"role":"administrator"}`, `"role\u0000":"administrator"`,
	} {
		s.post("/api/accounts", `{"name":"walter","password":"`+password+`",`+more+`}`).wantStatus(t, 400)
		s.post("/api/accounts", `{`+more+`,"name":"walter","password":"`+password+`"}`).wantStatus(t, 400)
	}
	s.post("/api/session", credentials("walter", password)).wantStatus(t, 401)
	s.post("/api/accounts?role=administrator", credentials("walter", password), "Role: administrator").
		wantStatus(t, 201)
	walter := s.signIn("walter")
	if who := s.get("/api/account", walter); who.member("role") != "customer" {
		t.Errorf("%s", who.body)
	}
	own := "/api/accounts/" + s.get("/api/account", walter).member("id") + "/role"
	s.call("PUT", own, `{"role":"administrator"}`, walter, "Content-Type: application/json").wantStatus(t, 403)
}

// managing are the calls for administrators alone, of an account.
var managing = []struct{ method, path, body string }{
	{"GET", "/api/accounts", ""}, {"HEAD", "/api/accounts", ""}, {"GET", "/api/accounts/%s", ""},
	{"PUT", "/api/accounts/%s/role", `{"role":"administrator"}`}, {"DELETE", "/api/accounts/%s/sessions", ""},
	{"DELETE", "/api/accounts/%s", ""},
}

func TestOnlyAdministratorsManage(t *testing.T) {
	s := mustServeAccounts(t)
	for _, id := range []string{s.signedIn("ann").Account.ID, "5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"} {
		for _, call := range managing {
			path := call.path
			if strings.Contains(path, "%s") {
				path = fmt.Sprintf(path, id)
			}
			s.call(call.method, path, call.body, "Content-Type: application/json").wantStatus(t, 401)
			for _, who := range []string{"ann", "carl"} {
				s.call(call.method, path, call.body, s.as(who), "Content-Type: application/json").wantStatus(t, 403)
			}
		}
	}
	s.get("/api/account", s.as("ann")).wantStatus(t, 200)
}

func TestManage(t *testing.T) {
	s := mustServeAccounts(t)
	admin, ann := s.as("admin"), s.signedIn("ann").Account.ID
	s.signedIn("carl")
	wantAll := func(limit int) {
		t.Helper()
		seen := map[string]accounts.Role{}
		for path := fmt.Sprint("/api/accounts?limit=", limit); path != ""; {
			got := s.get(path, admin)
			got.wantStatus(t, 200)
			got.wantPrivate(t)
			var page struct {
				Accounts []accounts.Account
				Next     string
			}
			if err := json.Unmarshal([]byte(got.body), &page); err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Accounts {
				seen[a.Name] = a.Role
			}
			path = page.Next
		}
		if len(seen) != 3 || seen["admin"] != accounts.Administrator || seen["carl"] != accounts.Clerk ||
			seen["ann"] != accounts.Customer {
			t.Errorf("pages of %d: %v", limit, seen)
		}
	}
	for _, limit := range []int{1, 2, 3, 100} {
		wantAll(limit)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "after=x", "after=%27"} {
		s.get("/api/accounts?"+query, admin).wantStatus(t, 400)
	}
	if got := s.get("/api/accounts/"+ann, admin); got.status != 200 || got.member("name") != "ann" {
		t.Errorf("%d %s", got.status, got.body)
	}
	s.get("/api/accounts/"+strings.ToUpper(ann), admin).wantStatus(t, 200)
	if strings.Contains(s.get("/api/accounts", admin).body, "argon") {
		t.Error("the list has hashes")
	}
	s.get("/api/accounts/"+ann, admin, "If-None-Match: *").wantStatus(t, 304)
	s.get("/api/accounts/"+ann, admin, `If-Match: "a"`).wantStatus(t, 412)
	s.call("DELETE", "/api/accounts/"+ann, "", admin, `If-Match: "a"`).wantStatus(t, 412)

	for _, body := range []string{``, `{}`, `{"role":""}`, `{"role":"root"}`, `{"role":"Clerk"}`, `{"role":3}`,
		`{"role":"clerk","name":"x"}`} {
		s.call("PUT", "/api/accounts/"+ann+"/role", body, admin, "Content-Type: application/json").wantStatus(t, 400)
	}
	const none = "/api/accounts/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"
	s.get(none, admin).wantStatus(t, 404)
	s.call("DELETE", none, "", admin).wantStatus(t, 404)
	s.call("DELETE", none+"/sessions", "", admin).wantStatus(t, 404)
	s.call("PUT", none+"/role", `{"role":"clerk"}`, admin, "Content-Type: application/json").wantStatus(t, 404)
	s.get("/api/accounts/1", admin).wantStatus(t, 404)

	own := "/api/accounts/" + s.signedIn("admin").Account.ID
	for _, got := range []reply{
		s.call("DELETE", own, "", admin),
		s.call("PUT", own+"/role", `{"role":"clerk"}`, admin, "Content-Type: application/json"),
	} {
		got.wantStatus(t, 409)
		if got.member("type") != "/api/docs#needed" {
			t.Errorf("the only administrator: %s", got.body)
		}
	}
	got := s.call("PUT", "/api/accounts/"+ann+"/role", `{"role":"administrator"}`, admin,
		"Content-Type: application/json")
	got.wantStatus(t, 200)
	if got.member("role") != "administrator" || got.member("id") != ann {
		t.Errorf("%s", got.body)
	}
	s.call("DELETE", own, "", s.as("ann")).wantStatus(t, 204)
	s.get("/api/accounts", admin).wantStatus(t, 401)
}

// TestWithoutAccountsThereAreNoCalls checks that, without accounts, all their calls get the 404 of an unknown path.
func TestWithoutAccountsThereAreNoCalls(t *testing.T) {
	s := mustServe(t)
	nothing := s.get("/api/nothing")
	for _, call := range [][2]string{
		{"POST", "/api/accounts"}, {"GET", "/api/accounts"},
		{"GET", "/api/accounts/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"},
		{"POST", "/api/session"}, {"DELETE", "/api/session"}, {"POST", "/api/session/renew"},
		{"DELETE", "/api/sessions"},
		{"GET", "/api/account"}, {"PUT", "/api/account/password"}, {"GET", "/.well-known/jwks.json"},
	} {
		got := s.call(call[0], call[1], credentials("ann", password), "Content-Type: application/json",
			"Authorization: x")
		if got.status != http.StatusNotFound || got.body != nothing.body {
			t.Errorf("%s %s = %d %s", call[0], call[1], got.status, got.body)
		}
	}
}

func TestKeys(t *testing.T) {
	s := mustServeAccounts(t)
	got := s.get("/.well-known/jwks.json")
	got.want(t, 200, string(s.keys.Published()))
	s.get("/.well-known/jwks.json", "If-None-Match: "+got.header.Get("ETag")).wantStatus(t, 304)
	if strings.Contains(got.body, `"d"`) {
		t.Error("the private key is published")
	}
}
