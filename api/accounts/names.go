package accounts

import (
	"fmt"
	"strings"

	"github.com/woodytoys/woodytoys/api/shop"
)

const (
	nameMin = 3
	// NameMax is how long a name may be, in characters.
	NameMax = 64
)

// CleanName returns a name in the one spelling that it is stored, shown and looked for in: that of lower case. It fails
// with Invalid unless the name is 3 to 64 of a to z, 0 to 9, and ". - _ @ +", and begins with a letter or digit.
// Letters of other scripts are none of them: many look like these.
func CleanName(name string) (string, error) {
	if len(name) < nameMin || len(name) > NameMax {
		return "", invalidName()
	}
	clean := []byte(name)
	for i, c := range clean {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case 'A' <= c && c <= 'Z':
			clean[i] = c + 'a' - 'A'
		case i > 0 && strings.IndexByte(".-_@+", c) >= 0:
		default:
			return "", invalidName()
		}
	}
	return string(clean), nil
}

func invalidName() error {
	return &shop.Error{
		Kind: shop.Invalid,
		Detail: fmt.Sprintf("An account's name is %d to %d characters: letters a to z, digits, and . - _ @ + after "+
			"the first.", nameMin, NameMax),
	}
}

// Each of what looks alike is written in one way, characters first and then pairs of them.
var (
	looksLike = strings.NewReplacer("0", "o", "1", "l", "i", "l", ".", "-", "_", "-")
	pairsLook = strings.NewReplacer("rn", "m", "vv", "w", "cl", "d")
)

// lookOf returns what a clean name looks like. Names of the same look are too easily taken for each other for two
// accounts to have them. What stands after the last letter or digit is overlooked.
func lookOf(name string) string {
	return pairsLook.Replace(looksLike.Replace(strings.TrimRight(name, ".-_@+")))
}

// isReserved reports whether a clean name looks like one that speaks for the shop: nobody can register it.
func isReserved(name string) bool {
	look := lookOf(name)
	for _, begin := range []string{adminName, "woody"} {
		if strings.HasPrefix(look, lookOf(begin)) {
			return true
		}
	}
	return look == lookOf("root") || look == lookOf("support")
}
