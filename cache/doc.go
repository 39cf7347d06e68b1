// Package cache keeps what functions load, and returns nothing that a write has made wrong: no read returns a value
// older than the newest write that was acknowledged before the read began, on any replica.
//
// # Use
//
// A [Loader] returns the value of a key: a kept one, or what a [Load] returns. A value has the tags of what it is
// made from, such as "toy:7": those that are known beforehand are named with the key, and all who ask for a key name
// the same; the load names the others by [Fill.Tag]. After a write has committed, and before it is acknowledged, the
// writer calls [Cache.Invalidate] with the tags of all that it changed. It does so after an error too, unless it is
// certain that nothing was committed. A write that is made past the program, or names no tag, is seen when the TTL is
// over.
//
// A tag is made of what was found, and not of what was asked for: a database that finds toy 7 by "07" too would have
// the value kept under a tag that no write names.
//
// The packages fibercache and httpcache do the same for HTTP handlers. In a cluster (package cluster), replicas share
// what they keep, and a write that recorded its tags in its transaction (package outbox) calls [Cache.Settle].
//
// # What comes back
//
// A kept value comes back until its TTL is over, unless a tag of it was invalidated; then, or without one, the value
// is loaded, once, however many ask for it. [Info] reports which it was. It is one value, which all who ask get, each
// as it is: none of them may change what it points to.
//
//   - What is not there: a load reports that by [Fill.Absent], or by an error that Options.Absent reports. That is kept
//     for NegativeTTL, and until a tag of it is invalidated; the error comes back with it. By default it is not kept.
//   - A load that fails: its error goes to all who wait for it, and is not kept. A load that panics, or ends its
//     goroutine, fails with a [PanicError]. One that asks for its own key, directly or through others, gets
//     [ErrOwnKey].
//   - A load that is late: each caller waits until it ends, or until the caller's own ctx does, and then gets that
//     one's error. The load goes on for the others; when nobody waits any more, its ctx ends.
//   - With Options.MaxStale, a value that has expired comes back where its load fails, or takes longer than SoftTimeout
//     or HardTimeout; never one that was invalidated, nor an absence. [Info] has the load's error then. Without such a
//     value a caller gets the error, and after HardTimeout [ErrLate], while the load goes on.
//   - A load that a write overtook: those who asked before the write was acknowledged get its value, which is not
//     kept; those who asked after it wait for the next load. The fence decides that: the number of the newest
//     invalidation, taken before the load began to read, compared with the tags' when its value is stored and again by
//     every read.
//   - A replica that cannot know of writes now, as it has lost Redis or the database: it returns nothing that is
//     kept, and every read is a load, with [Unsure] as its reason.
//   - Redis away, full or late: the read goes on without it. A value whose [Codec] fails is kept by this process
//     alone.
//   - A value that is too large for the bound, or was evicted: it is loaded again. One of more than 8 MiB is not
//     shared.
//   - An invalidation in one process always succeeds, at once. In a cluster it returns when every replica has heard
//     of it; with an error, the write must not be acknowledged.
//
// A [Cache] is closed by [Cache.Close], which waits for the loads that are under way.
//
// # What it cannot do
//
// Two tags of 65,536 places may share one and are then invalidated together: a load too many, and nothing wrong. The
// promise is regularity, not linearizability: while a write is not acknowledged yet, one read may see it and the next
// one not. PROTOCOL.md explains why the promise holds, and where it ends.
package cache
