// Package cache is a cache-aside decorator whose write-triggered invalidation never lies: no read
// returns a value older than the newest write that was acknowledged before the read began.
//
// Decorate a load function with a Loader, say with tags what its values are made from, and call
// Cache.Invalidate with those tags after each write has committed and before it is acknowledged.
// The package fibercache does the same for Fiber handlers.
//
// A value is loaded once, however many callers wait for it (a fill). A fill takes a fence before
// it reads: a stamp of the newest invalidation. Its value is used only for as long as no tag of it
// has been invalidated since, which is looked at when the value is stored and again by every read.
// README.md tells the rest; the schedules that break simpler caches are in schedule_test.go.
package cache
