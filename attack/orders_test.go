//go:build attack

package attack

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestAnothersOrder asks for another customer's order, which every replica has cached, through the proxy and straight
// from each replica. It checks that the response is the one for an order that does not exist, and that the attempt is
// audited as refused.
func TestAnothersOrder(t *testing.T) {
	s := theShop
	ann, bob := mustRegister(t, s, "127.0.0.1"), mustRegister(t, s, "127.0.0.1")
	placed := ann.call(t, "POST", "/api/orders", `{"product":"Yoyo"}`)
	id := placed.member("order_id")
	if placed.status != http.StatusAccepted || id == "" {
		t.Fatalf("an order: %d %s", placed.status, placed.body)
	}
	const none = "5ed0a4a5-7d6f-4b8e-9f0a-0c0d0e0f0a0b"
	WhileOthersAreServed(t, s, func() {
		var tag string
		for _, replica := range s.Replicas { // until each has it
			own := &person{client: http.DefaultClient, url: replica.URL, token: ann.token}
			for range 3 {
				got := own.call(t, "GET", "/api/orders/"+id, "")
				if got.status != http.StatusOK {
					t.Errorf("her own order: %d %s", got.status, got.body)
				}
				tag = got.header.Get("ETag")
			}
		}
		for _, way := range s.ways("127.0.0.1") {
			other := &person{client: way.client, url: way.url, token: bob.token}
			for _, path := range []string{"/api/orders/ID", "/api/orders?order_id=ID", "/api/orders/?order_id=ID",
				"/api/orders?order_id=ID&order_id=ID"} {
				for _, fields := range [][]string{nil, {"If-None-Match: " + tag}, {"If-None-Match: *"},
					{"Accept: text/plain"},
					{"Range: bytes=0-10"}, {"Cache-Control: only-if-cached"}, {"X-Original-User: " + ann.id}} {
					his := other.call(t, "GET", strings.ReplaceAll(path, "ID", id), "", fields...)
					nobodys := other.call(t, "GET", strings.ReplaceAll(path, "ID", none), "", fields...)
					if his.status != http.StatusNotFound && !strings.Contains(path, "&") || his.status < 400 ||
						strings.ReplaceAll(his.body, id, "ID") != strings.ReplaceAll(nobodys.body, none, "ID") {
						t.Errorf("%s, GET %s %v: %d %s; one that there is not: %d %s", way.name, path, fields,
							his.status,
							his.body, nobodys.status, nobodys.body)
					}
				}
				if got := other.call(t, "HEAD", strings.ReplaceAll(path, "ID", id), ""); got.status < 400 {
					t.Errorf("%s, HEAD %s: %d", way.name, path, got.status)
				}
			}
			cancelled := other.call(t, "POST", "/api/orders/"+id+"/cancel", "")
			cancelled.wantRefused(t, way.name+", cancel", http.StatusNotFound)
			nobody := &person{client: way.client, url: way.url}
			nobody.call(t, "GET", "/api/orders/"+id, "").wantRefused(t, way.name+", no token", http.StatusUnauthorized)
			way.client.CloseIdleConnections()
		}
	})
	if got := ann.call(t, "GET", "/api/orders/"+id, ""); got.status != http.StatusOK {
		t.Errorf("her own order, then: %d %s", got.status, got.body)
	}
	admin := mustBeAdmin(t, s, "127.0.0.1")
	if got := admin.call(t, "GET", "/api/orders/"+id, ""); got.status != http.StatusOK {
		t.Errorf("an administrator: %d %s", got.status, got.body)
	}
	if refused := auditLines(t, s, `"outcome":"refused"`, bob.id, id); len(refused) == 0 {
		t.Error("the audit does not say that somebody asked for another's order")
	}
}

// TestAnothersIdempotencyKey checks that a customer who sends another's idempotency key gets an order of his own, not
// hers.
func TestAnothersIdempotencyKey(t *testing.T) {
	s := theShop
	ann, bob := mustRegister(t, s, "127.0.0.1"), mustRegister(t, s, "127.0.0.1")
	const order, key = `{"product":"Yoyo"}`, "Idempotency-Key: one-key-for-all"
	hers := ann.call(t, "POST", "/api/orders", order, key)
	his := bob.call(t, "POST", "/api/orders", order, key)
	again := ann.call(t, "POST", "/api/orders", order, key)
	if hers.member("order_id") == "" || hers.member("order_id") == his.member("order_id") ||
		his.status != hers.status ||
		again.member("order_id") != hers.member("order_id") {
		t.Errorf("hers %d %s, his %d %s, hers again %s", hers.status, hers.body, his.status, his.body, again.body)
	}
}

// TestEscalation checks that nobody can register as an administrator, under a reserved name or with another's id, and
// that a customer cannot raise his own role or make calls that need more rights.
func TestEscalation(t *testing.T) {
	s := theShop
	WhileOthersAreServed(t, s, func() {
		client := s.Client("127.0.0.1", true)
		defer client.CloseIdleConnections()
		for _, body := range []string{
			`{"name":"mallory1","password":"a toy box of oak","role":"administrator"}`,
			`{"name":"mallory1","password":"a toy box of oak","Role":"administrator"}`,
			`{"name":"mallory1","password":"a toy box of oak","id":"00000000-0000-4000-8000-000000000000"}`,
			`{"name":"mallory1","password":"a toy box of oak","name":"admin"}`,
			`{"name":"mallory1","password":"a toy box of oak","account":{"role":"administrator"}}`,
			`[{"name":"mallory1","password":"a toy box of oak"}]`,
		} {
			got, err := send(client, "POST", s.URL+"/api/accounts", body)
			if err != nil {
				t.Fatal(err)
			}
			got.wantRefused(t, body, http.StatusBadRequest)
		}
		for _, name := range []string{"admin", "ADMIN", " admin", "admin ", "admin\x00", "аdmin", "ａｄｍｉｎ"} {
			got, err := send(client, "POST", s.URL+"/api/accounts", credentials(name, password))
			if err != nil {
				t.Fatal(err)
			}
			if got.status != http.StatusConflict && got.status != http.StatusBadRequest {
				t.Errorf("%q registers: %d %s", name, got.status, got.body)
			}
		}
		p := mustRegister(t, s, "127.0.0.1")
		for _, call := range [][3]string{
			{"PUT", "/api/accounts/" + p.id + "/role", `{"role":"administrator"}`}, {"GET", "/api/accounts"},
			{"GET", "/api/accounts/" + p.id}, {"DELETE", "/api/accounts/" + p.id},
			{"DELETE", "/api/accounts/" + p.id + "/sessions"},
			{"POST", "/api/products", `{"name":"x"}`}, {"PUT", "/api/products/1", `{"name":"x"}`},
			{"DELETE", "/api/products/1"},
			{"GET", "/api/products?product=x"},
		} {
			p.call(t, call[0], call[1], call[2]).wantRefused(t, call[0]+" "+call[1], http.StatusForbidden)
		}
		if got := p.call(t, "GET", "/api/account", ""); got.member("role") != "customer" {
			t.Errorf("after all that: %s", got.body)
		}
	})
}

// auditLines returns the lines of the audit's streams that have all of these texts.
func auditLines(t *testing.T, s *Shop, texts ...string) (lines []string) {
	t.Helper()
	for _, file := range s.AuditLogs() {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
	next:
		for line := range strings.Lines(string(content)) {
			for _, text := range texts {
				if !strings.Contains(line, text) {
					continue next
				}
			}
			lines = append(lines, line)
		}
	}
	return lines
}
