package main

import (
	"testing"
	"time"
)

func TestRule(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	r := rhythm{every: 12 * time.Hour, verifyEvery: 24 * time.Hour, retryAfter: time.Minute}
	for _, test := range []struct {
		name string
		f    facts
		want task
	}{
		{"nothing yet", facts{}, makeFull},
		{"all is well", facts{good: ago(time.Hour), verified: ago(time.Hour)}, nothing},
		{"due", facts{good: ago(12 * time.Hour), verified: ago(time.Hour)}, makeFull},
		{"a gap", facts{good: ago(time.Hour), verified: ago(time.Hour), broken: true}, makeFull},
		{"not verified for a day", facts{good: ago(time.Hour), verified: ago(24 * time.Hour)}, doVerify},
		{"both are due", facts{good: ago(13 * time.Hour), verified: ago(25 * time.Hour)}, makeFull},
		{"failed just now", facts{failed: ago(59 * time.Second), failures: 1}, nothing},
		{"failed a while ago", facts{failed: ago(time.Minute), failures: 1}, makeFull},
		{"failed twice", facts{failed: ago(119 * time.Second), failures: 2}, nothing},
		{"failed often", facts{failed: ago(31 * time.Minute), failures: 100}, nothing},
		{"failed often, long ago", facts{failed: ago(32 * time.Minute), failures: 100}, makeFull},
		{"taken in the future, as a clock had it", facts{good: ago(-time.Hour), verified: ago(-time.Hour)}, makeFull},
		{"verified in the future", facts{good: ago(time.Hour), verified: ago(-time.Hour)}, doVerify},
		{"the clock was set right", facts{good: ago(-time.Second), verified: ago(-time.Second)}, nothing},
	} {
		test.f.now = now
		if got := r.next(test.f); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestRhythm goes through five days, and checks that verifications are made beside full backups, which are more
// frequent.
func TestRhythm(t *testing.T) {
	r := rhythm{every: 12 * time.Hour, verifyEvery: 24 * time.Hour, retryAfter: time.Minute}
	done := map[task]int{}
	f := facts{now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	for end := f.now.AddDate(0, 0, 5); f.now.Before(end); f.now = f.now.Add(time.Minute) {
		what := r.next(f)
		switch done[what]++; what {
		case makeFull:
			f.made(f.now, f.now)
		case doVerify:
			f.verified = f.now
		}
	}
	if done[makeFull] != 10 || done[doVerify] != 4 {
		t.Errorf("in five days %d full backups and %d verifications, want 10 and 4", done[makeFull], done[doVerify])
	}
}
