package site

import (
	"strconv"
	"strings"
)

// preferredEncoding reads an Accept-Encoding header and gives "br", "gzip" or "" for the plain bytes. Equal wishes go to
// brotli before gzip before plain; an absent header, and one that allows nothing we have, get the plain bytes.
func preferredEncoding(acceptEncoding string) string {
	best, bestWish := "", 0.0
	for _, offer := range []string{"br", "gzip"} {
		if wish := wishFor(offer, acceptEncoding); wish > bestWish {
			best, bestWish = offer, wish
		}
	}
	if plain, said := namedWish("identity", acceptEncoding); said && plain > bestWish {
		return ""
	}
	return best
}

// wishFor is the weight, 0 to 1, that the header gives a coding by its name or else by "*".
func wishFor(coding, header string) float64 {
	if wish, said := namedWish(coding, header); said {
		return wish
	}
	wish, _ := namedWish("*", header)
	return wish
}

func namedWish(name, header string) (wish float64, said bool) {
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), name) {
			continue
		}
		return weight(parameters), true
	}
	return 0, false
}

// weight reads "q=0.5"; without it the weight is 1, and what cannot be read counts as 0.
func weight(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || q < 0 || q > 1 {
			return 0
		}
		return q
	}
	return 1
}
