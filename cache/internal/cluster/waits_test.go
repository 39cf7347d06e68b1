package cluster

import "testing"

// TestWaits checks that a waking reaches whoever waits for that key now, and nobody else.
func TestWaits(t *testing.T) {
	w := newWaits()
	woken := func(ch <-chan struct{}) bool {
		select {
		case <-ch:
			return true
		default:
			return false
		}
	}
	a, forgetA := w.on("a")
	b, _ := w.on("b")
	if w.wake("a"); !woken(a) || woken(b) {
		t.Error("the fill of a woke not those who wait for it, and only them")
	}
	again, forgetAgain := w.on("a")
	if forgetA(); len(w.byKey) != 2 {
		t.Error("whoever waited before has the next forgotten")
	}
	if forgetAgain(); len(w.byKey) != 1 {
		t.Errorf("%d keys are waited for, want b alone", len(w.byKey))
	}
	if w.wake("a"); woken(again) {
		t.Error("somebody who does not wait any more was woken")
	}
}
