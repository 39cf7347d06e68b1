package runner

import (
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
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

// TestTheVersionIsOfTheHeyThatRan checks that another hey is not said to be the one that go.mod pins.
func TestTheVersionIsOfTheHeyThatRan(t *testing.T) {
	hey := filepath.Join(t.TempDir(), "hey")
	if err := measure.BuildHey(hey); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{hey: "v0.1.5", "/bin/sh": "unknown (/bin/sh)"} {
		if got := measure.HeyVersion(program); got != want {
			t.Errorf("%s has the version %q, want %q", program, got, want)
		}
	}
}
