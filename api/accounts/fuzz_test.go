package accounts

import (
	"strings"
	"testing"
)

// FuzzSecret reads any text as a secret: what is one has one spelling.
func FuzzSecret(f *testing.F) {
	f.Add("")
	f.Add(newSecret().String())
	f.Add(strings.Repeat("_", 64))
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSecret(text); err == nil && s.String() != text {
			t.Errorf("%q is read as %q", text, s)
		}
	})
}

// FuzzName cleans any name: what comes of it is clean, and no stranger to what went in.
func FuzzName(f *testing.F) {
	for _, name := range []string{"", "Ann", "a.b_c-d@e+f", "ａｎｎ", "adrnin", "a\x00bc"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean, err := CleanName(name)
		if err != nil {
			return
		}
		again, err := CleanName(clean)
		if again != clean || err != nil || !strings.EqualFold(name, clean) || clean != strings.ToLower(clean) {
			t.Errorf("%q is cleaned to %q, and that to %q, %v", name, clean, again, err)
		}
		if look := lookOf(clean); look == "" || len(look) > NameMax {
			t.Errorf("%q looks like %q", clean, look)
		}
	})
}

// FuzzHash reads any text as a hash: what is one has one spelling.
func FuzzHash(f *testing.F) {
	f.Add(newHasher(0).nobody())
	f.Add(hashCost.prefix() + "$")
	f.Fuzz(func(t *testing.T, text string) {
		salt, key, c, err := parseHash(text)
		if err == nil && c.text(salt, key) != text {
			t.Errorf("%q is read as %x and %x", text, salt, key)
		}
	})
}
