package shop_test

import (
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/api/shop"
)

// TestOriginIsKeptAsText checks that origins of all kinds come back from their text, and that those that are too long
// are left out.
func TestOriginIsKeptAsText(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, origin := range []shop.Origin{{}, {Request: "r-1"}, {Request: "r-1", Trace: trace}, {Trace: trace}} {
		if got := shop.ParseOrigin(origin.String()); got != origin {
			t.Errorf("%+v is %q, which is %+v", origin, origin, got)
		}
	}
	if got := (shop.Origin{Request: strings.Repeat("r", shop.OriginMax), Trace: trace}).String(); got != "" {
		t.Errorf("an origin that is too long is kept as %d bytes", len(got))
	}
	if got, want := shop.ParseOrigin("r-1 "+trace).TraceID(), "0af7651916cd43dd8448eb211c80319c"; got != want {
		t.Errorf("the trace is %q, want %q", got, want)
	}
	if got := shop.ParseOrigin("r-1 nonsense").TraceID(); got != "" {
		t.Errorf("the trace of nonsense is %q", got)
	}
}
