package runner

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestProgress checks what is printed, on a terminal and elsewhere, when steps take twice as long as planned, by a
// clock of the test's own.
func TestProgress(t *testing.T) {
	for terminal, want := range map[bool][]string{
		false: {"0:00  one  2:00 left\n", "2:00  two  1:30 left\n"},
		true: {"\r\x1b[K░░░░░░░░░░░░░░░░░░░░   0%  2:00 left  one",
			"\r\x1b[K██████████░░░░░░░░░░  50%  1:30 left  two", "\r\x1b[Kstays\n"},
	} {
		var out bytes.Buffer
		now := time.Unix(0, 0)
		p := &Progress{out: &out, terminal: terminal, now: func() time.Time { return now }, began: now,
			stop: make(chan struct{})}
		p.Plan(2 * time.Minute)
		p.Begin("one", time.Minute)
		now = now.Add(2 * time.Minute)
		p.End()
		p.Begin("two", time.Minute)
		p.Say("stays")
		p.End()
		p.Close()
		p.Close()
		for _, line := range want {
			if !strings.Contains(out.String(), line) {
				t.Errorf("terminal %v: %q has no %q", terminal, out.String(), line)
			}
		}
	}
}
