package main

import (
	"errors"
	"testing"
)

// TestOnlyWhatIsWrongIsRefused checks that a proof that fails for want of the machine's means does not count as damaged
// logs.
func TestOnlyWhatIsWrongIsRefused(t *testing.T) {
	for message, want := range map[string]bool{
		"ERROR 1062 (23000) at line 9: Duplicate entry '1' for key 'PRIMARY'":                 true,
		"ERROR 1146 (42S02) at line 9: Table 'woody.none' doesn't exist":                      true,
		"ERROR 1032 (HY000) at line 9: Can't find record in 'product'":                        true,
		"ERROR 2013 (HY000) at line 9: Lost connection to server during query":                false,
		"ERROR 2006 (HY000) at line 9: Server has gone away":                                  false,
		"ERROR 3 (HY000) at line 9: Error writing file '/work/scratch/x' (Errcode: 28)":       false,
		"ERROR 1114 (HY000) at line 9: The table 'product' is full":                           false,
		"ERROR 1030 (HY000) at line 9: Got error 28 \"No space left on device\" from storage": false,
		"ERROR 1041 (HY000) at line 9: Out of memory":                                         false,
		"ERROR: Error writing to log file":                                                    false,
		"mariadb: signal: killed: ":                                                           false,
		"context deadline exceeded":                                                           false,
	} {
		if got := isRefused(errors.New(message)); got != want {
			t.Errorf("%q: %v, want %v", message, got, want)
		}
	}
	if isRefused(nil) {
		t.Error("no error is one")
	}
}
