package shop

import (
	"context"
	"strings"
	"time"
)

// Probe is a row that is written and read for the sake of it, to see whether any answer is stale. It is no product: no
// list, no count and no order has it.
type Probe struct {
	Name string `json:"name"`
	// Version is 0 where nobody has written the probe, or not for ProbesTTL; every write raises it by one.
	Version int64 `json:"version"`
}

const (
	// ProbesMax is how many probes there may be at once.
	ProbesMax = 1000
	// ProbesTTL is how long a probe is kept that nobody writes any more.
	ProbesTTL = 10 * time.Minute
	// probeNameMax is the longest name of a probe, in characters.
	probeNameMax = 64
)

// CheckProbeName returns a NotFound error unless name has 1 to 64 characters of a to z, 0 to 9 and "-".
func CheckProbeName(name string) error {
	strange := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if name == "" || len(name) > probeNameMax || strings.ContainsFunc(name, strange) {
		return &Error{Kind: NotFound,
			Detail: "There is no such probe: its name has 1 to 64 characters of a-z, 0-9 and -."}
	}
	return nil
}

// ProbeTag is the tag of one probe, there or not.
func ProbeTag(name string) string { return "probe:" + name }

// Probe returns a probe, of version 0 where nobody has written it.
func (s *Shop) Probe(ctx context.Context, name string) (Probe, error) {
	if err := CheckProbeName(name); err != nil {
		return Probe{}, err
	}
	return s.store.Probe(ctx, name)
}

// WriteProbe raises a probe's version, and makes the probe where there is none. It returns Busy where there would be
// more than ProbesMax then.
func (s *Shop) WriteProbe(ctx context.Context, name string) (Probe, error) {
	if err := CheckProbeName(name); err != nil {
		return Probe{}, err
	}
	return s.store.WriteProbe(ctx, name)
}
