package framing

// head is what has been read so far of a request's head: where its body ends, and for which host it is.
type head struct {
	hasTarget    bool
	versionRead  int
	major, minor byte

	name    short
	field   field
	value   short // the value of Transfer-Encoding
	inValue bool  // the field's value has begun: something other than white space was read
	ended   bool  // white space follows the value

	hosts, lengths, codings int
	length                  int64
	lengthDigits            int
}

// field is a field that matters here.
type field uint8

const (
	otherField field = iota
	hostField
	lengthField
	codingField
)

// short is a text that may be compared if it is short. One that is longer than its room equals none.
type short struct {
	room [len("transfer-encoding")]byte
	size int
}

func (s *short) reset() { s.size = 0 }

func (s *short) add(p []byte) {
	if s.size < len(s.room) {
		copy(s.room[s.size:], p)
	}
	s.size += len(p)
}

// is reports whether the text is lower, in any case of letters.
func (s *short) is(lower string) bool {
	if s.size != len(lower) {
		return false
	}
	for i, b := range s.room[:s.size] {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// beginField looks at the name that has been read.
func (h *head) beginField() *Refusal {
	h.field, h.inValue, h.ended = otherField, false, false
	switch {
	case h.name.is("host"):
		h.field = hostField
		if h.hosts++; h.hosts > 1 {
			return manyHosts
		}
	case h.name.is("content-length"):
		h.field = lengthField
		if h.lengths++; h.lengths > 1 {
			return manyLengths
		}
	case h.name.is("content-encoding"):
		return hasContentCoding
	case h.name.is("transfer-encoding"):
		h.field = codingField
		if h.codings++; h.codings > 1 {
			return manyCodings
		}
		h.value.reset()
	}
	return nil
}

// lengthMax is how many digits a length may have: more would not fit in 63 bits.
const lengthMax = 18

// addValue reads on in the value of a field that matters. White space may stand around it, and not inside.
func (h *head) addValue(p []byte) *Refusal {
	for i, b := range p {
		if b == ' ' || b == '\t' {
			h.ended = h.inValue
			continue
		}
		if h.ended {
			return h.badValue()
		}
		h.inValue = true
		switch h.field {
		case hostField:
			if !host.has(b) {
				return badHost
			}
		case lengthField:
			if h.lengthDigits++; !digit.has(b) || h.lengthDigits > lengthMax {
				return badLength
			}
			h.length = h.length*10 + int64(b-'0')
		case codingField:
			h.value.add(p[i : i+1])
		}
	}
	return nil
}

func (h *head) badValue() *Refusal {
	switch h.field {
	case hostField:
		return badHost
	case lengthField:
		return badLength
	}
	return badCoding
}

// endField looks at the value that has been read.
func (h *head) endField() *Refusal {
	switch h.field {
	case lengthField:
		if h.lengthDigits == 0 {
			return badLength
		}
	case codingField:
		if !h.value.is("chunked") {
			return badCoding
		}
	}
	return nil
}

// check looks at the head as a whole.
func (h *head) check() *Refusal {
	switch {
	case h.hosts == 0 && h.minor == '1':
		return noHost
	case h.codings > 0 && h.lengths > 0:
		return twoLengths
	case h.codings > 0 && h.minor == '0':
		return oldCoding
	}
	return nil
}
