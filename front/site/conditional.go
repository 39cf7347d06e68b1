package site

import "strings"

// unchanged tells whether an If-None-Match header names the current validator, so that 304 is the answer.
func unchanged(ifNoneMatch, etag string) bool {
	if strings.TrimSpace(ifNoneMatch) == "*" {
		return true
	}
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == etag {
			return true
		}
	}
	return false
}

// rangeStillFits tells whether a Range may be honoured: there is no If-Range, or it names exactly these bytes. A date
// never fits, since no date is ever sent.
func rangeStillFits(ifRange, etag string) bool { return ifRange == "" || ifRange == etag }
