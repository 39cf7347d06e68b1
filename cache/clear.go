package cache

import "context"

// Clear leaves behind all that this cache and, in a cluster, its replicas keep, near and in Redis: when it returns nil,
// no read that begins then, on any replica, returns anything that was read before it was called. It touches nothing of
// other programs, namespaces or Instances that use the same Redis; it deletes no key there, for nobody finds those that
// are left, and they run out. Nor does it call a plugged Store, whose entries are no longer served. Loads that are
// under way go on for their callers, and what they bring is not kept.
//
// It is an operator's tool: for rows that were changed beside the program, or a deployment that reads them otherwise.
// After a write, call Invalidate.
//
// In one process it never fails and takes no time. In a cluster it bumps the epoch in the database, and takes about a
// Lease, in which all replicas begin anew: they load every read meanwhile, and find nothing kept afterwards. It does
// not need Redis. Calls at the same time share a bump, and there are four of them in a Lease at most.
//
// ctx bounds the waiting alone: where it ends first, the error wraps ctx.Err(), and all may be cleared by then, or
// soon. Any other error means that the database could not be reached, or that the cache is closed: some replicas may
// have begun anew, and others not. Call Clear again.
func (c *Cache) Clear(ctx context.Context) error {
	c.counts.clears.Inc()
	if c.node == nil {
		c.fences.Clear()
	} else if err := c.node.Clear(ctx); err != nil {
		return err
	}
	c.entries.clear() // the fence refuses the entries already; this frees their memory
	return nil
}
