package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/audit"
	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// entries is a table of an audit in memory.
type entries struct {
	mu   sync.Mutex
	all  []audit.Entry
	err  error
	seen func(audit.Entry)
}

func (e *entries) AddEntry(_ context.Context, entry audit.Entry) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen != nil {
		e.seen(entry)
	}
	e.all = append(e.all, entry)
	return e.err
}

func (e *entries) take() []audit.Entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.all
	e.all = nil
	return taken
}

// mustServeAudited is a shop with accounts whose audit goes to a table and a stream.
func mustServeAudited(t testing.TB) (*secureShop, *entries, *bytes.Buffer) {
	t.Helper()
	table, stream := &entries{}, &bytes.Buffer{}
	recorder := mustRecord(t, audit.Config{Table: table, Stream: stream})
	return mustServeAccounts(t, func(cfg *httpapi.Config) { cfg.Audit = recorder }), table, stream
}

func mustRecord(t testing.TB, cfg audit.Config) *audit.Recorder {
	t.Helper()
	recorder, err := audit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return recorder
}

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// TestAuditHasWritesAndRefusals makes calls of all sorts, and wants an entry for each write and each refusal, which
// says who, what, from where and what came of it, and none for what was only read. What was written is named in one
// spelling, however it was asked for.
func TestAuditHasWritesAndRefusals(t *testing.T) {
	table, stream := &entries{}, &bytes.Buffer{}
	recorder := mustRecord(t, audit.Config{Table: table, Stream: stream})
	s := mustServeAccountsOf(t, shop.Config{HeavyDelay: time.Hour}, // so that the order stays pending
		func(cfg *httpapi.Config) { cfg.Audit = recorder })
	ann, carl, admin := s.signedIn("ann").Account.ID, s.signedIn("carl").Account.ID, s.signedIn("admin").Account.ID
	const order = "/api/orders/5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"
	const made = "ID" // stands for the one that the answer has
	placed := s.post("/api/orders", `{"product":"Yoyo"}`, s.as("ann")).header.Get("Location")
	table.take()
	stream.Reset()
	for _, call := range []struct {
		method, path, body string
		as                 string
		want               audit.Entry // zero for none
	}{
		{"POST", "/api/products", `{"name":"Yoyo"}`, "carl",
			audit.Entry{Account: carl, Route: "/api/products", Thing: "/api/products/3",
				Outcome: audit.Done, Status: 201}},
		{"GET", "/api/products?product=Robot&token=secret", "", "carl",
			audit.Entry{Account: carl, Route: "/api/products", Thing: "/api/products/4",
				Outcome: audit.Done, Status: 200}},
		{"DELETE", "/api/products/4", "", "carl", audit.Entry{Account: carl, Route: "/api/products/:id<int>",
			Thing: "/api/products/4", Outcome: audit.Done, Status: 204}},
		{"DELETE", "/api/products/4", "", "carl", audit.Entry{Account: carl, Route: "/api/products/:id<int>",
			Thing: "/api/products/4", Outcome: audit.Failed, Status: 404}},
		{"DELETE", "/api/products/+3", "", "carl", audit.Entry{Account: carl, Route: "/api/products/:id<int>",
			Thing: "/api/products/+3", Outcome: audit.Failed, Status: 404}},
		{"DELETE", "/api/products/" + strings.Repeat("0", 290) + "3", "", "carl", audit.Entry{Account: carl,
			Route: "/api/products/:id<int>", Thing: "/api/products/" + strings.Repeat("0", 283) + "…",
			Outcome: audit.Failed, Status: 404}},
		{"DELETE", "/api/products/3" + strings.Repeat("/", 400), "", "carl", audit.Entry{Account: carl,
			Route: "/api/products/:id<int>", Thing: "/api/products/3", Outcome: audit.Done, Status: 204}},
		{"POST", "/api/products", `{`, "carl", audit.Entry{Account: carl, Route: "/api/products",
			Thing: "/api/products", Outcome: audit.Failed, Status: 400}},
		{"DELETE", "/api/products/1", "", "ann", audit.Entry{Account: ann, Route: "/api/products/:id<int>",
			Thing: "/api/products/1", Outcome: audit.Refused, Status: 403}},
		{"DELETE", "/api/products/1", "", "", audit.Entry{Route: "/api/products/:id<int>", Thing: "/api/products/1",
			Outcome: audit.Refused, Status: 401}},
		{"GET", "/api/orders/do?order=Yoyo", "", "ann", audit.Entry{Account: ann, Route: "/api/orders/do",
			Thing: "/api/orders/" + made, Outcome: audit.Done, Status: 200}},
		{"GET", "/api/orders/do?order=%00", "", "ann", audit.Entry{Account: ann, Route: "/api/orders/do",
			Thing: `/api/orders/do?order=\x00`, Outcome: audit.Failed, Status: 400}},
		{"POST", "/api/orders/" + strings.ToUpper(strings.TrimPrefix(placed, "/api/orders/")) + "/cancel", "", "ann",
			audit.Entry{Account: ann, Route: "/api/orders/:id<guid>/cancel", Thing: placed + "/cancel",
				Outcome: audit.Done, Status: 200}},
		{"GET", "/api/orders?order_id=" + strings.ToUpper(strings.TrimPrefix(placed, "/api/orders/")), "", "",
			audit.Entry{Route: "/api/orders", Thing: "/api/orders?order_id=" +
				strings.TrimPrefix(placed, "/api/orders/"), Outcome: audit.Refused, Status: 401}},
		{"GET", order, "", "", audit.Entry{Route: "/api/orders/:id<guid>", Thing: order, Outcome: audit.Refused,
			Status: 401}},
		{"HEAD", order, "", "", audit.Entry{Route: "/api/orders/:id<guid>", Thing: order, Outcome: audit.Refused,
			Status: 401}},
		{"GET", "/api/products", "", "bad token", audit.Entry{Thing: "/api/products",
			Outcome: audit.Refused, Status: 401}},
		{"GET", "/api/products", "", "", audit.Entry{}},
		{"GET", "/api/products/1", "", "ann", audit.Entry{}},
		{"HEAD", "/api/products?product=x", "", "carl", audit.Entry{}},
		{"GET", "/api/products/99", "", "", audit.Entry{}},
		{"GET", "/api/nothing", "", "", audit.Entry{}},
		{"POST", "/api/nothing", "", "", audit.Entry{}},
		{"POST", "/api/ping", "", "", audit.Entry{}},
		{"GET", "/healthz", "", "", audit.Entry{}},
		{"POST", "/api/session", credentials("ann", password), "", audit.Entry{Account: ann, Route: "/api/session",
			Thing: "/api/session", Outcome: audit.Done, Status: 200}},
		{"POST", "/api/session", credentials("ann", "not "+password), "", audit.Entry{Route: "/api/session",
			Thing: "/api/session", Outcome: audit.Refused, Status: 401}},
		{"GET", "/api/account", "", "ann", audit.Entry{}},
		{"GET", "/api/accounts", "", "ann", audit.Entry{Account: ann, Route: "/api/accounts", Thing: "/api/accounts",
			Outcome: audit.Refused, Status: 403}},
		{"POST", "/api/accounts", credentials("dora", password), "", audit.Entry{Account: made,
			Route: "/api/accounts", Thing: "/api/accounts/" + made, Outcome: audit.Done, Status: 201}},
		{"POST", "/api/accounts", credentials("emil", password), "admin", audit.Entry{Account: admin,
			Route: "/api/accounts", Thing: "/api/accounts/" + made, Outcome: audit.Done, Status: 201}},
		{"POST", "/api/accounts", credentials("emil", password), "", audit.Entry{Route: "/api/accounts",
			Thing: "/api/accounts", Outcome: audit.Failed, Status: 409}},
		{"PUT", "/api/accounts/" + strings.ToUpper(carl) + "/role", `{"role":"clerk"}`, "admin",
			audit.Entry{Account: admin, Route: "/api/accounts/:id<guid>/role",
				Thing: "/api/accounts/" + carl + "/role", Outcome: audit.Done, Status: 200}},
		{"PUT", "/api/accounts/" + ann + "/role", `{"role":"administrator"}`, "ann", audit.Entry{Account: ann,
			Route: "/api/accounts/:id<guid>/role", Thing: "/api/accounts/" + ann + "/role", Outcome: audit.Refused,
			Status: 403}},
	} {
		headers := []string{"Content-Type: application/json", "X-Forwarded-For: 10.1.2.3, 192.0.2.7",
			"X-Request-Id: r-1"}
		switch call.as {
		case "":
		case "bad token":
			headers = append(headers, "Authorization: Bearer x.y.z")
		default:
			headers = append(headers, s.as(call.as))
		}
		sent := s.call(call.method, call.path, call.body, headers...)
		got, want := table.take(), call.want
		want.Thing = strings.ReplaceAll(want.Thing, made, anyUUID.FindString(sent.body))
		want.Account = strings.ReplaceAll(want.Account, made, anyUUID.FindString(sent.body))
		name := fmt.Sprintf("%s %s by %q", call.method, call.path, call.as)
		if want.Status == 0 {
			if len(got) != 0 {
				t.Errorf("%s: %+v, want no entry", name, got)
			}
			continue
		}
		if len(got) != 1 {
			t.Errorf("%s: %d entries, want one", name, len(got))
			continue
		}
		want.ID, want.At, want.Times = got[0].ID, got[0].At, 1
		want.Method, want.From, want.Request = call.method, "192.0.2.7", "r-1"
		if got[0] != want {
			t.Errorf("%s:\n%+v, want\n%+v", name, got[0], want)
		}
	}
	if text := stream.String(); strings.Contains(text, "secret") || strings.Contains(text, password) ||
		strings.Contains(text, `"ann"`) || strings.Contains(text, "Bearer") {
		t.Errorf("the stream has what it is not to have:\n%s", text)
	}
}

