package qvalue_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/qvalue"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "0.": 0, "0.0": 0, "0.000": 0, "0.5": 500, "0.05": 50, "0.123": 123, "0.999": 999,
		"1": 1000, "1.": 1000, "1.0": 1000, "1.000": 1000,
		"": -1, ".5": -1, "1.001": -1, "1.1": -1, "2": -1, "10": -1, "0.1234": -1, "0,5": -1, "0.x": -1, "-0": -1,
		"+1": -1, " 1": -1, "1 ": -1, "1e0": -1,
	} {
		got, ok := qvalue.Parse(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("Parse(%q) = %d, want %d", text, got, want)
		}
	}
}
