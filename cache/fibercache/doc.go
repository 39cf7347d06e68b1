// Package fibercache is the Fiber face of package cache: it keeps the finished answers of handlers.
//
//	cached, err := fibercache.New(c, fibercache.Options{Options: cache.Options{Name: "toy", TTL: time.Minute}, Tags: toyTags})
//	app.Get("/toys/:id", cached, handleToy)
//
// and, where a handler has written and not yet answered:
//
//	err = c.Invalidate("toy:7")
//
// A hit runs no handler, encodes nothing and allocates nothing. Every answer says in Cache-Status
// (RFC 9211) how it came about. Conditions (RFC 9110 section 13) are held against the answer, kept or just made, 304 or 412:
// the handler that makes it sees none.
package fibercache
