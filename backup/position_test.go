package main

import "testing"

// TestGoesOnFrom checks that a database that goes on from a position is distinguished from another in its place.
func TestGoesOnFrom(t *testing.T) {
	for _, test := range []struct {
		name, now, before string
		want              bool
	}{
		{"nothing before", "", "", true},
		{"the same", "0-1-7", "0-1-7", true},
		{"further", "0-1-8", "0-1-7", true},
		{"of an empty one", "0-1-6", "0-1-7", false},
		{"without a log", "", "0-1-7", false},
		{"of something else", "5-1-9", "0-1-7", false},
		{"another node", "1-1-100,12-2-3", "1-1-90,11-1-5", true},
		{"a node that was given all again", "1-1-100,11-1-2", "1-1-90,11-1-5", true},
		{"an empty cluster", "1-1-8,11-1-5", "1-1-90,11-1-5", false},
	} {
		now, err := parsePosition(test.now)
		if err != nil {
			t.Fatal(err)
		}
		before, err := parsePosition(test.before)
		if err != nil {
			t.Fatal(err)
		}
		if got := now.goesOnFrom(before); got != test.want {
			t.Errorf("%s: from %q to %q goes on: %v, want %v", test.name, test.before, test.now, got, test.want)
		}
	}
}
