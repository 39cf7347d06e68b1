package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/tokens"
)

// guarded are the calls that take a right, and who has it.
var guarded = []struct {
	method, path, body string
	allowed            []string
}{
	{"GET", "/api/products?product=Yoyo", "", []string{"carl", "admin"}},
	{"POST", "/api/products", `{"name":"Yoyo"}`, []string{"carl", "admin"}},
	{"PUT", "/api/products/1", `{"name":"Yoyo"}`, []string{"carl", "admin"}},
	{"PATCH", "/api/products/1", `{"name":"Yoyo"}`, []string{"carl", "admin"}},
	{"DELETE", "/api/products/99", "", []string{"carl", "admin"}},
	{"GET", "/api/orders/do?order=Yoyo", "", []string{"ann", "carl", "admin"}},
	{"POST", "/api/orders", `{"product":"Yoyo"}`, []string{"ann", "carl", "admin"}},
	{"GET", "/api/orders/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b", "", []string{"ann", "carl", "admin"}},
	{"HEAD", "/api/orders/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b", "", []string{"ann", "carl", "admin"}},
	{"GET", "/api/orders?order_id=5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b", "", []string{"ann", "carl", "admin"}},
	{"HEAD", "/api/orders?order_id=5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b", "", []string{"ann", "carl", "admin"}},
	{"POST", "/api/orders/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b/cancel", "", []string{"ann", "carl", "admin"}},
}

// TestRights makes each call that takes a right without a token, and with those of all roles.
func TestRights(t *testing.T) {
	s := mustServeAccounts(t)
	before := len(mustList(t, s.testShop))
	for _, call := range guarded {
		ask := func(headers ...string) reply {
			return s.call(call.method, call.path, call.body, append(headers, "Content-Type: application/json")...)
		}
		got := ask()
		got.wantStatus(t, 401)
		if challenge := got.header.Get("WWW-Authenticate"); challenge != `Bearer realm="woodytoys"` {
			t.Errorf("%s %s: WWW-Authenticate %q", call.method, call.path, challenge)
		}
		for _, who := range []string{"ann", "carl", "admin"} {
			got := ask(s.as(who))
			switch allowed := strings.Contains(fmt.Sprint(call.allowed), who); {
			case allowed && (got.status == 401 || got.status == 403):
				t.Errorf("%s %s by %s: %d %s", call.method, call.path, who, got.status, got.body)
			case !allowed:
				got.wantStatus(t, 403)
				if !strings.Contains(got.header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
					t.Errorf("%s %s by %s: %q", call.method, call.path, who, got.header.Get("WWW-Authenticate"))
				}
			}
		}
	}
	if n := len(mustList(t, s.testShop)); n != before+4 { // two each of carl's and admin's
		t.Errorf("there are %d products, and there were %d", n, before)
	}
}

// mustList returns the lines of the list of products.
func mustList(t testing.TB, s *testShop) []string {
	t.Helper()
	got := s.get("/api/products", "Accept: text/plain")
	got.wantStatus(t, 200)
	return strings.Split(strings.TrimSuffix(got.body, "\n"), "\n")
}

// badAuthorizations are fields that are no token of this shop's, by what is wrong.
func (s *secureShop) badAuthorizations() map[string][]string {
	good := s.as("ann")
	token := strings.TrimPrefix(good, "Authorization: Bearer ")
	other, err := tokens.Generate()
	if err != nil {
		s.t.Fatal(err)
	}
	ann, carl := s.signedIn("ann"), s.signedIn("carl")
	foreign, _ := other.Sign(ann.Account.ID, ann.Session)
	unknown, _ := s.keys.Sign(ann.Account.ID, "5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b")
	nonsense, _ := s.keys.Sign(ann.Account.ID, "' OR 1=1 --")
	anothers, _ := s.keys.Sign(ann.Account.ID, carl.Session)
	return map[string][]string{
		"empty":            {"Authorization: "},
		"scheme alone":     {"Authorization: Bearer"},
		"no scheme":        {"Authorization: " + token},
		"other scheme":     {"Authorization: Basic YW5uOmh1c2g="},
		"DPoP":             {"Authorization: DPoP " + token},
		"tab":              {"Authorization: Bearer\t" + token},
		"colon":            {"Authorization: Bearer:" + token},
		"longer scheme":    {"Authorization: Bearers " + token},
		"two tokens":       {"Authorization: Bearer " + token + " " + token},
		"list":             {"Authorization: Bearer " + token + ", Bearer " + token},
		"quoted":           {`Authorization: Bearer "` + token + `"`},
		"parameter":        {"Authorization: Bearer token=" + token},
		"cut":              {good[:len(good)-9]},
		"other key":        {"Authorization: Bearer " + foreign},
		"no session":       {"Authorization: Bearer " + unknown},
		"nonsense":         {"Authorization: Bearer " + nonsense},
		"other's session":  {"Authorization: Bearer " + anothers},
		"huge":             {"Authorization: Bearer " + strings.Repeat("a", 8000)},
		"twice the same":   {good, good},
		"good and bad":     {good, "Authorization: Basic eA=="},
		"bad and good":     {"Authorization: Basic eA==", good},
		"empty and good":   {"Authorization: ", good},
		"not ASCII":        {"Authorization: Bearer \xc3\xa9"},
		"percent-encoded":  {"Authorization: Bearer " + strings.ReplaceAll(token, ".", "%2E")},
		"another spelling": {"authorization: " + token},
	}
}

