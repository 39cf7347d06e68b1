// Package audit records who did what in the shop: every write and every refusal, in a stream of its own and in a table
// that the API may only add to. It has no HTTP and no SQL.
package audit

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/internal/oneline"
)

// Entry is one thing that somebody did, or was refused.
type Entry struct {
	// ID is a UUID of version 7, by which entries have the order in which they were made. Record gives it.
	ID string
	// At is when it had been decided, in UTC, in microseconds.
	At time.Time
	// Account is who: an account's id. Empty for a caller who has not signed in. There is never a name here.
	Account string
	// Method, Route and Thing are what: the method, the pattern of the route, empty where the request came to none, and
	// the address of what it was about.
	Method, Route, Thing string
	// From is the caller's address. Empty in an entry for several callers.
	From string
	// Outcome is what came of it, and Status what the caller was sent.
	Outcome Outcome
	Status  int
	// Request is the request's id, as in X-Request-Id.
	Request string
	// Times is how many requests an entry stands for: 1, or more in an entry for those of a flood.
	Times int64
}

// Outcome is what came of a request.
type Outcome string

const (
	// Done is a write that was carried out.
	Done Outcome = "done"
	// Unchanged is a write that succeeded and changed nothing: what it asks for was so already.
	Unchanged Outcome = "unchanged"
	// Refused is a request that its caller may not make, or not now.
	Refused Outcome = "refused"
	// Failed is a write that was not carried out for another reason.
	Failed Outcome = "failed"
	// Uncertain is a write that may have been carried out.
	Uncertain Outcome = "uncertain"
)

// Outcomes are all outcomes.
var Outcomes = []Outcome{Done, Unchanged, Refused, Failed, Uncertain}

// isLimited reports whether requests with an outcome are counted together where they are too many. Those that changed
// something never are; of the others anybody can make as many as he likes.
func (o Outcome) isLimited() bool { return o == Refused || o == Failed || o == Unchanged }

// The longest that a value may be, in bytes, as it stands in the table.
const (
	AccountMax = 36
	MethodMax  = 16
	RouteMax   = 100
	ThingMax   = 300
	FromMax    = 45 // an IPv6 address that ends in an IPv4 one
	RequestMax = 128
)

// clean returns an entry whose values can neither end a line, nor command a terminal, nor be too long: callers have
// written some of them.
func (e Entry) clean() Entry {
	for _, value := range []struct {
		text *string
		max  int
	}{
		{&e.Account, AccountMax}, {&e.Method, MethodMax}, {&e.Route, RouteMax}, {&e.Thing, ThingMax},
		{&e.From, FromMax}, {&e.Request, RequestMax},
	} {
		*value.text = bounded(*value.text, value.max)
	}
	return e
}

// bounded returns text on one line, of most bytes at most: what is cut off is marked by an ellipsis.
func bounded(text string, most int) string {
	// Escaping makes text longer, never shorter: what is beyond that many bytes is cut off in any case.
	escaped := oneline.Escape(cut(text, most+utf8.UTFMax))
	if len(escaped) <= most {
		return strings.Clone(escaped) // callers' texts may die with their requests
	}
	const ellipsis = "…"
	return cut(escaped, most-len(ellipsis)) + ellipsis
}

// cut returns the beginning of a text, at most so many bytes. It cuts between characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func newID() string {
	id, err := uuid.NewV7()
	if err != nil { // there is no randomness: not on this system
		panic(err)
	}
	return id.String()
}