// TestAuditHasAskedForOrdersOfOthers asks for another customer's order by each call, with a cold and a warm cache, and
// cancels it. It checks that each is audited as refused. The same calls for an order that does not exist are audited as
// failed if they write, and not at all if they read.
func TestAuditHasAskedForOrdersOfOthers(t *testing.T) {
	s, table, _ := mustServeAudited(t)
	ann := s.as("ann")
	s.signedIn("bob")
	id := s.post("/api/orders", `{"product":"Yoyo"}`, ann).member("order_id")
	s.get("/api/orders/"+id, ann).wantStatus(t, 200)
	table.take()
	const none = "5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"
	for range 2 {
		for _, call := range [][2]string{{"GET", "/api/orders/ID"}, {"HEAD", "/api/orders/ID"},
			{"GET", "/api/orders?order_id=ID"}, {"POST", "/api/orders/ID/cancel"}} {
			for asked, want := range map[string]audit.Outcome{id: audit.Refused, none: audit.Failed} {
				s.call(call[0], strings.ReplaceAll(call[1], "ID", asked), "", s.as("bob")).wantStatus(t, 404)
				got := table.take()
				switch {
				case want == audit.Failed && call[0] != "POST":
					if len(got) != 0 {
						t.Errorf("%s %s of none: %+v", call[0], call[1], got)
					}
				case len(got) != 1 || got[0].Outcome != want || got[0].Account != s.signedIn("bob").Account.ID ||
					!strings.Contains(got[0].Thing, asked):
					t.Errorf("%s %s: %+v, want it %s", call[0], call[1], got, want)
				}
			}
		}
	}
}

