package settings_test

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/settings"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]settings.Rate{
		"": 0, "0": 0, "off": 0, "300k": 300_000, "300K": 300_000, "3M": 3_000_000, "3m": 3_000_000,
		"1G":     1_000_000_000,
		"500000": 500_000, " 1k ": 1_000, "100G": 100_000_000_000,
	} {
		var got settings.Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("rate %q = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"quick", "k", "-1k", "1.5M", "300kb", "999", "101G", "9999999999999999999G", "1 k", "00", "+5k", "1e6", "64MiB",
	} {
		var got settings.Rate
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("rate %q = %d, want an error", text, got)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]settings.Size{
		"1": 1, "64M": 64_000_000, "64m": 64_000_000, "2k": 2_000, "1G": 1_000_000_000, "1000000G": 1e15, "007": 7,
	} {
		var got settings.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("size %q = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "0", "0M", "-1", "+1", "off", "M", "1e3", "1.5M", "64MiB", "64MB", "6 4M", "1000001G",
		"99999999999999999999", "٣",
	} {
		var got settings.Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("size %q = %d, want an error", text, got)
		}
	}
}
