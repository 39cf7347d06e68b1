//go:build broken

package store

import (
	"os"
	"slices"
	"strings"
)

var proves, remembers = !off("proof"), !off("key")

func off(rule string) bool {
	return slices.Contains(strings.Split(os.Getenv("CACHE_BROKEN"), ","), rule)
}
