package oracle_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func TestOnce(t *testing.T) {
	var write oracle.Once[string]
	for _, c := range []struct {
		made string
		want oracle.Verdict
	}{{"a", oracle.Good}, {"a", oracle.Good}, {"b", oracle.Wrong}, {"a", oracle.Good}} {
		if got := write.Acknowledged(c.made); got != c.want {
			t.Errorf("acknowledged as %s, after a: %v, want %v", c.made, got, c.want)
		}
	}
	if a, b := oracle.NewKey(), oracle.NewKey(); a == b {
		t.Errorf("two keys are %s", a)
	}
}
