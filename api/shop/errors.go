package shop

import (
	"errors"
	"time"
)

// Kind is the sort of failure that an Error is. There are few, so that each face of the shop can
// have one table from kind to its own status.
type Kind int

const (
	// Internal is a fault of ours; nothing about it is for the caller.
	Internal Kind = iota
	// Invalid is something wrong in what the caller sent.
	Invalid
	// NotFound is a product or an order that does not exist.
	NotFound
	// Changed is a write for a version that is no longer the newest.
	Changed
	// KeyReused is an idempotency key that came before with another request.
	KeyReused
	// Busy is a wait for a slot or a database connection that went past its bound.
	Busy
	// Unavailable is a database that does not answer. What was asked has not been done.
	Unavailable
	// Full is a database without room for what is written. Nothing was.
	Full
	// Uncertain is a write that may have been carried out, or not: nobody heard how it ended.
	Uncertain
)

// The details of Uncertain writes.
const (
	MayBeDone = "The write may have been carried out, or not: look before you send it again."
	// NotEverywhere is the detail of a write that was committed, and of which a replica may not have heard yet.
	NotEverywhere = "The write was carried out, but not every replica could be told yet: look before you send it again."
)

// Error is a failure whose detail callers may see.
type Error struct {
	Kind Kind
	// Detail is one sentence that is safe to show to a caller.
	Detail string
	// RetryAfter is when to try again; zero where trying again will not help.
	RetryAfter time.Duration
	// Err is the cause, for the log only; nil where the detail is all there is.
	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain, and Internal when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

func invalid(detail string) error { return &Error{Kind: Invalid, Detail: detail} }
