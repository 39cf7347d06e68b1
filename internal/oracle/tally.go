package oracle

import "sync/atomic"

// Tally counts the calls of many clients.
type Tally struct{ Reads, Writes, FailedReads, FailedWrites atomic.Int64 }

// Calls returns how many there were.
func (t *Tally) Calls() int64 { return t.Reads.Load() + t.Writes.Load() }
