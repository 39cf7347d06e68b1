package settings

import (
	"errors"
	"fmt"
	"regexp"
)

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// IsPlain reports whether a name is plain: at most 63 letters, digits, _ and -, which begin with a letter or a digit.
func IsPlain(name string) bool { return plain.MatchString(name) }

// CheckPlain returns an error for each setting, by its name, whose value is not a plain name; nil where all are.
func CheckPlain(values map[string]string) error {
	var errs []error
	for name, value := range values {
		if !IsPlain(value) {
			errs = append(errs, fmt.Errorf("%s is %q: write letters, digits, _ and - only", name, value))
		}
	}
	return errors.Join(errs...)
}
