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
	// SoldOut is an order for a product of which nothing is left.
	SoldOut
	// TooFew is an order for more of a product than is left.
	TooFew
	// Ended is a write to an order that has come to its end.
	Ended
	// Busy is a wait for a slot or a database connection that went past its bound.
	Busy
	// Unavailable is a database that does not answer. What was asked has not been done.
	Unavailable
	// Full is a database without room for what is written. Nothing was.
	Full
	// Uncertain is a write that may have been carried out, or not: nobody heard how it ended.
	Uncertain
	// Unauthorized is a caller who has not signed in, or not with what an account is signed in with.
	Unauthorized
	// Forbidden is what the caller's role may not do.
	Forbidden
	// Taken is a name that another account has.
	Taken
	// Needed is the shop's only administrator, who is to be one no more.
	Needed
	// TooMany is more tries than are allowed for now.
	TooMany
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
	// Left is what is left of the products that an order wants more of; nil for other failures.
	Left []Left
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
	if err == nil {
		return Internal // without an allocation: it is asked with each request
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// leftOf returns what is left of the products that an order wanted more of; nil where that was not its failure.
func leftOf(err error) []Left {
	var e *Error
	if errors.As(err, &e) {
		return e.Left
	}
	return nil
}

func keyReused() error {
	return &Error{Kind: KeyReused, Detail: "This Idempotency-Key was used before for another order."}
}

func invalid(detail string) error { return &Error{Kind: Invalid, Detail: detail} }
