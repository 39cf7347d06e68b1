// Package oneline keeps text that others wrote on its line: it finds the characters that could end the line,
// reorder it or command a terminal from those that names are written with, and writes the former as escapes.
package oneline

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Allowed reports whether r may stand in a line of text. It may not if it is a control character (U+0000 to
// U+001F, U+007F to U+009F: line breaks, tabs, ESC), a line or paragraph separator (U+2028, U+2029), one of
// the bidirectional controls, which reorder what is around them, or any other format character without a look of
// its own: but names need the joiners U+200C and U+200D (Persian, the scripts of India, emoji of several
// people), the tags U+E0020 to U+E007F (emoji flags of regions) and the Arabic signs that begin a number.
func Allowed(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r >= ' ' && r != 0x7f
	case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
		return false
	case unicode.Is(unicode.Cf, r):
		return r == zeroWidthNonJoiner || r == zeroWidthJoiner || '\U000E0020' <= r && r <= '\U000E007F' ||
			unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return true
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	brailleBlank       = '\u2800' // a symbol by its category, and empty
)

// Visible reports whether any character of s can be seen: one that is neither space nor control, nor a selector,
// a joiner or a filler, which Unicode calls default ignorable.
func Visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r != brailleBlank && !unicode.In(r, unicode.White_Space, unicode.Cc, unicode.Cf,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point) ||
			unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	})
}

// Escape returns s with each character that is not Allowed as Go would write it (\n, \x1b, \u202e), and each byte that
// is not UTF-8 as \xff. Nothing else is changed, the backslash neither: the result cannot be distinguished from text
// that was written so.
func Escape(s string) string {
	if !needsEscape(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case Allowed(r):
			b.WriteString(s[:size])
		default:
			b.WriteString(escaped(r))
		}
		s = s[size:]
	}
	return b.String()
}

func needsEscape(s string) bool {
	for i, r := range s {
		if !Allowed(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return true
		}
	}
	return false
}

func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
