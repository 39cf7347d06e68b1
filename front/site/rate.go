package site

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	minRate = 1_000
	maxRate = 100_000_000_000
)

// ParseRate reads bytes per second: "300k", "3M", "1G" (k is 1000) or a plain number; "", "0" and "off" give 0, no limit.
// The error says what is allowed.
func ParseRate(text string) (int64, error) {
	t := strings.TrimSpace(text)
	if t == "" || t == "0" || strings.EqualFold(t, "off") {
		return 0, nil
	}
	unit := int64(1)
	switch t[len(t)-1] {
	case 'k', 'K':
		unit = 1_000
	case 'm', 'M':
		unit = 1_000_000
	case 'g', 'G':
		unit = 1_000_000_000
	}
	if unit > 1 {
		t = t[:len(t)-1]
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || n < 0 || n > maxRate/unit || n*unit < minRate {
		return 0, fmt.Errorf("%q is not a rate: write bytes per second such as 300k, 3M or 500000, "+
			"from 1k to 100G (k is 1000), or 0 for no limit", text)
	}
	return n * unit, nil
}
