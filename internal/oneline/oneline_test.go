package oneline_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/woodytoys/woodytoys/internal/oneline"
)

func TestAllowed(t *testing.T) {
	for _, r := range "aé ' \\\"<>&🧸\u00a0\u200c\u200d\ufe0f\u0301\u0600\U000E0067\ufffd" {
		if !oneline.Allowed(r) {
			t.Errorf("%U is not allowed; names are written with it", r)
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if oneline.Allowed(r) && unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			t.Errorf("%U is allowed", r)
		}
	}
	for _, r := range "\u00ad\u180e\u200b\u2060\u2064\u206f\ufeff\ufff9\U0001D173\U000E0001" {
		if oneline.Allowed(r) {
			t.Errorf("%U is allowed; it has no look of its own", r)
		}
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, " é ": true, "🧸": true, "\u0301": true, "👨\u200d👩": true, "\u0600": true, "\U000E0067🏴": true,
		"\ufffd": true,
		"":       false, " \t\n": false, "\u00a0\u3000": false, "\u200b": false, "\u200d\u200c": false, "\ufe0f": false,
		"\u3164": false, "\u115f\u1160\uffa0": false, "\u2800": false, "\u034f": false, "\U000E0067": false,
		"\x1b":   false,
		"\ufffe": false,
	} {
		if got := oneline.Visible(text); got != want {
			t.Errorf("Visible(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"Yoyo":                            "Yoyo",
		`C:\new 🧸 "<`:                     `C:\new 🧸 "<`,
		"a\n9 Forged":                     `a\n9 Forged`,
		"a\r\tb":                          `a\r\tb`,
		"\x1b[31mred\x00\x7f\u0085\u009b": `\x1b[31mred\x00\x7f\u0085\u009b`,
		"a\u2028b\u2029c":                 `a\u2028b\u2029c`,
		"\u202egnirts\u2066":              `\u202egnirts\u2066`,
		"\U000E0001":                      `\U000e0001`,
		"a\xffb\xe2\x80":                  `a\xffb\xe2\x80`,
		"\ufffd":                          "\ufffd",
	} {
		if got := oneline.Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\nb")
	f.Add("\xff\u202e\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		got := oneline.Escape(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !oneline.Allowed(r) }) {
			t.Errorf("Escape(%q) = %q, which is not one plain line", text, got)
		}
		if oneline.Escape(got) != got {
			t.Errorf("Escape(%q) is escaped again", text)
		}
	})
}
