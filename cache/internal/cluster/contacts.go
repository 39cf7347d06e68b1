package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/handover"
)

// contacts is what the readings of the ledger have shown, by when each was begun.
type contacts struct {
	answered int64 // when the last answered reading was asked
	spoken   int64 // when the last reading was asked that got any reply, an error too
	refusing int64 // when the first refusal of those in a row came; zero without any
	// broken is the last by which the database counted as unreachable, or had lost what it had: an epoch may have been
	// bumped before, and another replica have had a contact that did not show it.
	broken int64
}

// silentFor is how many leases a database must have been silent for to count as unreachable.
const silentFor = 5

func overlap(lease time.Duration) int64 { return int64(handover.Overlap(lease)) }

// silent reports whether the database has said nothing for so long that it counts as unreachable.
func (c *contacts) silent(now int64, lease time.Duration) bool {
	return now-c.spoken > silentFor*int64(lease)
}

// note takes note of a reading that came back now, and reports whether it found the database unreachable, so that
// nothing can be changing. A database that does not answer may be slow for this replica alone, or lead others
// elsewhere: it counts only when it has been silent, and one reply ends that. One that refuses may have been there for
// others a moment ago: it counts when it goes on refusing, and where the contact held until now, or it has not answered
// for as long as a silent one.
func (c *contacts) note(asked, now int64, held bool, err error, lease time.Duration) (unreachable bool) {
	refused := errors.Is(err, ErrUnreachable)
	late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrSilent)
	switch {
	case !refused:
		c.refusing = 0
	case c.refusing == 0:
		c.refusing = now
	}
	lasts := c.refusing != 0 && asked-c.refusing >= overlap(lease) || broken.Overlap
	unreachable = refused && lasts && (held || asked-c.answered > silentFor*int64(lease)) ||
		late && c.silent(asked, lease)
	switch {
	case unreachable, refused: // it may count as a contact for other replicas
		c.broken = asked
	case err == nil && now-c.answered > overlap(lease) && !broken.Overlap:
		c.broken = asked // there may have been an outage in between
	}
	if err == nil {
		c.answered = asked
	}
	if !late {
		c.spoken = asked
	}
	return unreachable
}

// unbroken reports whether the database has answered since began, and never counted as unreachable since, nor lost
// what it had.
func (c *contacts) unbroken(began int64) bool { return c.answered >= began && c.broken < began }
