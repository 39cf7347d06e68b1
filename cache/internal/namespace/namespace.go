// Package namespace is what a program's names begin with: its tables in the database, its keys and channels in Redis.
package namespace

import (
	"fmt"
	"regexp"
)

var names = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Check returns an error, which explains what a namespace may be, for a name that is none.
func Check(namespace string) error {
	if names.MatchString(namespace) {
		return nil
	}
	return fmt.Errorf(
		"the namespace must be a letter and up to 31 letters, digits or underscores, in lower case, not %q",
		namespace)
}
