package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes that reads "64M".
type Size int64

// maxSize is far beyond what any machine has.
const maxSize = 1_000_000_000_000_000

// UnmarshalText implements encoding.TextUnmarshaler. It takes a whole number above zero, alone or with k, M or G behind
// it, in thousands.
func (s *Size) UnmarshalText(text []byte) error {
	n, ok := parseBytes(string(text))
	if !ok || n == 0 {
		return fmt.Errorf(
			"%q is not a size: write a whole number above zero, alone or with k, M or G behind it, such as "+
				"64M (M is 1000000)", text)
	}
	*s = Size(n)
	return nil
}

// Rate is a limit in bytes a second that reads "300k"; zero is no limit.
type Rate int64

// Rates outside of these are mistakes: the page would take hours, or the limit is none.
const (
	minRate = 1_000
	maxRate = 100_000_000_000
)

// UnmarshalText implements encoding.TextUnmarshaler. It takes sizes from 1k to 100G; empty, 0 and off are no limit.
func (r *Rate) UnmarshalText(text []byte) error {
	n, ok := parseBytes(string(text))
	switch word := strings.TrimSpace(string(text)); {
	case word == "", word == "0", strings.EqualFold(word, "off"):
		n = 0
	case !ok, n < minRate, n > maxRate:
		return fmt.Errorf("%q is not a rate: write bytes per second such as 300k, 3M or 500000, "+
			"from 1k to 100G (k is 1000), or 0 for no limit", text)
	}
	*r = Rate(n)
	return nil
}

// parseBytes reads a whole number of digits, alone or with k, M or G behind it, of either case. Ok is false for all
// other texts, and for numbers above maxSize.
func parseBytes(text string) (n int64, ok bool) {
	text = strings.TrimSpace(text)
	unit := int64(1)
	if i := len(text) - 1; i >= 0 {
		switch text[i] {
		case 'k', 'K':
			unit, text = 1_000, text[:i]
		case 'm', 'M':
			unit, text = 1_000_000, text[:i]
		case 'g', 'G':
			unit, text = 1_000_000_000, text[:i]
		}
	}
	digits, err := strconv.ParseUint(text, 10, 63)
	if err != nil || int64(digits) > maxSize/unit {
		return 0, false
	}
	return int64(digits) * unit, true
}
