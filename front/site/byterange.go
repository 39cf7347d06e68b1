package site

import (
	"strconv"
	"strings"
)

// span is the part of a body from first to last, both included.
type span struct{ first, last int }

type rangeOutcome int

const (
	wholeBody     rangeOutcome = iota // no range, or one we may ignore: several ranges, another unit, nonsense
	partOfBody                        // send the span
	unsatisfiable                     // a well-formed range that begins beyond the end
)

// parseRange reads a Range header against a body of size bytes: "bytes=0-99", "bytes=100-" or "bytes=-100".
func parseRange(header string, size int) (span, rangeOutcome) {
	set, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return span{}, wholeBody
	}
	from, to, ok := strings.Cut(strings.TrimSpace(set), "-")
	if !ok || strings.Contains(set, ",") {
		return span{}, wholeBody
	}
	if from == "" {
		return suffix(to, size)
	}
	first, ok := digits(from)
	if !ok {
		return span{}, wholeBody
	}
	last := size - 1
	if to != "" {
		end, ok := digits(to)
		if !ok || end < first {
			return span{}, wholeBody
		}
		last = min(last, end)
	}
	if first >= size {
		return span{}, unsatisfiable
	}
	return span{first, last}, partOfBody
}

// suffix is the last n bytes; all of them when there are fewer.
func suffix(n string, size int) (span, rangeOutcome) {
	count, ok := digits(n)
	switch {
	case !ok:
		return span{}, wholeBody
	case count == 0 || size == 0:
		return span{}, unsatisfiable
	}
	return span{max(0, size-count), size - 1}, partOfBody
}

// digits reads a plain decimal number; one too large for an int counts as the largest.
func digits(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return int(^uint(0) >> 1), true
	}
	return n, true
}
