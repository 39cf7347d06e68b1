//go:build attack

package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// password is everybody's password but the administrator's.
const password = "a toy box of oak"

// response is a response that was read to its end.
type response struct {
	status int
	header http.Header
	body   string
}

// member returns a member of a response in JSON, which is a string or an object's member ("account.id").
func (a response) member(path string) string {
	var value any
	_ = json.Unmarshal([]byte(a.body), &value)
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, _ := value.(string)
	return text
}

// person is somebody with an account, who comes from an address.
type person struct {
	client *http.Client
	url    string
	name   string
	id     string
	token  string
	cookie string // as a Cookie field has it
}

// call sends a request. Fields are "Name: value"; the person's token is among them, if there is one.
func (p *person) call(t *testing.T, method, path, body string, fields ...string) response {
	t.Helper()
	if p.token != "" {
		fields = append(fields, "Authorization: Bearer "+p.token)
	}
	got, err := send(p.client, method, p.url+path, body, fields...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

// send sends a request, whose body is JSON unless a field says another thing.
func send(client *http.Client, method, url, body string, fields ...string) (response, error) {
	request, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		return response{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Set(name, value)
	}
	sent, err := client.Do(request)
	if err != nil {
		return response{}, err
	}
	defer sent.Body.Close()
	content, err := io.ReadAll(sent.Body)
	return response{sent.StatusCode, sent.Header, string(content)}, err
}

func credentials(name, password string) string {
	body, _ := json.Marshal(map[string]string{"name": name, "password": password})
	return string(body)
}

// newcomers counts the names that were given.
var newcomers atomic.Int64

// mustRegister registers a new account and signs in.
func mustRegister(t *testing.T, s *Shop, from string) *person {
	t.Helper()
	p := &person{client: s.Client(from, true), url: s.URL, name: fmt.Sprintf("person%d", newcomers.Add(1))}
	t.Cleanup(p.client.CloseIdleConnections)
	got := p.call(t, "POST", "/api/accounts", credentials(p.name, password))
	if got.status != http.StatusCreated {
		t.Fatalf("%s registers: %d %s", p.name, got.status, got.body)
	}
	p.mustSignIn(t, password)
	return p
}

func (p *person) mustSignIn(t *testing.T, password string) {
	t.Helper()
	p.token = ""
	got := p.call(t, "POST", "/api/session", credentials(p.name, password))
	if got.status != http.StatusOK {
		t.Fatalf("%s signs in: %d %s", p.name, got.status, got.body)
	}
	p.token, p.id = got.member("access_token"), got.member("account.id")
	p.cookie, _, _ = strings.Cut(got.header.Get("Set-Cookie"), ";")
	if p.token == "" || p.id == "" || p.cookie == "" {
		t.Fatalf("%s signs in: %s %v", p.name, got.body, got.header)
	}
}

// mustBeAdmin signs the administrator in.
func mustBeAdmin(t *testing.T, s *Shop, from string) *person {
	t.Helper()
	p := &person{client: s.Client(from, true), url: s.URL, name: "admin"}
	t.Cleanup(p.client.CloseIdleConnections)
	p.mustSignIn(t, AdminPassword)
	return p
}

// wantRefused fails the test unless a response is a refusal of that status, for programs to read, or a sentence where
// the lab's calls are answered in text.
func (a response) wantRefused(t *testing.T, what string, status int) {
	t.Helper()
	var problem struct {
		Status int
		Detail string
	}
	err := json.Unmarshal([]byte(a.body), &problem)
	if a.status == status && strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") && err != nil {
		if len(a.body) < 20 || strings.Contains(a.body, "\n") {
			t.Errorf("%s: %d %q, want a sentence", what, a.status, a.body)
		}
	} else if a.status != status || err != nil || problem.Status != status || problem.Detail == "" ||
		a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %q (%s), want a clear %d", what, a.status, a.body, a.header.Get("Content-Type"), status)
	}
	challenge := a.header.Get("WWW-Authenticate")
	if status == http.StatusUnauthorized && strings.Contains(what, "token") &&
		!strings.HasPrefix(challenge, "Bearer ") {
		t.Errorf("%s: WWW-Authenticate is %q", what, challenge)
	}
}
