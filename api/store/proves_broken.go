//go:build broken

package store

import (
	"os"
	"slices"
	"strings"
)

var proves, remembers, settles = !off("proof"), !off("key"), !off("settle")

func off(rule string) bool {
	return slices.Contains(strings.Split(os.Getenv("CACHE_BROKEN"), ","), rule)
}
