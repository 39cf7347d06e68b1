package accounts

import (
	"net/netip"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

func TestDelaysGrow(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		rule     rule
		failures int
		since    time.Duration // the last one
		want     time.Duration
	}{
		{pairRule, 0, 0, 0},
		{pairRule, 4, 0, 0},
		{pairRule, 5, 0, time.Second},
		{pairRule, 5, 400 * time.Millisecond, 600 * time.Millisecond},
		{pairRule, 5, time.Second, 0},
		{pairRule, 8, 0, 8 * time.Second},
		{pairRule, 14, 0, 512 * time.Second},
		{pairRule, 15, 0, 15 * time.Minute},
		{pairRule, 1 << 40, 0, 15 * time.Minute},
		{pairRule, 1 << 40, 15 * time.Minute, 0},
		{addressRule, 19, 0, 0},
		{addressRule, 21, 0, 2 * time.Second},
		{nameRule, 49, 0, 0},
		{nameRule, 50, 0, time.Second},
		{nameRule, 55, 0, 30 * time.Second},
		{nameRule, 1000, 0, 30 * time.Second},
		// Two nodes' clocks differ, and one was set back by a day: nobody waits for that.
		{pairRule, 8, -time.Second, 8 * time.Second},
		{pairRule, 8, -24 * time.Hour, 0},
	} {
		if got := c.rule.wait(Tries{Failures: c.failures, Last: now.Add(-c.since)}, now); got != c.want {
			t.Errorf("%d failures, the last %v ago: wait %v, want %v", c.failures, c.since, got, c.want)
		}
	}
}

// TestWhatDelaysWhom checks that somebody who has signed in from an address, or on a device, is delayed there only by
// tries that failed in his own name.
func TestWhatDelaysWhom(t *testing.T) {
	now := time.Now()
	some, many := Tries{Failures: 6, Last: now}, Tries{Failures: 1000, Last: now}
	proved := func(tries Tries) Tries {
		tries.Proved = now.Add(-time.Hour)
		return tries
	}
	none, device := Tries{}, newDevice()
	for what, c := range map[string]struct {
		name, device string
		seen         []Tries // of name and address, of name and device where there is one, name, address
		want         time.Duration
	}{
		"nothing failed":            {"ann", "", []Tries{none, none, none}, 0},
		"the name there":            {"ann", "", []Tries{some, none, none}, 2 * time.Second},
		"the name anywhere":         {"ann", "", []Tries{none, many, none}, 30 * time.Second},
		"anybody there":             {"ann", "", []Tries{none, none, many}, 15 * time.Minute},
		"all, and the longest":      {"ann", "", []Tries{some, many, none}, 30 * time.Second},
		"the owner's own address":   {"ann", "", []Tries{proved(none), many, many}, 0},
		"the owner's own fault":     {"ann", "", []Tries{proved(some), many, many}, 2 * time.Second},
		"without an address":        {"ann", "", []Tries{none, many}, 30 * time.Second},
		"the owner's device":        {"ann", device, []Tries{many, proved(none), many, many}, 0},
		"the device's own fault":    {"ann", device, []Tries{none, proved(some), none, none}, 2 * time.Second},
		"a stolen device, at home":  {"ann", device, []Tries{proved(none), proved(many), many, many}, 0},
		"a device that is not his":  {"ann", device, []Tries{none, none, many, none}, 30 * time.Second},
		"what can be no device":     {"ann", device + "=", []Tries{none, many, none}, 30 * time.Second},
		"the administrator's first": {"admin", "", []Tries{none, many, none}, 0},
		"the administrator's next":  {"admin", "", []Tries{none, proved(many), none}, 30 * time.Second},
		"the administrator there":   {"admin", "", []Tries{some, many, none}, 2 * time.Second},
	} {
		from := netip.MustParseAddr("192.0.2.1")
		if len(c.seen) == 2 {
			from = netip.Addr{}
		}
		try := tryFor(c.name, from, c.device)
		err := try.allow(now, c.seen)
		var wait time.Duration
		if err != nil {
			wait = err.(*shop.Error).RetryAfter
		}
		if wait != c.want || err != nil && shop.KindOf(err) != shop.TooMany || try.waits[try.self] != wait {
			t.Errorf("%s: %v, wait %v; want %v", what, err, wait, c.want)
		}
	}
}

func TestNetworks(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":                  "192.0.2.1/32",
		"::ffff:192.0.2.1":           "192.0.2.1/32",
		"2001:db8:1:2:3:4:5:6":       "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff:4:5:6":    "2001:db8:1:2::/64",
		"fe80::1%eth0":               "fe80::/64",
		"2001:db8:1:3:3:4:5:6":       "2001:db8:1:3::/64",
		"::1":                        "::/64",
		"::ffff:255.255.255.255%eth": "255.255.255.255/32",
	} {
		if got := networkOf(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is of the network %s, want %s", address, got, want)
		}
	}
	if got := networkOf(netip.Addr{}); got != "" {
		t.Errorf("no address is of the network %q", got)
	}
}
