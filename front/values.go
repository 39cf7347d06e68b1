package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/woodytoys/woodytoys/front/site"
)

// The kinds of value that a setting can have. Their errors say what is allowed; kong adds which setting it was.

// rate is a limit in bytes a second that reads "300k".
type rate int64

// UnmarshalText takes what site.ParseRate takes.
func (r *rate) UnmarshalText(text []byte) error {
	n, err := site.ParseRate(string(text))
	*r = rate(n)
	return err
}

// level is a log level that reads "info".
type level slog.Level

// UnmarshalText takes debug, info, warn and error, in any case.
func (l *level) UnmarshalText(text []byte) error {
	if err := (*slog.Level)(l).UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is not a log level: write debug, info, warn or error", text)
	}
	return nil
}

// pause is a time that is not negative and reads "500ms".
type pause time.Duration

// UnmarshalText takes what time.ParseDuration takes, from 0s.
func (p *pause) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time: write 0s or more, such as 500ms, 10s or 1m", text)
	}
	*p = pause(d)
	return nil
}
