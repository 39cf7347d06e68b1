package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/woodytoys/woodytoys/internal/malformed"
)

// TestMalformedRequests sends the corpus straight to the program's two ports: each gets one refusal, the connection is
// closed, and what stands behind it is not answered.
func TestMalformedRequests(t *testing.T) {
	r := mustStartReplica(t, "WOODY_ADMIN_ADDR=127.0.0.1:0")
	admin, err := url.Parse(r.metricsURL())
	if err != nil {
		t.Fatal(err)
	}
	requests := malformed.Requests()
	if len(requests) < 100 {
		t.Fatalf("the corpus has %d requests, want 100 or more", len(requests))
	}
	for _, request := range requests {
		if err := malformed.CheckRefused(r.Addr(), request); err != nil {
			t.Errorf("%q: %v", request.Name, err)
		}
		// The admin port has routes without a body: 404 may come before the body is read.
		responses, err := malformed.Exchange(admin.Host, request.Bytes)
		if err != nil || len(responses) != 1 || responses[0].Status < 400 || responses[0].Status > 499 {
			t.Errorf("admin port, %q: %v, %v; want one refusal", request.Name, responses, err)
		}
	}
	if status, body := mustGet(t, r.URL+"/api/products?limit=1"); status != 200 || len(body) == 0 {
		t.Errorf("after all of it: %d %q", status, body)
	}
}

// TestARefusalOfHEADHasNoBody checks RFC 9110 section 9.3.2 where the request could be read so far that its method is
// known.
func TestARefusalOfHEADHasNoBody(t *testing.T) {
	t.Parallel()
	r := mustStartReplica(t)
	received, err := sendRaw(r.Addr(), 1, []byte("HEAD http://[x/ HTTP/1.1\r\nHost: shop\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	responses, err := malformed.Parse(received, http.MethodHead)
	if err != nil || len(responses) != 1 || responses[0].Status != http.StatusBadRequest || responses[0].Body != "" {
		t.Errorf("got %+v, %v; want 400 without a body", responses, err)
	}
}
