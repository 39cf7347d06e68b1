package tokens

import (
	"strings"
	"testing"
)

// FuzzVerify verifies what is not a token, and what nearly is one: only the one that was signed is good.
func FuzzVerify(f *testing.F) {
	k := mustMakeKeys(f, mustMakeKey(f))
	good := mustSign(f, k, "ann", "s1")
	header, payload, signature := cut3(good)
	for _, seed := range []string{
		"", ".", "..", "...", "eyJ.eyJ.A", "a.b.c", header + ".." + signature, header + "." + payload + ".",
		`{"alg":"none"}.{}.`, strings.Repeat(".", 100), good + ".", "e30.e30.e30", "bnVsbA.bnVsbA.AA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// as it is, as each part of a good token, and behind one
		for _, token := range []string{
			text, text + "." + payload + "." + signature, header + "." + text + "." + signature,
			header + "." + payload + "." + text, good + text,
		} {
			claims, err := k.Verify([]byte(token))
			if (err == nil) != (token == good) || (err == nil) != (claims != nil) {
				t.Errorf("%q: %+v, %v", token, claims, err)
			}
		}
	})
}
