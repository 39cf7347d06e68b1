package shop

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/woodytoys/woodytoys/internal/oneline"
)

// NameMax is the longest product name, in characters (Unicode code points).
const NameMax = 200

// Product is a toy.
type Product struct {
	// ID is never used again, not even after the product is deleted.
	ID   int64  `json:"id"`
	Name string `json:"name"`
	// Version starts at 1 and every write to the product raises it.
	Version int64 `json:"version"`
	Stock   Stock `json:"stock,omitzero"`
	Price   Price `json:"price,omitzero"`
}

// Last is the newest product and how many there are, both of the same moment.
type Last struct {
	// At is when it was read from the database.
	At    time.Time
	Count int64
	// Product is nil while there is none.
	Product *Product
}

// CleanName returns name without the white space around it. It fails with Invalid unless 1 to NameMax characters
// of valid UTF-8 are left, one of which can be seen, and none of which could break, reorder or hide a line that
// the name stands in (see oneline.Allowed). Two names are equal if their code points are: é and e with an accent
// after it are two names.
func CleanName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", invalid("The product name is not valid UTF-8.")
	}
	name = strings.TrimSpace(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", invalid("The product name is missing: give 1 to 200 characters.")
	case n > NameMax:
		return "", invalid(fmt.Sprintf("The product name has %d characters; at most %d are allowed.", n, NameMax))
	}
	for _, r := range name {
		if !oneline.Allowed(r) {
			return "", invalid(fmt.Sprintf(
				"The product name holds the control or format character %U; leave it out.", r))
		}
	}
	if !oneline.Visible(name) {
		return "", invalid("The product name has no character that can be seen.")
	}
	return name, nil
}
