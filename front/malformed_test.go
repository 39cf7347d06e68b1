package main

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/malformed"
)

// TestMalformedRequests sends the corpus straight to the front: each gets one refusal and nothing more.
func TestMalformedRequests(t *testing.T) {
	p := mustStartFront(t, "WOODY_API_URL=http://"+nobody)
	for _, request := range malformed.Requests() {
		if err := malformed.CheckRefused(p.Addr, request); err != nil {
			t.Errorf("%q: %v", request.Name, err)
		}
	}
}
