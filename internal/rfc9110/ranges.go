package rfc9110

import (
	"fmt"
	"net/http"
)

// Range is a GET of something longer than 20 bytes with a strong entity tag, by sections 14.1.2 and 14.2. A server that
// takes no ranges sends the whole for each.
type Range struct {
	// Fields are the lines "Name: value", Range and what belongs to it.
	Fields []string
	// Status is the wanted one: 206, 200 with the whole, or 416.
	Status int
	// First and Last are of the part that a 206 has. Negative ones count from the end; Last -1 is the last byte.
	First, Last int
}

// Ranges returns the table for something of a size, with an entity tag.
func Ranges(size int, tag string) []Range {
	part := func(value string, first, last int) Range {
		return Range{[]string{"Range: " + value}, http.StatusPartialContent, first, last}
	}
	whole := func(values ...string) Range {
		r := Range{Status: http.StatusOK}
		for _, value := range values {
			r.Fields = append(r.Fields, "Range: "+value)
		}
		return r
	}
	beyond := func(value string) Range {
		return Range{Fields: []string{"Range: " + value}, Status: http.StatusRequestedRangeNotSatisfiable}
	}
	with := func(r Range, fields ...string) Range {
		r.Fields = append(r.Fields, fields...)
		return r
	}
	const huge = "99999999999999999999999999999999"
	return []Range{
		// int-range and suffix-range
		part("bytes=0-0", 0, 0),
		part("bytes=0-4", 0, 4),
		part("bytes=5-9", 5, 9),
		part("bytes=0-", 0, -1),
		part(fmt.Sprintf("bytes=%d-", size-3), -3, -1),
		part("bytes=-3", -3, -1),
		part(fmt.Sprintf("bytes=-%d", size), 0, -1),
		part(fmt.Sprintf("bytes=-%d", size+1), 0, -1),
		part(fmt.Sprintf("bytes=%d-%d", size-3, size+3), -3, -1),
		beyond(fmt.Sprintf("bytes=%d-", size)),
		beyond(fmt.Sprintf("bytes=%d-%d", size, size+5)),
		beyond("bytes=-0"),
		// numbers of any length
		part("bytes=0-"+huge, 0, -1),
		part("bytes=-"+huge, 0, -1),
		part("bytes=000000000000000000000000000000000-0000000000000000000000000000000004", 0, 4),
		part("bytes=-0000000000000000000000000000003", -3, -1),
		part("bytes=0-9223372036854775808", 0, -1),
		part("bytes=0-18446744073709551616", 0, -1),
		beyond("bytes=" + huge + "-"),
		beyond("bytes=" + huge + "-" + huge),
		beyond("bytes=18446744073709551616-"),
		whole("bytes=" + huge + "-4"),
		// the unit's case means nothing
		part("BYTES=0-4", 0, 4),
		part("Bytes=-3", -3, -1),
		// a list may have empty members
		part("bytes=0-4,", 0, 4),
		part("bytes=,0-4", 0, 4),
		part("bytes=, ,\t0-4 , ,", 0, 4),
		part("bytes= ,0-4", 0, 4),
		// several ranges may be ignored
		whole("bytes=0-1,5-6"),
		whole("bytes=0-1 , -1"),
		whole("bytes=0-1,0-1"),
		whole(fmt.Sprintf("bytes=%d-,%d-", size, size)),
		// other units, and what is no ranges-specifier at all
		whole("lines=0-4"),
		whole("bytes=5-4"),
		whole("bytes=5-4,"),
		whole("bytes= 0-4"),
		whole("bytes=\t0-4"),
		whole("bytes =0-4"),
		whole("bytes= =0-4"),
		whole("bytes=0 -4"),
		whole("bytes=0- 4"),
		whole("bytes=- 3"),
		whole("bytes=+0-4"),
		whole("bytes=0-+4"),
		whole("bytes=-+3"),
		whole("bytes=--3"),
		whole("bytes=0--4"),
		whole("bytes=0-4-5"),
		whole("bytes=0x0-0x4"),
		whole("bytes=0.0-4"),
		whole("bytes=a-b"),
		whole("bytes=-"),
		whole("bytes=4"),
		whole("bytes="),
		whole("bytes=,"),
		whole("bytes"),
		whole("bytes 0-4"),
		whole("0-4"),
		whole("=0-4"),
		whole("bytes=0-4;x"),
		whole("bytes=\"0-4\""),
		whole("bytes=0-4 5-9"),
		whole("bytes=bytes=0-4"),
		// Range is no list: two lines are one invalid value
		whole("bytes=0-4", "bytes=0-4"),
		whole("bytes=0-4", "bytes=5-9"),
		whole("", "bytes=0-4"),
		// 13.1.5: If-Range
		with(part("bytes=0-4", 0, 4), "If-Range: "+tag),
		with(whole("bytes=0-4"), `If-Range: "other"`),
		with(whole("bytes=0-4"), "If-Range: W/"+tag),
		with(whole("bytes=0-4"), `If-Range: "other", `+tag),
		with(whole("bytes=0-4"), "If-Range: "+tag, "If-Range: "+tag),
		with(whole("bytes=0-4"), "If-Range: "),
		with(whole("bytes=0-4"), "If-Range: *"),
		with(whole("bytes=0-4"), "If-Range: tomorrow"),
		with(whole("bytes=0-4"), "If-Range: Thu, 01 Jan 2015 00:00:00 GMT"),
		with(whole(fmt.Sprintf("bytes=%d-", size)), `If-Range: "other"`),
		{Fields: []string{"If-Range: " + tag}, Status: http.StatusOK},
		// 13.2.2: conditions come before ranges
		{Fields: []string{"Range: bytes=0-4", "If-None-Match: " + tag}, Status: http.StatusNotModified},
		{Fields: []string{fmt.Sprintf("Range: bytes=%d-", size), "If-None-Match: " + tag},
			Status: http.StatusNotModified},
		with(part("bytes=0-4", 0, 4), `If-None-Match: "other"`),
	}
}

// Part returns the bytes that are wanted, of all there are, and the field Content-Range beside them.
func (r Range) Part(all []byte) (part []byte, contentRange string) {
	switch r.Status {
	case http.StatusOK:
		return all, ""
	case http.StatusPartialContent:
		first, last := r.First, r.Last
		if first < 0 {
			first += len(all)
		}
		if last < 0 {
			last += len(all)
		}
		return all[first : last+1], fmt.Sprintf("bytes %d-%d/%d", first, last, len(all))
	case http.StatusRequestedRangeNotSatisfiable:
		return nil, fmt.Sprintf("bytes */%d", len(all))
	}
	return nil, ""
}

func (r Range) String() string { return fmt.Sprintf("%q", r.Fields) }
