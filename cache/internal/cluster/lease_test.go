package cluster

import "testing"

// TestLease checks that a replica answers from its caches while there is a session and both contacts count, and no
// longer.
func TestLease(t *testing.T) {
	l := &lease{}
	for _, step := range []struct {
		what   string
		change func()
		until  int64 // zero: the lease does not hold at all
	}{
		{"nothing yet", func() {}, 0},
		{"a contact with the database alone", func() { l.extendDatabase(100) }, 0},
		{"a contact with Redis without a session", func() { l.extendRedis(90) }, 0},
		{"a session without a contact of its own", l.begin, 0},
		{"both contacts", func() { l.extendRedis(80) }, 80},
		{"an echo of an earlier renewal", func() { l.extendRedis(70) }, 80},
		{"Redis counts for longer than the database", func() { l.extendRedis(120) }, 100},
		{"the session ended", l.end, 0},
		{"the database goes on", func() { l.extendDatabase(200) }, 0},
		{"the next session, before its first echo", l.begin, 0},
		{"its first echo", func() { l.extendRedis(150) }, 150},
	} {
		step.change()
		if l.holds(step.until) || step.until > 0 && !l.holds(step.until-1) {
			t.Errorf("%s: it holds until %d, want %d", step.what, l.until.Load(), step.until)
		}
	}
}
