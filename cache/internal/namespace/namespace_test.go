package namespace

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, name := range []string{"a", "toys", "toy_shop_2", strings.Repeat("a", 32)} {
		if err := Check(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", "Toys", "2toys", "_toys", "toy-shop", "toy:s", "toys ", "toys\n", "toys*", "é", "a;b",
		strings.Repeat("a", 33),
	} {
		if Check(name) == nil {
			t.Errorf("%q is taken", name)
		}
	}
}
