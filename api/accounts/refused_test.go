package accounts

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestRefusalsAreRemembered(t *testing.T) {
	var r refused
	now := time.Now()
	short, long, other := keyOf("short"), keyOf("long"), keyOf("other")
	if wait := r.wait(short, now); wait != 0 {
		t.Errorf("with nothing remembered a key waits %v", wait)
	}
	r.add(map[Key]time.Duration{short: time.Second, long: 15 * time.Minute}, now)
	for _, c := range []struct {
		key         Key
		later, want time.Duration
	}{
		{short, 0, time.Second}, {short, 600 * time.Millisecond, 400 * time.Millisecond}, {short, time.Second, 0},
		{long, 0, 15 * time.Minute}, {long, 29 * time.Second, 15*time.Minute - 29*time.Second},
		{long, refusedFor, 0}, // ask again
		{other, 0, 0},
	} {
		if got := r.wait(c.key, now.Add(c.later)); got != c.want {
			t.Errorf("%v later a key waits %v, want %v", c.later, got, c.want)
		}
	}
	r.forget(long)
	if wait := r.wait(long, now); wait != 0 {
		t.Errorf("a key that was forgotten waits %v", wait)
	}
}

// TestRefusalsAreBounded adds refusals of a million keys, and checks that a limited number is remembered, the last one
// among them.
func TestRefusalsAreBounded(t *testing.T) {
	var r refused
	now, key := time.Now(), Key{}
	for i := range uint64(1_000_000) {
		binary.BigEndian.PutUint64(key[:], i)
		r.add(map[Key]time.Duration{key: time.Minute}, now)
	}
	if n := len(r.young) + len(r.old); n > 2*refusedMax {
		t.Errorf("%d keys are remembered, want %d at most", n, 2*refusedMax)
	}
	if r.wait(key, now) == 0 {
		t.Error("the last one is not remembered")
	}
}
