// Package httpcache is the net/http face of package cache: it keeps the finished answers of handlers.
//
//	o := httpcache.Options{Options: cache.Options{Name: "toy", TTL: time.Minute}, Tags: toyTags}
//	cached, err := httpcache.New(c, o)
//	mux.Handle("GET /toys/{id}", cached(handleToy))
//
// and, where a handler has written and not yet answered:
//
//	err = c.Invalidate("toy:7")
//
// No request that begins after Invalidate has returned is answered with anything read before it was called. What is not
// kept, has expired or was invalidated is made by the handler; a handler that was reading while its tag was invalidated
// answers its own caller, and nobody who comes later.
//
// A hit runs no handler and allocates nothing. Every answer reports in Cache-Status (RFC 9211) how it came about.
// Conditions (RFC 9110 section 13) are evaluated on the response, stored or just made, 304 or 412: the handler that
// makes it sees none, nor a Range.
//
// # One handler for all who wait
//
// The handler runs once for all who ask for the same at the same time, with a copy of the request of one of them and on
// that one's goroutine. What it reads of the request must be in the key: see Options. Its context ends when all of them
// have left, which they do when their own context ends; a caller whose request the handler has leaves when that
// returns. So what a router hangs on a request, as chi, echo and gin do, is good for as long as the handler runs, and a
// panic goes on where it began, http.ErrAbortHandler too. The others get 500 then, by Options.Fail.
//
// A handler may use all of http.ResponseController. Once it flushes or hijacks, or its body has become longer than
// Options.MaxBody, what it writes flows to its own caller; those who wait with it have the handler run for each of
// them, with their own requests as they came. So large files, and answers that are meant to be read in parts, are best
// left undecorated.
//
// # Ahead of expiry
//
// With RefreshAhead a copy of a request goes through the handler of its *http.Server a second time, in the background,
// with all its middleware: see IsRefresh. Its context has nothing of the first one's. Where there is no *http.Server in
// a request's context, nothing is refreshed.
//
// With SoftTimeout or HardTimeout a handler goes on whose callers have left, so that every fill is made in this way;
// then an answer that is its caller's own is made twice, the second time with the caller's own request. Without an
// *http.Server the caller whose request the handler has waits for it all the same.
//
// # In place of a failure
//
// With MaxStale an answer whose TTL is over stands in for a status of 500 or more, also for the caller whose request
// the handler has had, with nothing of what that wrote. It is never one that was invalidated. A panic is a failure for
// those who wait for it; it goes on in its own caller all the same.
//
// # Routers
//
// The middleware is a func(http.Handler) http.Handler, which chi takes as it is: r.With(cached).Get("/toys/{id}", h).
// Echo and gin hand requests on in values of their own, so their handlers need a line or two around it; the errors that
// an echo handler returns have to become answers inside:
//
//	func(next echo.HandlerFunc) echo.HandlerFunc {
//		return func(c echo.Context) error {
//			cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//				c.SetRequest(r)
//				c.SetResponse(echo.NewResponse(w, c.Echo()))
//				if err := next(c); err != nil {
//					c.Error(err)
//				}
//			})).ServeHTTP(c.Response(), c.Request())
//			return nil
//		}
//	}
//
// A gin handler writes to a writer of gin's, which has to lead to the one that it is given:
//
//	func(c *gin.Context) {
//		outer := c.Writer
//		cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			c.Request, c.Writer = r, writer{outer, w}
//			c.Next()
//			c.Writer = outer
//		})).ServeHTTP(outer, c.Request)
//		c.Abort() // a hit runs no handler
//	}
//
//	type writer struct {
//		gin.ResponseWriter
//		to http.ResponseWriter
//	}
//
//	func (w writer) Header() http.Header               { return w.to.Header() }
//	func (w writer) Write(b []byte) (int, error)       { return w.to.Write(b) }
//	func (w writer) WriteString(s string) (int, error) { return io.WriteString(w.to, s) }
//	func (w writer) WriteHeader(status int)            { w.to.WriteHeader(status) }
//	func (w writer) WriteHeaderNow()                   {}
//	func (w writer) Flush()                            { http.NewResponseController(w.to).Flush() }
package httpcache
