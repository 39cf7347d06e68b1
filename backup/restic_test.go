package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLatestIsWhatWasKeptLast checks that the latest secrets are those that were saved last, also after some that were
// saved by a clock that was ahead.
func TestLatestIsWhatWasKeptLast(t *testing.T) {
	t.Parallel()
	r := repository{place: filepath.Join(t.TempDir(), "r"), key: "a key"}
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ahead := r.command("backup", "--stdin", "--stdin-filename", secretsName, "--host", "woody", "--time",
		time.Now().Add(2*time.Hour).Format(time.DateTime))
	ahead.Stdin = strings.NewReader("by a clock that was ahead")
	if err := runChild(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"first", "second"} {
		if _, err := r.saveStream(t.Context(), strings.NewReader(content), secretsName, "kind:secrets"); err != nil {
			t.Fatal(err)
		}
		out, err := output(t.Context(), r.command("dump", "latest", secretsName))
		if err != nil || !bytes.Equal(out, []byte(content)) {
			t.Errorf("the latest is %q, want %q: %v", out, content, err)
		}
	}
}
