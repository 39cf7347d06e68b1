package site

import (
	"bytes"
	"strconv"
)

// span is the part of a body from first to last, both included.
type span struct{ first, last int }

type rangeOutcome int

const (
	wholeBody     rangeOutcome = iota // no range, or one we may ignore: several ranges, another unit, nonsense
	partOfBody                        // send the span
	unsatisfiable                     // a well-formed range that begins beyond the end
)

// parseRange reads the lines of Range against a body of size bytes, by RFC 9110 sections 14.1.1 and 14.1.2:
// "bytes=0-99", "bytes=100-" or "bytes=-100".
func parseRange(lines [][]byte, size int) (span, rangeOutcome) {
	if len(lines) != 1 {
		return span{}, wholeBody // Range is no list: several lines are one invalid value
	}
	unit, set, ok := bytes.Cut(lines[0], []byte("="))
	if !ok || !bytes.EqualFold(unit, []byte("bytes")) {
		return span{}, wholeBody
	}
	from, to, ok := bytes.Cut(onlyMember(set), []byte("-"))
	if !ok {
		return span{}, wholeBody
	}
	if len(from) == 0 {
		return suffix(to, size)
	}
	first, ok := position(from)
	if !ok {
		return span{}, wholeBody
	}
	last := size - 1
	if len(to) > 0 {
		end, ok := position(to)
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

// onlyMember returns the one member of a list, which may have empty ones beside it; nil when there are several, or
// none, or white space stands before the list.
func onlyMember(list []byte) (only []byte) {
	for i, member := range bytes.Split(list, []byte(",")) {
		trimmed := bytes.Trim(member, " \t")
		if len(trimmed) == 0 {
			continue
		}
		if only != nil || i == 0 && trimmed[0] != member[0] {
			return nil
		}
		only = trimmed
	}
	return only
}

// suffix returns the last n bytes; all of them when there are fewer.
func suffix(n []byte, size int) (span, rangeOutcome) {
	count, ok := position(n)
	switch {
	case !ok:
		return span{}, wholeBody
	case count == 0 || size == 0:
		return span{}, unsatisfiable
	}
	return span{max(0, size-count), size - 1}, partOfBody
}

// farthest is the largest position that is distinguished: nothing here is as long, and the edge counts no further.
const farthest = 999_999_999_999

// position reads a decimal number of any length; one above farthest counts as farthest.
func position(digits []byte) (int, bool) {
	if len(digits) == 0 || len(bytes.Trim(digits, "0123456789")) > 0 {
		return 0, false
	}
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return farthest, true
	}
	return min(n, farthest), true
}
