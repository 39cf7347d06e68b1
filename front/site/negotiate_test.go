package site

import "testing"

func TestPreferredEncoding(t *testing.T) {
	for header, want := range map[string]string{
		"":                              "",
		"gzip, deflate, br, zstd":       "br",
		"gzip":                          "gzip",
		"GZIP":                          "gzip",
		"br;q=0.5, gzip;q=0.8":          "gzip",
		"br;q=0, gzip;q=0":              "",
		"br;q=0, *":                     "gzip",
		"*":                             "br",
		"identity, br;q=0.5":            "",
		"identity;q=0.2, gzip;q=0.3":    "gzip",
		"gzip;q=1.5":                    "",
		"gzip;q=nonsense":               "",
		"gzip; Q=0.1":                   "gzip",
		"deflate":                       "",
		"brotli":                        "",
		"identity;q=0, *;q=0":           "",
		" br ; q=0.001 , gzip ; q=0.0 ": "br",
	} {
		if got := preferredEncoding(header); got != want {
			t.Errorf("preferredEncoding(%q) = %q, want %q", header, got, want)
		}
	}
}
