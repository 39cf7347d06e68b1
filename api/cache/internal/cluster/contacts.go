package cluster

import (
	"context"
	"errors"
	"time"
)

// contacts is what the readings of the ledger have shown, by when each was begun.
type contacts struct {
	answered int64 // the last that was answered
	spoken   int64 // the last that was told anything, an error too
	// broken is the last by which the database counted as unreachable, or had lost what it had: an epoch may have been
	// bumped before, and another replica have had a contact that did not show it.
	broken int64
}

// silentFor is how many leases a database must have been silent for to count as unreachable.
const silentFor = 5

// silent reports whether the database has said nothing for so long that it counts as unreachable.
func (c *contacts) silent(now int64, lease time.Duration) bool {
	return now-c.spoken > silentFor*int64(lease)
}

// note takes note of a reading, and reports whether it found the database unreachable, so that nothing can be
// changing. A database that does not answer may be slow for this replica alone: it counts only when it has been silent.
// One that refuses may have been there for others a moment ago: it counts where the contact held when it was asked, or
// when it has not answered for as long as a silent one.
func (c *contacts) note(asked int64, held bool, err error, lease time.Duration) (unreachable bool) {
	late := errors.Is(err, context.DeadlineExceeded)
	refused := errors.Is(err, ErrUnreachable) && (held || asked-c.answered > silentFor*int64(lease))
	unreachable = refused || late && c.silent(asked, lease)
	switch {
	case err == nil:
		c.answered = asked
	case unreachable, errors.Is(err, ErrUnreachable): // whatever it is here, it may be a contact for others
		c.broken = asked
	}
	if !late {
		c.spoken = asked
	}
	return unreachable
}

// unbroken reports whether the database has answered since began, and never counted as unreachable since, nor lost
// what it had.
func (c *contacts) unbroken(began int64) bool { return c.answered >= began && c.broken < began }
