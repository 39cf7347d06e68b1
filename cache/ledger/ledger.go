// Package ledger is what the replicas of a program that share a cache keep in its database. Package outbox implements
// it; whoever has another database implements [Ledger].
//
// A ledger may be slow or fail: a replica whose ledger does not reply for a lease caches nothing, and its writes are
// not acknowledged. It must not be wrong: what it returns has been in the database at some moment after it was asked,
// by a server that took writes then, and what it was told is there when it returns nil. An error leaves open
// whether it was done, unless it is [ErrUnreachable].
package ledger

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Ledger is the epoch, and the records of writes whose invalidation has not been carried out, in the database, which is
// the only truth. It is safe for concurrent use.
type Ledger interface {
	// Namespace returns what the program's names in Redis begin with: a letter and up to 31 letters, digits or
	// underscores, in lower case. It is a part of what makes the ledger this one, and never changes.
	Namespace() string

	// Read returns the epoch, and up to a hundred records that are older than grace by the database's own clock, or of
	// the future by it, which a server before this one has made. An error that is ErrUnreachable means that the
	// database cannot be reached; one that is the context's, or ErrSilent, that it did not answer. Any other error may
	// come with the epoch, where that was read and the records were not.
	Read(ctx context.Context, grace time.Duration) (State, []Record, error)
	// Look returns the epoch that the database has at some moment after it was called, even where its primary moves. It
	// waits behind nothing else that is asked of the ledger: each write waits for it.
	Look(ctx context.Context) (State, error)
	// Bump bumps the epoch, to that of least or above, and returns what the state is then, with a token that no epoch
	// had before. Its wire format is that of least where that is newer; its run is that of least, unless that is empty.
	Bump(ctx context.Context, least State) (State, error)
	// HasBump reports whether the database has a bump, by the token that Bump returned, and has not lost it, as one may
	// that comes back without its last transactions. It need not remember more than the last 64.
	HasBump(ctx context.Context, token string) (bool, error)
	// Remove forgets records that were carried out; one that is not there is no error. Where they were by a bump, whose
	// token is given, it forgets them only if the database has it. Of one that was handed over it notes that it was
	// carried out, and forgets it later: its writer waits to hear of it.
	Remove(ctx context.Context, ids []int64, bump string) error

	// HandOver makes a record for others to carry out at once: it is older than any grace.
	HandOver(ctx context.Context, tags []string) (Record, error)
	// Take notes of records that were handed over that they are being carried out.
	Take(ctx context.Context, ids []int64) error
	// Progress returns how far a record that was handed over has come. Without such a record it fails.
	Progress(ctx context.Context, record Record) (Progress, error)
	// Withdraw forgets a record that was handed over, whatever has become of it.
	Withdraw(ctx context.Context, record Record) error
}

// Progress is how far a record that was handed over has come.
type Progress int

const (
	Waiting    Progress = iota // nobody has taken it yet
	Taken                      // a replica is carrying it out
	CarriedOut                 // a replica has, and its announcement was acknowledged
)

// State is the epoch and what belongs to it: the newest wire format that any release of the program has
// used, and the run of the Redis server that all replicas use.
type State struct {
	Epoch uint64
	// Token is new at each bump, so that no two epochs are ever taken for one, whatever becomes of the database; empty
	// where it was bumped by a release that knew none.
	Token string
	Wire  int
	// Run is where all replicas meet in Redis: a run of the server, and a place there.
	Run string
	// Ledger is the ledger's own name, which no other has: that of one database, whatever becomes of its epoch.
	Ledger string
}

// SameEpoch reports whether two states are of one epoch.
func (s State) SameEpoch(other State) bool { return s.Epoch == other.Epoch && s.Token == other.Token }

// Follows reports whether a state that is read after another may be: it is of the same epoch, or of a later one. One
// that does not shows that the database has lost what it had.
func (s State) Follows(before State) bool { return s.Epoch > before.Epoch || s.SameEpoch(before) }

// Name returns the epoch in the names of keys and channels.
func (s State) Name() string {
	name := strconv.FormatUint(s.Epoch, 10)
	if s.Token != "" {
		name += "-" + s.Token
	}
	return name
}

// Record is a write's note of the tags that it invalidates.
type Record struct {
	ID   int64
	Tags []string
	// Waited reports that it was handed over: its writer waits until it has been carried out.
	Waited bool
}

// ErrUnreachable is the error of a database that cannot be reached at all, so that nobody's writes can be changing it.
var ErrUnreachable = errors.New("the database is away")

// ErrSilent is the error of a database of which nothing was heard that shows it to be there, though a proxy may have
// refused the connection, or a server have responded that is cut off from the others. Others may reach it meanwhile. A
// database that has been silent for five leases counts as one that cannot be reached.
var ErrSilent = errors.New("the database is silent")
