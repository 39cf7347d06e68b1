package conditional_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/cache/conditional"
	"github.com/woodytoys/woodytoys/cache/conditional/conditionaltest"
)

// header is a request's fields, as net/http has them.
type header http.Header

func (h header) PeekAll(name string) (lines [][]byte) {
	for _, line := range h[name] {
		lines = append(lines, []byte(line))
	}
	return lines
}

func fields(lines ...string) header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return header(h)
}

var outcomes = map[int]conditional.Outcome{200: conditional.Proceed, 304: conditional.NotModified,
	412: conditional.Failed}

func TestTable(t *testing.T) {
	for _, c := range conditionaltest.Cases {
		h, s := fields(c.For(`"v1-abc"`)...), conditional.State{ETag: []byte(`"v1-abc"`)}
		if got, want := conditional.Read(h, s), outcomes[c.Read]; got != want {
			t.Errorf("a read: %v = %v, want %v", c, got, want)
		}
		if got, want := conditional.Write(h, s), outcomes[c.Write]; got != want {
			t.Errorf("a write: %v = %v, want %v", c, got, want)
		}
	}
}

const (
	before = "Sun, 01 Nov 2026 10:00:00 GMT"
	date   = "Mon, 02 Nov 2026 10:00:00 GMT"
	after  = "Tue, 03 Nov 2026 10:00:00 GMT"
)

// TestOtherStates checks states that the table has not: absent, without a tag, with a weak one, with a date.
func TestOtherStates(t *testing.T) {
	absent, bare := conditional.State{Absent: true}, conditional.State{}
	weak := conditional.State{ETag: []byte(`W/"a"`)}
	dated := conditional.State{ETag: []byte(`"a"`), LastModified: []byte(date)}
	several := conditional.State{ETag: []byte(`"a"`), Others: [][]byte{[]byte(`"b"`), []byte(`W/"c"`)}}
	for _, row := range []struct {
		name        string
		state       conditional.State
		fields      []string
		read, write int
	}{
		{"13.1.1: a star needs something", absent, []string{"If-Match: *"}, 412, 412},
		{"13.1.1: and so does a tag", absent, []string{`If-Match: "a"`}, 412, 412},
		{"13.1.2: nothing is no star", absent, []string{"If-None-Match: *"}, 200, 200},
		{"13.1.2: nor a tag", absent, []string{`If-None-Match: "a"`}, 200, 200},
		{"13.1.1: something without a tag is a star", bare, []string{"If-Match: *"}, 200, 200},
		{"13.1.2: something without a tag is a star", bare, []string{"If-None-Match: *"}, 304, 412},
		{"13.1.1: something without a tag has no tag", bare, []string{`If-Match: ""`}, 412, 412},
		{"13.1.2: something without a tag has no tag", bare, []string{`If-None-Match: ""`}, 200, 200},
		{"8.8.3.2: a weak state never matches strongly", weak, []string{`If-Match: W/"a", "a"`}, 412, 412},
		{"8.8.3.2: a weak state matches weakly", weak, []string{`If-None-Match: "a"`}, 304, 412},
		{"13.1.3: not modified", dated, []string{"If-Modified-Since: " + after}, 304, 200},
		{"13.1.3: not modified, to the second", dated, []string{"If-Modified-Since: " + date}, 304, 200},
		{"13.1.3: modified", dated, []string{"If-Modified-Since: " + before}, 200, 200},
		{"5.6.7: RFC 850's form", dated, []string{"If-Modified-Since: Monday, 02-Nov-26 10:00:00 GMT"}, 304, 200},
		{"5.6.7: asctime's form", dated, []string{"If-Modified-Since: Mon Nov  2 10:00:00 2026"}, 304, 200},
		{"13.1.3: no date", dated, []string{"If-Modified-Since: tomorrow"}, 200, 200},
		{"13.1.3: two dates", dated, []string{"If-Modified-Since: " + after, "If-Modified-Since: " + after}, 200, 200},
		{"13.1.4: unmodified", dated, []string{"If-Unmodified-Since: " + date}, 200, 200},
		{"13.1.4: modified since", dated, []string{"If-Unmodified-Since: " + before}, 412, 412},
		{"13.1.4: no date", dated, []string{"If-Unmodified-Since: yesterday"}, 200, 200},
		{"13.1.4: a list of dates", dated, []string{"If-Unmodified-Since: " + before + ", " + before}, 200, 200},
		{"13.2.2: If-Match goes before it", dated,
			[]string{`If-Match: "a"`, "If-Unmodified-Since: " + before}, 200, 200},
		{"13.2.2: If-None-Match goes before the date", dated,
			[]string{`If-None-Match: "b"`, "If-Modified-Since: " + after}, 200, 200},
		{"13.2.2: unmodified, and not modified", dated,
			[]string{"If-Unmodified-Since: " + after, "If-Modified-Since: " + after}, 304, 200},
		{"13.1.1: any current representation counts", several, []string{`If-Match: "b"`}, 200, 200},
		{"13.1.1: but no weak one", several, []string{`If-Match: "c"`}, 412, 412},
		{"13.1.2: any current representation counts", several, []string{`If-None-Match: "x", "c"`}, 304, 412},
		{"13.1: no condition", dated, nil, 200, 200},
	} {
		if got := conditional.Read(fields(row.fields...), row.state); got != outcomes[row.read] {
			t.Errorf("a read: %s %q = %v, want %v", row.name, row.fields, got, outcomes[row.read])
		}
		if got := conditional.Write(fields(row.fields...), row.state); got != outcomes[row.write] {
			t.Errorf("a write: %s %q = %v, want %v", row.name, row.fields, got, outcomes[row.write])
		}
	}
}

