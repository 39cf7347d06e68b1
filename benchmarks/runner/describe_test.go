package runner

import (
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
)

// TestTheRevisionIsOfWhatIsMeasured checks that a program from elsewhere, which does not say what it was built from, is
// not said to be of this checkout.
func TestTheRevisionIsOfWhatIsMeasured(t *testing.T) {
	for api, want := range map[string]string{"": machine.Revision(), "/bin/sh": "unknown (/bin/sh)"} {
		r := &run{Options: Options{Driver: "local", API: api}}
		r.describe()
		if got := r.about.Versions["woodytoys"]; got != want || r.about.Machine.CPUs == 0 {
			t.Errorf("with the program %q: revision %q, want %q, on %+v", api, got, want, r.about.Machine)
		}
	}
}
