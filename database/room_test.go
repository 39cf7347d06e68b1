package main

import (
	"testing"
	"time"
)

func TestWedge(t *testing.T) {
	now := time.Now()
	stuck := status{primary: true, seqno: 7, queue: 3}
	for _, test := range []struct {
		name  string
		then  status
		full  bool
		after time.Duration
		want  bool
	}{
		{"applies nothing", stuck, true, roomThreshold + time.Millisecond, true},
		{"not for long", stuck, true, roomThreshold, false},
		{"goes on", status{primary: true, seqno: 8, queue: 3}, true, time.Minute, false},
		{"has nothing to apply", status{primary: true, seqno: 7}, true, time.Minute, false},
		{"has room", stuck, false, time.Minute, false},
		{"is alone", status{seqno: 7, queue: 3}, true, time.Minute, false},
	} {
		var w wedge
		w.observe(stuck, true, true, now)
		if got := w.observe(test.then, true, test.full, now.Add(test.after)); got != test.want {
			t.Errorf("a server that %s: %v, want %v", test.name, got, test.want)
		}
	}
}
