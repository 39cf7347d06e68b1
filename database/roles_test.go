package main

import (
	"testing"
)

func TestRoles(t *testing.T) {
	donor, lags, full, joiner, stale := member, member, member, member, member
	donor.Synced, donor.Donor = false, true
	lags.Lagging = true
	full.DiskFull = true
	joiner.Synced = false
	stale.Behind = true
	for _, test := range []struct {
		what  string
		seen  map[string]State
		roles [3]string // w: writer, r: reader
	}{
		{"all are well", view(member, member, member), [3]string{"w", "r", "r"}},
		{"the first is silent", view(silent, member, member), [3]string{"", "w", "r"}},
		{"its server is", view(quiet, member, member), [3]string{"", "w", "r"}},
		{"it goes on after others left it out", view(stale, member, member), [3]string{"", "w", "r"}},
		{"it is cut off", view(partitionedAt2, member, member), [3]string{"", "w", "r"}},
		{"it is back, not synced", view(joiner, member, member), [3]string{"", "w", "r"}},
		{"one is left of the majority", view(silent, partitionedAt2, silent), [3]string{"", "", ""}},
		{"one is all of it", view(silent, member, silent), [3]string{"", "wr", ""}},
		{"one reads", view(member, lags, member), [3]string{"w", "", "r"}},
		{"both lag", view(member, lags, lags), [3]string{"wr", "", ""}},
		{"one sends its data", view(member, donor, joiner), [3]string{"wr", "", ""}},
		{"only the writer could", view(donor, joiner, silent), [3]string{"wr", "", ""}},
		{"a donor gives way", view(donor, member, joiner), [3]string{"", "wr", ""}},
		{"a full disk gives way", view(full, member, member), [3]string{"r", "w", "r"}},
		{"all are full", view(full, full, full), [3]string{"w", "r", "r"}},
	} {
		for i, me := range order {
			writer, reader := roles(me, order, test.seen)
			got := ""
			if writer {
				got += "w"
			}
			if reader {
				got += "r"
			}
			if got != test.roles[i] {
				t.Errorf("%s: %s is %q, want %q", test.what, me, got, test.roles[i])
			}
		}
	}
}

func TestJoinable(t *testing.T) {
	addrs := map[string]string{"a": "10.0.0.1", "b": "10.0.0.2"}
	for want, seen := range map[string]map[string]State{
		"10.0.0.1,10.0.0.2": view(member, member, silent), "10.0.0.2": view(partitionedAt1, member, silent),
		"": view(partitionedAt1, clusterAt1),
	} {
		if got := joinable(seen, addrs); got != want {
			t.Errorf("joins %q, want %q", got, want)
		}
	}
}
