package cluster

import (
	"errors"
	"testing"
)

func TestPast(t *testing.T) {
	first, second := newToken(), newToken()
	var p past
	for i, step := range []struct {
		epoch string
		inc   Token
		seq   uint64
		back  bool
	}{
		{"1", first, 5, false},
		{"1", first, 7, false},
		{"1", first, 7, false},
		{"1", second, 0, false},
		{"1", second, 3, false},
		{"1", first, 9, true},   // which had been left for the second
		{"1", second, 99, true}, // nothing of the epoch counts any more
		{"2", first, 1, false},
		{"2", first, 0, true},
		{"2", first, 9, true},
		{"3", first, 1, false},
	} {
		if err := p.enter(step.epoch, step.inc, step.seq); errors.Is(err, errWentBack) != step.back {
			t.Errorf("step %d, %+v: %v", i, step, err)
		}
	}
}

// TestASessionIsRemembered checks that a session counts for those that follow it, as far as it had come and however it
// ended.
func TestASessionIsRemembered(t *testing.T) {
	inc := newToken()
	for _, row := range []struct {
		what  string
		epoch string
		inc   Token
		back  bool
		seq   uint64
		want  bool
	}{
		{"it had come further", "1", inc, false, 8, true},
		{"it had come as far", "1", inc, false, 9, false},
		{"it had seen Redis go back, which has caught up since", "1", inc, true, 50, true},
		{"it was of another epoch", "0", inc, true, 5, false},
		{"it was of another incarnation", "1", newToken(), false, 5, false},
	} {
		var p past
		if err := p.enter("1", inc, 5); err != nil {
			t.Fatal(err)
		}
		p.leave(row.epoch, row.inc, 9, row.back)
		if err := p.enter("1", inc, row.seq); errors.Is(err, errWentBack) != row.want {
			t.Errorf("%s: %v", row.what, err)
		}
	}
}
