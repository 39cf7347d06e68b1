package cache

import "github.com/woodytoys/woodytoys/cache/internal/cluster"

// What the ledger is about.
type (
	// Ledger is what replicas keep in the database: the epoch and the outbox.
	Ledger = cluster.Ledger
	// State is the epoch, and the wire format in use.
	State = cluster.State
	// Record is a write's note of the tags that it invalidates.
	Record = cluster.Record
	// Progress is how far a record that was handed over has come.
	Progress = cluster.Progress
)

// What becomes of a record that was handed over.
const (
	Waiting    = cluster.Waiting
	Taken      = cluster.Taken
	CarriedOut = cluster.CarriedOut
)

// ErrUnreachable is what a Ledger's error is when the database cannot be reached at all.
var ErrUnreachable = cluster.ErrUnreachable