// TestAuditIsBeforeTheAnswer checks that a write's entry is in the table by the time its caller has the response, and
// that the response is the same when the table is away.
func TestAuditIsBeforeTheAnswer(t *testing.T) {
	s, table, stream := mustServeAudited(t)
	recorded := make(chan struct{})
	table.seen = func(audit.Entry) { close(recorded) }
	s.post("/api/products", `{"name":"Yoyo"}`, s.as("carl")).wantStatus(t, 201)
	select {
	case <-recorded:
	default:
		t.Error("the answer is there before its entry")
	}
	table.seen, table.err = nil, errors.New("the database is away")
	got := s.post("/api/products", `{"name":"Yoyo"}`, s.as("carl"))
	got.wantStatus(t, 201)
	if lines := strings.Count(stream.String(), "\n"); lines != 2 {
		t.Errorf("%d lines, want 2", lines)
	}
	s.get("/api/products/"+got.header.Get("Location")[len("/api/products/"):]).wantStatus(t, 200)
}

// TestAuditOfWritesThatChangeNothing makes each call twice, or where there never was anything to do, and wants the
// audit to distinguish those that changed something from the others.
func TestAuditOfWritesThatChangeNothing(t *testing.T) {
	table := &entries{}
	recorder := mustRecord(t, audit.Config{Table: table, Stream: io.Discard})
	s := mustServeAccountsOf(t, shop.Config{HeavyDelay: time.Hour}, // so that orders stay pending
		func(cfg *httpapi.Config) { cfg.Audit = recorder })
	ann, carl := s.as("ann"), s.as("carl")
	sold := s.post("/api/products", `{"name":"Robot","stock":1}`, carl).header.Get("Location")
	one := `{"items":[{"product":` + strings.TrimPrefix(sold, "/api/products/") + `,"quantity":1}]}`
	own, other := s.post("/api/session", credentials("ann", password)), s.signIn("ann")
	placed := s.post("/api/orders", one, ann, "Idempotency-Key: cancelled").member("order_id")
	cookie := own.cookie()
	signOut := func(fields ...string) func() reply {
		return func() reply { return s.call("DELETE", "/api/session", "", fields...) }
	}
	post := func(path, body string, fields ...string) func() reply {
		return func() reply { return s.post(path, body, fields...) }
	}
	table.take()
	const done, unchanged = audit.Done, audit.Unchanged
	for _, call := range []struct {
		what string
		send func() reply
		want []audit.Outcome
	}{
		{"a cancel", post("/api/orders/"+placed+"/cancel", "", ann), []audit.Outcome{done, unchanged, unchanged}},
		{"an order by name", post("/api/orders", `{"product":"Yoyo"}`, ann, "Idempotency-Key: 1"),
			[]audit.Outcome{done, unchanged}},
		{"an order of the last one", post("/api/orders", one, ann, "Idempotency-Key: 2"),
			[]audit.Outcome{done, unchanged}},
		{"an order of what is sold out", post("/api/orders", one, ann), []audit.Outcome{audit.Failed}},
		{"the last one's again", post("/api/orders", one, ann, "Idempotency-Key: 2"), []audit.Outcome{unchanged}},
		{"an order without a key", post("/api/orders", `{"product":"Yoyo"}`, ann), []audit.Outcome{done, done}},
		{"another order with a key", post("/api/orders", `{"product":"Joli train"}`, ann, "Idempotency-Key: 1"),
			[]audit.Outcome{audit.Failed}},
		{"a product", post("/api/products", `{"name":"Kite"}`, carl, "Idempotency-Key: 3"),
			[]audit.Outcome{done, unchanged}},
		{"a young renewal", post("/api/session/renew", "", s.own(), cookie), []audit.Outcome{unchanged, unchanged}},
		{"a sign-out by a cookie", signOut(s.own(), cookie), []audit.Outcome{done, unchanged}},
		{"a sign-out by a token", signOut(other), []audit.Outcome{done, audit.Refused}},
		{"by a token, with a cookie of none", signOut(s.signIn("ann"), s.own(), cookie), []audit.Outcome{done}},
		{"an account's sign-out, by its administrator", func() reply {
			return s.call("DELETE", "/api/accounts/"+s.signedIn("carl").Account.ID+"/sessions", "", s.as("admin"))
		}, []audit.Outcome{done, unchanged}},
		{"by the secret of no session", signOut(s.own(), "Cookie: __Host-woody-session="+strings.Repeat("A", 64)),
			[]audit.Outcome{unchanged}},
	} {
		table.take()
		for i, want := range call.want {
			sent := call.send()
			if got := table.take(); len(got) != 1 || got[0].Outcome != want {
				t.Errorf("%s, %d: %d %s, %+v; want it %s", call.what, i, sent.status, sent.body, got, want)
			}
		}
	}
}

