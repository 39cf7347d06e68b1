package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// limits are what a setting's tags allow; empty where there is none.
type limits struct {
	min, max string
	oneOf    []string
}

func limitsOf(value *kong.Value) (l limits) {
	l.min, l.max = value.Tag.Get("min"), value.Tag.Get("max")
	if words := value.Tag.Get("oneof"); words != "" {
		l.oneOf = strings.Split(words, ",")
	}
	return l
}

// String returns the limit as --help shows it.
func (l limits) String() string {
	switch {
	case l.oneOf != nil:
		return orList(l.oneOf)
	case l.max != "":
		return l.min + " to " + l.max
	case l.min != "":
		return l.min + " or more"
	}
	return ""
}

// orList returns words as a person lists them: "debug, info or warn".
func orList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// checkLimits returns an error for each flag whose value is outside of its limits. A string is taken in any case, and
// becomes as the tag has it.
func checkLimits(flags []*kong.Flag) error {
	var errs []error
	for _, flag := range flags {
		limits := limitsOf(flag.Value)
		if limits.oneOf != nil {
			errs = append(errs, limits.checkWord(flag))
		} else if limits.min != "" {
			errs = append(errs, limits.checkNumber(flag))
		}
	}
	return errors.Join(errs...)
}

func (l limits) checkWord(flag *kong.Flag) error {
	word := flag.Target.String()
	i := slices.IndexFunc(l.oneOf, func(allowed string) bool { return strings.EqualFold(allowed, word) })
	if i < 0 {
		return fmt.Errorf("%s is %q: write %s", flag.Envs[0], word, orList(l.oneOf))
	}
	flag.Target.SetString(l.oneOf[i])
	return nil
}

func (l limits) checkNumber(flag *kong.Flag) error {
	least, most := l.bounds(flag.Target.Type())
	value := flag.Target.Int()
	if least <= value && value <= most {
		return nil
	}
	allowed, example := l.min+" or more", ""
	if l.max != "" {
		allowed = "from " + l.min + " to " + l.max
	}
	if flag.Target.Type() == reflect.TypeFor[time.Duration]() {
		example = ", such as 500ms"
	}
	return fmt.Errorf("%s must be %s%s, not %v", flag.Envs[0], allowed, example, flag.Target.Interface())
}

// bounds returns min and max as numbers. Tags that are none panic: they are part of the program.
func (l limits) bounds(t reflect.Type) (least, most int64) {
	number := func(text string) int64 {
		if t == reflect.TypeFor[time.Duration]() {
			d, err := time.ParseDuration(text)
			if err != nil {
				panic(err)
			}
			return int64(d)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic(err)
		}
		return n
	}
	if l.max == "" {
		return number(l.min), 1<<63 - 1
	}
	return number(l.min), number(l.max)
}
