package handover

import (
	"errors"
	"time"
)

// BumpLeases is how many leases a bumped epoch may take to be known everywhere.
const BumpLeases = 3

// ErrUnconfirmed is a bumped epoch of which it is uncertain whether every replica has read it.
var ErrUnconfirmed = errors.New("the epoch was bumped, and the database was lost before every replica can know")

// AwaitBumped waits until no replica can be answering under an epoch before one that was bumped: for a lease through
// which the database was there. By then every replica has read the new epoch, or has had no contact with the database
// for too long to answer. Had the database been unreachable, that would have counted as a contact for others, since for
// them nobody could be writing.
//
// aLease takes a lease, and reports whether the database was there all the time, as seen from here, and has the bumped
// epoch at the end.
func AwaitBumped(aLease func() bool) error {
	for range BumpLeases {
		if aLease() {
			return nil
		}
	}
	return ErrUnconfirmed
}

// Pace is how fast one program bumps the epoch: four times a lease at most, and more slowly where many others do so
// too. The database remembers the last bumps, 64 at least, and each is asked for until its writer knows that all know
// of it. The zero value is ready; it is used by one at a time.
type Pace struct {
	last uint64    // the epoch of the last bump
	at   time.Time // when that was made
}

// others is how many bumps there may be in a quarter of a lease, of all programs together.
const others = 8

// Pause returns how long to wait before the next bump, after one to an epoch that has just been made.
func (p *Pace) Pause(epoch uint64, lease time.Duration) time.Duration {
	quarter, now, quarters := lease/4, time.Now(), 1.
	if p.last > 0 && epoch > p.last {
		since := max(now.Sub(p.at), quarter)
		quarters += float64(epoch-p.last) * float64(quarter) / float64(since) / others
	}
	p.last, p.at = epoch, now
	return time.Duration(float64(quarter) * min(quarters, 8))
}

// Overlap returns how long a database must have refused for that to be a contact, and how far apart the readings may be
// of a writer who waits for a bump to be known. So he sees each outage that is a contact for others.
func Overlap(lease time.Duration) time.Duration { return lease * 7 / 20 }
