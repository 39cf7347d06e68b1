package oracle

import "sync/atomic"

// Count is how many members a list has, to which clients add and from which they delete. The zero Count is of an empty
// list.
type Count struct{ added, deleting atomic.Int64 }

// Added notes that the addition of n members was acknowledged.
func (c *Count) Added(n int64) { c.added.Add(n) }

// Deleting notes that the deletion of a member begins: from now on it may be counted or not.
func (c *Count) Deleting() { c.deleting.Add(1) }

// Floor returns how many additions a read that begins now must count.
func (c *Count) Floor() int64 { return c.added.Load() }

// Least returns the least number that may be answered now to a read that began when Floor was as given.
func (c *Count) Least(floor int64) int64 { return floor - c.deleting.Load() }

// Judge checks the answer to a read, which has just arrived, against the floor when the read began.
func (c *Count) Judge(floor, answer int64) Verdict {
	if answer < c.Least(floor) {
		return Stale
	}
	return Good
}
