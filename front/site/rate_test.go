package site_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/front/site"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "0": 0, "off": 0, "300k": 300_000, "300K": 300_000, "3M": 3_000_000, "3m": 3_000_000, "1G": 1_000_000_000,
		"500000": 500_000, " 1k ": 1_000, "100G": 100_000_000_000,
	} {
		if got, err := site.ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"quick", "k", "-1k", "1.5M", "300kb", "999", "101G", "9999999999999999999G", "1 k"} {
		if got, err := site.ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %d, want an error", text, got)
		}
	}
}
