package main

import (
	"strings"
	"testing"

	reverseproxy "github.com/woodytoys/woodytoys/reverse-proxy"
)

// TestTheLadderEndsAsShipped checks that the first rung has ten lines, that each rung has more than the one before, and
// that the last is the configuration that ships.
func TestTheLadderEndsAsShipped(t *testing.T) {
	rungs := ladder(reverseproxy.Config)
	if n := strings.Count(rungs[0].text, "\n"); n != 10 {
		t.Errorf("the ten lines are %d", n)
	}
	if last := rungs[len(rungs)-1]; last.text != reverseproxy.Config {
		t.Errorf("the last rung is not what ships, but %s", last.text)
	}
	if len(rungs) < 10 {
		t.Errorf("%d rungs, want one for each paragraph", len(rungs))
	}
	names := map[string]bool{}
	for i, r := range rungs {
		if names[r.name] || strings.Contains(r.name, "{") {
			t.Errorf("rung %d is named %q: have its paragraph begin with a comment of its own", i, r.name)
		}
		names[r.name] = true
		if i > 0 && i < len(rungs)-1 && len(lines(r.text)) <= len(lines(rungs[i-1].text)) {
			t.Errorf("%q has no more than %q", r.name, rungs[i-1].name)
		}
	}
	before := strings.Join(lines(rungs[len(rungs)-2].text), "\n")
	for _, part := range []string{
		"option forwardfor", "uuid()", "set-var(txn.write)", "well_formed_host", "use_backend api if",
		"balance leastconn", "retry-on", "compression algo",
	} {
		if !strings.Contains(before, part) {
			t.Errorf("the rung before the last has no %q", part)
		}
	}
}

// lines returns what is not a comment.
func lines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}
