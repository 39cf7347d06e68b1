package fibercache

import (
	"bytes"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestFieldsAreFoundAndLeftAlone asks a header for a field by its canonical name, and then as any handler would.
func TestFieldsAreFoundAndLeftAlone(t *testing.T) {
	for _, exact := range []bool{false, true} { // as Fiber's DisableHeaderNormalizing has it
		var header fasthttp.RequestHeader
		if exact {
			header.DisableNormalizing()
		}
		header.Add("If-None-Match", `"a"`)
		header.Add("If-None-Match", "")
		fields := requestFields{&header}
		if got := fields.PeekAll("If-None-Match"); len(got) != 2 || string(got[0]) != `"a"` || len(got[1]) != 0 {
			t.Errorf("exact %v: the lines are %q, want the tag and an empty one", exact, got)
		}
		if got := fields.PeekAll("If-Match"); len(got) != 0 {
			t.Errorf("exact %v: the lines of an absent field are %q", exact, got)
		}
		if got := header.Peek("if-none-match"); bytes.Equal(got, []byte(`"a"`)) == exact {
			t.Errorf("exact %v: by another spelling there is %q afterwards", exact, got)
		}
	}
}