// TestBadTokens sends them to every sort of address: kept, written, guarded, unknown. Each is refused at once.
func TestBadTokens(t *testing.T) {
	s := mustServeAccounts(t)
	s.get("/api/products?product=Yoyo", s.as("carl")).wantStatus(t, 200)
	s.get("/api/products/1").wantStatus(t, 200) // is kept now
	before := len(mustList(t, s.testShop))
	for name, fields := range s.badAuthorizations() {
		for _, call := range [][2]string{
			{"GET", "/api/products/1"}, {"HEAD", "/api/products/1"}, {"GET", "/api/ping"}, {"GET", "/api/docs"},
			{"DELETE", "/api/products/1"}, {"GET", "/api/nothing"}, {"OPTIONS", "/api/products"},
			{"PATCH", "/api/ping"},
			{"GET", "/api/orders/do?order=x"}, {"GET", "/api/products?product=x"}, {"GET", "/api/"},
		} {
			got := s.send(call[0], call[1], fields...)
			challenge := got.header.Get("WWW-Authenticate")
			if got.status != 401 || !strings.HasPrefix(challenge, `Bearer realm="woodytoys", error="invalid_token"`) ||
				got.header.Get("Cache-Control") != "no-store" || got.header.Get("Cache-Status") != "" {
				t.Errorf("%s: %s %s = %d, %q, %v", name, call[0], call[1], got.status, challenge, got.header)
			}
		}
	}
	if n := len(mustList(t, s.testShop)); n != before {
		t.Errorf("there are %d products, and there were %d", n, before)
	}
}

// send is like call for requests that net/http would not send, over a connection of its own.
func (s *testShop) send(method, path string, fields ...string) reply {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n%s\r\n\r\n", method, path,
		strings.Join(fields, "\r\n"))
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// TestSpellingsOfAuthorization checks that a valid token is accepted in every spelling of the Authorization field that
// RFC 9110 allows.
func TestSpellingsOfAuthorization(t *testing.T) {
	s := mustServeAccounts(t)
	token := strings.TrimPrefix(s.as("carl"), "Authorization: Bearer ")
	for i, field := range []string{
		"Authorization: bearer " + token, "Authorization: BEARER " + token, "Authorization: Bearer   " + token,
		"authorization: Bearer " + token, "AUTHORIZATION:Bearer " + token, "Authorization:  Bearer " + token + "  ",
	} {
		if got := s.send("GET", fmt.Sprint("/api/products?product=", i), field); got.status != 200 {
			t.Errorf("%q: %d %s", field, got.status, got.body)
		}
	}
}

// TestReadsAreShared checks that a response that one caller's read cached is a hit for every other caller, with any
// token or none.
func TestReadsAreShared(t *testing.T) {
	s := mustServeAccounts(t)
	s.get("/api/products?product=Yoyo", s.as("carl")).wantStatus(t, 200)
	for _, path := range []string{"/api/products/1", "/api/products", "/api/products/last", "/api/misc/heavy?name=x"} {
		first := s.get(path, s.as("ann"))
		for _, header := range [][]string{nil, {s.as("ann")}, {s.as("carl")}, {s.as("admin")}, nil} {
			got := s.get(path, header...)
			got.want(t, 200, first.body)
			if status := got.header.Get("Cache-Status"); !strings.HasPrefix(status, "near; hit") {
				t.Errorf("GET %s with %d fields: Cache-Status %q", path, len(header), status)
			}
			if got.header.Get("Set-Cookie") != "" || got.header.Get("Vary") != "Accept" {
				t.Errorf("GET %s: %v", path, got.header)
			}
		}
	}
}

// TestASessionEnds changes the role of an account, and ends its sessions by sign-out, by an administrator and by
// deleting the account. It checks that the very next request is decided by the new state.
func TestASessionEnds(t *testing.T) {
	s := mustServeAccounts(t)
	carl, admin := s.as("carl"), s.as("admin")
	account := "/api/accounts/" + s.signedIn("carl").Account.ID
	role := func(name string) {
		t.Helper()
		s.call("PUT", account+"/role", `{"role":"`+name+`"}`, admin, "Content-Type: application/json").
			wantStatus(t, 200)
	}
	s.get("/api/products?product=a", carl).wantStatus(t, 200)
	for range 3 {
		role("customer")
		s.get("/api/products?product=b", carl).wantStatus(t, 403)
		s.get("/api/products/1", carl).wantStatus(t, 200)
		role("clerk")
		s.get("/api/products?product=b", carl).wantStatus(t, 200)
	}
	s.call("DELETE", "/api/session", "", carl).wantStatus(t, 204)
	s.get("/api/products/1", carl).wantStatus(t, 401)
	s.get("/api/products/1").wantStatus(t, 200)

	again := s.signIn("carl")
	s.get("/api/products/1", again).wantStatus(t, 200)
	s.call("DELETE", account+"/sessions", "", admin).wantStatus(t, 204)
	s.get("/api/products/1", again).wantStatus(t, 401)

	again = s.signIn("carl")
	s.get("/api/products/1", again).wantStatus(t, 200)
	s.call("DELETE", account, "", admin).wantStatus(t, 204)
	s.get("/api/products/1", again).wantStatus(t, 401)
	s.get("/api/products?product=c", again).wantStatus(t, 401)
}

// TestWithoutAccounts sends what is refused where there are accounts.
func TestWithoutAccounts(t *testing.T) {
	s := mustServe(t)
	s.get("/api/products?product=Yoyo").wantStatus(t, 200)
	s.get("/api/products/1", "Authorization: Basic eA==").want(t, 200, "Yoyo")
	s.get("/api/orders/do?order=Yoyo", "Authorization: Bearer x").wantStatus(t, 200)
}
