package httpapi

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// TestAcceptLines asks a header for its Accept lines, and then for another field as any handler would.
func TestAcceptLines(t *testing.T) {
	var header fasthttp.RequestHeader
	header.Add("Accept", "text/plain")
	header.Add("Accept", "application/json")
	header.Add("X-Toy", "train")
	if got := acceptLines(&header); len(got) != 2 || string(got[0]) != "text/plain" ||
		string(got[1]) != "application/json" {
		t.Errorf("the lines are %q", got)
	}
	if got := string(header.Peek("x-toy")); got != "train" {
		t.Errorf("by another spelling there is %q afterwards, want the field's value", got)
	}
}
