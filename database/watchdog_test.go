package main

import (
	"testing"
	"time"
)

func TestWatchdog(t *testing.T) {
	member := status{primary: true, synced: true}
	behind := status{primary: true, seqno: 7}
	for name, c := range map[string]struct {
		seen      signs
		threshold time.Duration
		then      signs // heals it
		want      fault
	}{
		"it left": {signs{status: status{disconnected: true}, ok: true, phase: running}, silence,
			signs{status: member, ok: true, phase: running}, left},
		"it left, and is silent since": {signs{status: status{disconnected: true}, phase: running}, time.Hour,
			signs{}, well},
		"it hangs": {signs{opened: true, phase: starting}, hangThreshold,
			signs{status: behind, ok: true, opened: true, phase: starting}, hung},
		"it is silent and runs": {signs{opened: true, phase: running}, time.Hour, signs{}, well},
		"it joins, silent":      {signs{phase: starting}, time.Hour, signs{}, well},
		"it repairs its data":   {signs{phase: starting, begins: true}, time.Hour, signs{}, well},
		"it does not begin": {signs{ok: true, opened: true, phase: starting, begins: true}, beginThreshold,
			signs{status: member, ok: true, opened: true, phase: running, begins: true}, late},
		"it is the first, and its users are held up": {
			signs{status: member, ok: true, opened: true, phase: starting, begins: true}, beginThreshold,
			signs{status: member, ok: true, opened: true, phase: running, begins: true}, late},
		"it joins for long": {signs{ok: true, opened: true, phase: starting}, time.Hour, signs{}, well},
		"it has begun": {signs{status: member, ok: true, opened: true, phase: running, begins: true}, time.Hour,
			signs{}, well},
		"it applies nothing": {signs{status: behind, ok: true, phase: running}, stallThreshold,
			signs{status: member, ok: true, phase: running}, stalled},
	} {
		begun := time.Now()
		var dog watchdog
		for _, after := range []time.Duration{0, c.threshold} {
			if got := dog.observe(c.seen, begun.Add(after)); got != well {
				t.Errorf("%s: after %v %q, want patience", name, after, got)
			}
		}
		healed := dog
		if got := dog.observe(c.seen, begun.Add(c.threshold+time.Second)); got != c.want {
			t.Errorf("%s: %q in the end, want %q", name, got, c.want)
		}
		if c.want == well {
			continue
		}
		for _, seen := range []signs{c.then, c.seen} { // it begins to count anew
			if got := healed.observe(seen, begun.Add(c.threshold+time.Second)); got != well {
				t.Errorf("%s: %q after it was well again", name, got)
			}
		}
	}
}