// TestSigningNobodyOutDoesNotFillTheAudit checks that signing out again and again without a session makes few entries,
// and one that counts the rest.
func TestSigningNobodyOutDoesNotFillTheAudit(t *testing.T) {
	table, stream, now := &entries{}, &bytes.Buffer{}, time.Now()
	recorder := mustRecord(t, audit.Config{Table: table, Stream: stream, Now: func() time.Time { return now }})
	s := mustServeAccounts(t, func(cfg *httpapi.Config) { cfg.Audit = recorder })
	const flood, most = 200, 20
	for range flood {
		s.call("DELETE", "/api/session", "", s.own(), "Cookie: __Host-woody-session=x").wantStatus(t, 204)
	}
	recorder.Summarize(t.Context())
	got := table.take()
	lines := strings.Count(stream.String(), "\n")
	if len(got) != most+1 || lines != most+1 || got[most].Times != flood-most || got[most].Outcome != audit.Unchanged {
		t.Errorf("%d rows, %d lines, want %d and one for %d more: %+v", len(got), lines, most, flood-most,
			got[len(got)-1])
	}
}

// TestAuditLinesCannotBeInjected sends line breaks, JSON and terminal escapes in everything that callers can write into
// the audit. It checks that each request makes exactly one valid line, of bounded length and without control
// characters.
func TestAuditLinesCannotBeInjected(t *testing.T) {
	s, table, stream := mustServeAudited(t)
	forged := `%0A{"audit":true,"outcome":"done","account":"carl"}%0D%0A%1B[2J%E2%80%AE`
	carl := s.as("carl")
	for _, call := range [][]string{
		{"GET", "/api/products?product=x&order=" + forged, carl},
		{"GET", "/api/orders/do?order=" + forged, carl},
		{"GET", "/api/products/" + forged, "Authorization: Bearer x.y.z", "X-Request-Id: a{}\"b"},
		{"DELETE", "/api/products/1?order=" + strings.Repeat("x", 9000), `X-Forwarded-For: ,"x`},
	} {
		s.send(call[0], call[1], call[2:]...)
	}
	if got := len(table.take()); got != 4 {
		t.Errorf("%d entries, want 4", got)
	}
	for line := range strings.Lines(stream.String()) {
		var read map[string]any
		if err := json.Unmarshal([]byte(line), &read); err != nil || len(line) > 1000 {
			t.Errorf("%d bytes, %v: %s", len(line), err, line)
		}
		for name, value := range read {
			if text, ok := value.(string); ok && strings.ContainsAny(text, "\n\r\x1b\u202e\x7f") {
				t.Errorf("%s is %q", name, text)
			}
		}
	}
	if strings.Count(stream.String(), "\n") != 4 {
		t.Errorf("lines are not 4:\n%s", stream.String())
	}
}

// TestNoAuditOfMiddleware checks that a POST to what is mounted beside the API, such as the page, makes no entry.
func TestNoAuditOfMiddleware(t *testing.T) {
	table := &entries{}
	recorder := mustRecord(t, audit.Config{Table: table, Stream: &bytes.Buffer{}})
	audited := func(cfg *httpapi.Config, _ *store.Store) { cfg.Audit = recorder }
	s := mustServeWith(t, shop.Config{}, audited, func(app *fiber.App) {
		app.Get("/", func(c *fiber.Ctx) error { return c.SendString("page") })
	})
	for _, method := range []string{"GET", "POST"} {
		request, _ := http.NewRequest(method, s.url+"/", nil)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if got := table.take(); len(got) != 0 {
		t.Errorf("%+v, want no entry", got)
	}
}
