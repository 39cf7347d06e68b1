package conditional

import "bytes"

// comparison is one of the two comparisons of RFC 9110 section 8.8.3.2.
type comparison bool

const (
	strongly comparison = true  // both tags are strong and the same
	weakly   comparison = false // their opaque parts are the same
)

// matches reports whether the lines of If-Match or If-None-Match, "*" or a list of entity tags, name the state, and
// whether they could be read. Tags before the first thing that is none count; what comes behind it does not.
func (s State) matches(lines [][]byte, how comparison) (matches, readable bool) {
	if len(lines) == 1 && string(trim(lines[0])) == "*" {
		return !s.Absent, true
	}
	for _, rest := range lines {
		for {
			rest = bytes.TrimLeft(rest, " \t,") // a list may have empty members (section 5.6.1.2)
			if len(rest) == 0 {
				break
			}
			opaque, weak, behind, ok := cutTag(rest)
			if !ok {
				return false, false
			}
			if s.is(opaque, weak, how) {
				return true, true
			}
			rest = behind
		}
	}
	return false, true
}

// is reports whether an entity tag is the state's.
func (s State) is(opaque []byte, weak bool, how comparison) bool {
	if s.Absent {
		return false
	}
	if same(s.ETag, opaque, weak, how) {
		return true
	}
	for _, other := range s.Others {
		if same(other, opaque, weak, how) {
			return true
		}
	}
	return false
}

func same(own, opaque []byte, weak bool, how comparison) bool {
	own, ownWeak := bytes.CutPrefix(own, weakPrefix)
	return bytes.Equal(opaque, own) && (how == weakly || !weak && !ownWeak)
}

var weakPrefix = []byte("W/")

// cutTag returns the opaque part, with its quotes, of the entity tag that b begins with, and what is behind the tag and
// the white space that follows: nothing, or a comma.
func cutTag(b []byte) (opaque []byte, weak bool, behind []byte, ok bool) {
	b, weak = bytes.CutPrefix(b, weakPrefix)
	if len(b) == 0 || b[0] != '"' {
		return nil, false, nil, false
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			behind = bytes.TrimLeft(b[i+1:], " \t")
			return b[:i+1], weak, behind, len(behind) == 0 || behind[0] == ','
		case c <= ' ' || c == 0x7f:
			return nil, false, nil, false
		}
	}
	return nil, false, nil, false
}