func TestRange(t *testing.T) {
	for _, row := range []struct {
		tag    string
		fields []string
		want   bool
	}{
		{`"a"`, nil, true},
		{`"a"`, []string{`If-Range: "a"`}, true},
		{`"a"`, []string{`If-Range: "b"`}, false},
		{`"a"`, []string{`If-Range: W/"a"`}, false},
		{`W/"a"`, []string{`If-Range: W/"a"`}, false},
		{`"a"`, []string{`If-Range: "b", "a"`}, false},
		{`"a"`, []string{`If-Range: "a"`, `If-Range: "a"`}, false},
		{`"a"`, []string{"If-Range: " + after}, false},
		{`"a"`, []string{"If-Range: *"}, false},
		{`"a"`, []string{"If-Range: "}, false},
		{"", []string{"If-Range: "}, false},
	} {
		if got := conditional.Range(fields(row.fields...), conditional.State{ETag: []byte(row.tag)}); got != row.want {
			t.Errorf("Range(%q) of %s = %v, want %v", row.fields, row.tag, got, row.want)
		}
	}
}

// fixed has the same lines for every field.
type fixed [][]byte

func (f fixed) PeekAll(string) [][]byte { return f }

func TestNothingIsAllocated(t *testing.T) {
	var none, some conditional.Header = fixed(nil), fixed{[]byte(`"a", W/"b"`), []byte(`"c"`)}
	s := conditional.State{ETag: []byte(`"c"`)}
	if n := testing.AllocsPerRun(100, func() {
		conditional.Read(none, s)
		conditional.Read(some, s)
		conditional.Write(some, s)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzTags checks the list's reader against its simplest uses, whatever stands around them.
func FuzzTags(f *testing.F) {
	for _, c := range conditionaltest.Cases {
		f.Add([]byte(strings.Join(c.For(`"v1-abc"`), "\n")))
	}
	s := conditional.State{ETag: []byte(`"current"`)}
	f.Fuzz(func(t *testing.T, list []byte) {
		none := conditional.Read(fields("If-None-Match: "+string(list)), s)
		match := conditional.Write(fields("If-Match: "+string(list)), s)
		if !bytes.Contains(list, s.ETag) && string(bytes.Trim(list, " \t")) != "*" &&
			(none != conditional.Proceed || match != conditional.Failed) {
			t.Errorf("%q matches a tag that is not in it", list)
		}
		if before := conditional.Read(fields(`If-None-Match: "current", `+string(list)),
			s); before != conditional.NotModified {
			t.Errorf("the current tag before %q does not match", list)
		}
		if match == conditional.Proceed && none != conditional.NotModified {
			t.Errorf("%q matches strongly and not weakly", list)
		}
	})
}
