package shop_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/internal/oneline"
)

func TestCleanName(t *testing.T) {
	const family, england, persian = "👨\u200d👩\u200d👧", "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F",
		"اسباب\u200cبازی"
	for name, want := range map[string]string{
		"Yoyo": "Yoyo", "  Joli train\r\n": "Joli train", "\u2028Robot\u00a0": "Robot", family: family,
		england: england,
		persian: persian, "❤\ufe0f": "❤\ufe0f", "e\u0301": "e\u0301", "é": "é", `\n`: `\n`,
		strings.Repeat("🧸", shop.NameMax): strings.Repeat("🧸", shop.NameMax),
	} {
		if got, err := shop.CleanName(name); got != want || err != nil {
			t.Errorf("CleanName(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for name, reason := range map[string]string{
		"": "missing", " \t\n": "missing", "\xff": "UTF-8", strings.Repeat("a", shop.NameMax+1): "201 characters",
		"a\nb": "U+000A", "a\tb": "U+0009", "a\x00": "U+0000", "\x1b[31mred": "U+001B", "a\x7fb": "U+007F",
		"a\u0085b": "U+0085",
		"a\u009bb": "U+009B", "a\u2028b": "U+2028", "a\u2029b": "U+2029", "\u202egnirts": "U+202E",
		"a\u2066b": "U+2066",
		"a\u200eb": "U+200E", "\u200b": "U+200B", "a\u200bb": "U+200B", "\ufeffa": "U+FEFF", "a\u00adb": "U+00AD",
		"\u200d": "can be seen", "\u3164": "can be seen", "\u2800": "can be seen", "\ufe0f": "can be seen",
	} {
		got, err := shop.CleanName(name)
		if shop.KindOf(err) != shop.Invalid || !strings.Contains(err.Error(), reason) ||
			strings.ContainsFunc(err.Error(), func(r rune) bool { return !oneline.Allowed(r) }) {
			t.Errorf("CleanName(%q) = %q, %v; want Invalid, for %s", name, got, err, reason)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, name := range []string{" Yoyo ", "a\nb", "\u200b", "👨\u200d👩", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := shop.CleanName(name)
		if err != nil {
			if shop.KindOf(err) != shop.Invalid || clean != "" {
				t.Errorf("CleanName(%q) = %q, %v", name, clean, err)
			}
			return
		}
		if again, err := shop.CleanName(clean); again != clean || err != nil {
			t.Errorf("CleanName(%q) = %q, and of that %q, %v", name, clean, again, err)
		}
		if n := utf8.RuneCountInString(clean); n < 1 || n > shop.NameMax || oneline.Escape(clean) != clean ||
			!strings.Contains(name, clean) {
			t.Errorf("CleanName(%q) = %q", name, clean)
		}
	})
}
