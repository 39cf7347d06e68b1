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
// (RFC 9211) how it came about, and conditional requests are answered from what is kept.
package fibercache
