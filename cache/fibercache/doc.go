// Package fibercache is the Fiber face of package cache: it keeps the finished answers of handlers.
//
//	cached, err := fibercache.New(c, fibercache.Options{
//		Options: cache.Options{Name: "toy", TTL: time.Minute}, Tags: toyTags,
//	})
//	app.Get("/toys/:id", cached, handleToy)
//
// and, where a handler has written and not yet answered:
//
//	err = c.Invalidate("toy:7")
//
// A hit runs no handler, encodes nothing and allocates nothing. Every answer reports in Cache-Status (RFC 9211) how it
// came about. Conditions (RFC 9110 section 13) are held against the answer, kept or just made, 304 or 412: the
// handler that makes it sees none.
//
// What is sent:
//
//   - A kept answer: its status, body and fields. Fields of one caller are not kept: request ids, cookies, CORS.
//   - An answer of 404 or 410 is kept for NegativeTTL. One of another status than 200 goes to all who wait for it,
//     and is not kept.
//   - An answer for its caller alone: a streamed one, one that sets a cookie, one that its Cache-Control says is
//     private or no-store, and one that varies by what is not in the key. Those who waited for it have the handler run
//     for each.
//   - An answer that belongs to somebody (Own), on a route that asks who may have it (Options.Allow): to those, kept or
//     not; to others it is as what is not there.
//   - A handler that fails: all who wait get what Options.Fail writes, or its answer of 500 or above; nothing is
//     kept. A handler that panics: all get a *cache.PanicError, for the application's ErrorHandler.
//   - A handler that is late is waited for by all who ask for the same. It has to bound its own time. With
//     Options.Caller a caller may leave before; c.UserContext() ends when all have.
//   - HEAD is sent from what GET left, and fills nothing.
//   - A request that is not for the cache (Options.Bypass, an Authorization field, another method than GET and HEAD)
//     goes to the handler. Middleware that has verified a token may take the field off the request, so that what is
//     public, or has an owner, is kept for those who bring one too.
//
// Make a tag of what was found, not of what was asked for: a database, or a parser, that finds toy 7 by "7 ", "07" or
// "%37" too would have the answer kept under a tag that no write names. In the example, :id has to be refused unless
// it is spelled as the write spells it; or leave Options.Tags out and have the handler call Tag(c, "toy:"+toy.ID).
//
// The module requires fasthttp 1.74, which needs Go 1.25. Version 1.78 refuses some more requests that can be read in
// two ways, and needs Go 1.26: a program that has it may require that one.
package fibercache
