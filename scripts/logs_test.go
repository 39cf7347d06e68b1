package scripts_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLogsNameTheWholeID gives scripts/logs lines as Swarm prints them, and checks that it prints those that name an
// id, and not those that name a longer one.
func TestLogsNameTheWholeID(t *testing.T) {
	t.Parallel()
	const lines = `
2026-11-27T06:58:01.1Z woody_reverse-proxy.0@node1    | time=x request=abc server=api
2026-11-27T06:58:02.1Z woody_api.1@node1    | time=x request=abcd trace=""
2026-11-27T06:58:03.1Z woody_api.1@node2    | time=x request=x-abc uri="/api/orders/abc"
2026-11-27T06:58:04.1Z woody_api.1@node2    | {"request":"abc","path":"/a | b"}
2026-11-27T06:58:05.1Z woody_api.2@node1    | abcabc a-abc abc_ 9abc
2026-11-27T06:58:06.1Z woody_api.2@node1    | order=abc`
	for _, row := range []struct{ id, whose, want string }{
		{"abc", "", `2026-11-27T06:58:01.1Z woody_reverse-proxy.0@node1 time=x request=abc server=api
2026-11-27T06:58:03.1Z woody_api.1@node2 time=x request=x-abc uri="/api/orders/abc"
2026-11-27T06:58:04.1Z woody_api.1@node2 {"request":"abc","path":"/a | b"}
2026-11-27T06:58:06.1Z woody_api.2@node1 order=abc`},
		{"a.c", "", ""}, // an id is no pattern
		{"b", "", "2026-11-27T06:58:04.1Z woody_api.1@node2 " + `{"request":"abc","path":"/a | b"}`},
		{"9abc", "shop_api_1", "2026-11-27T06:58:05.1Z shop_api_1 woody_api.2@node1    | abcabc a-abc abc_ 9abc"},
	} {
		const call = `eval "$(sed -n '/^naming()/,/^}/p' logs)"; id=$0; naming "$1"`
		cmd := exec.Command("bash", "-c", call, row.id, row.whose)
		cmd.Stdin = strings.NewReader(lines[1:])
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != row.want {
			t.Errorf("of %q: %v\n%s\nwant\n%s", row.id, err, got, row.want)
		}
	}
}

// TestLogsPassOnWarnings checks that a line of Docker's own among those of a service goes to standard error.
func TestLogsPassOnWarnings(t *testing.T) {
	t.Parallel()
	const warning = "warning: incomplete log stream: node abc is not available"
	const call = `eval "$(sed -n '/^naming()/,/^}/p' logs)"; id=abc; naming ''`
	cmd := exec.Command("bash", "-c", call)
	cmd.Stdin = strings.NewReader(warning + "\n2026-11-27T06:58:01.1Z woody_api.1@node1    | request=abc\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if got := string(out); err != nil || got != "2026-11-27T06:58:01.1Z woody_api.1@node1 request=abc\n" {
		t.Errorf("%v %q", err, got)
	}
	if got := stderr.String(); got != warning+"\n" {
		t.Errorf("standard error has %q, want %q", got, warning)
	}
}
