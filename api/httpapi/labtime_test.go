package httpapi

import (
	"testing"
	"time"
)

// TestLabTime writes times as the standard library would.
func TestLabTime(t *testing.T) {
	at := time.Date(2026, 11, 20, 23, 59, 59, 0, time.FixedZone("east", 3600))
	for _, plus := range []time.Duration{0, 999, 1000, 999_999_999, time.Second, time.Hour, -time.Nanosecond,
		123_456_789, 0} {
		now := at.Add(plus)
		got, want := string(appendLabTime(nil, now)), now.UTC().Format("2006-01-02 15:04:05.000000")
		if got != want {
			t.Errorf("%v is written %q, want %q", now, got, want)
		}
	}
}
