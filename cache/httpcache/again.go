package httpcache

import (
	"context"
	"log"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/woodytoys/woodytoys/cache"
)

type againKey struct{}

// again is a fill that needs no caller: a copy of a request goes through the server once more, since the request
// itself, and what routers have hung on it, is gone when its caller has been answered.
type again struct {
	route *route
	key   string
	taken atomic.Bool             // the handler that is wanted has the copy
	made  atomic.Pointer[outcome] // what came of it; nil when the copy did not come to this route
}

// refresh makes the server handle the request once more, in the background. Without an *http.Server in its context
// nothing is refreshed.
func (h *handler) refresh(r *http.Request, key string) {
	if load := h.again(r, strings.Clone(key)); load != nil {
		h.loader.Refresh(context.Background(), key, h.tags(r), load)
	}
}

// again returns a load that has the server handle a copy of a request; nil where there is no server.
func (h *handler) again(r *http.Request, key string) cache.Load[*answer] {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	copied, err := copyOf(r)
	if server == nil || err != nil {
		return nil
	}
	local := r.Context().Value(http.LocalAddrContextKey)
	return func(ctx context.Context, fill *cache.Fill) (_ *answer, err error) {
		a := &again{route: h.route, key: key}
		ctx = context.WithValue(ctx, http.ServerContextKey, server)
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, local)
		if !a.run(server, copied.WithContext(context.WithValue(ctx, againKey{}, a))) {
			return nil, errPanicked
		}
		if made := a.made.Load(); made != nil {
			return made.report(fill)
		}
		return nil, errNotAsked
	}
}

// copyOf returns a copy of a request, as it came, for GET: HEAD may have found the answer due.
func copyOf(r *http.Request) (*http.Request, error) {
	target, err := url.ParseRequestURI(r.RequestURI)
	return &http.Request{
		Method: http.MethodGet, URL: target, RequestURI: r.RequestURI,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Host: r.Host, RemoteAddr: r.RemoteAddr, TLS: r.TLS, Header: r.Header.Clone(), Body: http.NoBody,
	}, err
}

// run passes a request that nobody waits for to the server's handler. It reports whether nothing panicked; what did is
// logged as the server would.
func (a *again) run(server *http.Server, r *http.Request) (well bool) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			logTo := log.Printf
			if server.ErrorLog != nil {
				logTo = server.ErrorLog.Printf
			}
			logTo("httpcache: panic serving %s once more: %v\n%s", r.URL.Path, v, debug.Stack())
		}
	}()
	root := server.Handler
	if root == nil {
		root = http.DefaultServeMux
	}
	root.ServeHTTP(nowhere{http.Header{}}, r)
	return true
}

// serve calls the handler for a request of the cache's own, if it is the one that it was made for, and reports whether
// the request was the cache's own to this handler. One that a handler makes of it for a part of its answer is not.
func (a *again) serve(h *handler, w http.ResponseWriter, r *http.Request) bool {
	if a.route != h.route {
		h.next.ServeHTTP(w, r)
		return true
	}
	if a.taken.Load() || !a.matches(h, r) || !a.taken.CompareAndSwap(false, true) {
		return false
	}
	// That the handler panics is noted before middleware may recover from it.
	defer a.made.CompareAndSwap(nil, &outcome{err: errPanicked})
	rec := newRecorder(w, h.MaxBody)
	made := h.ask(r.Context(), rec, r, w.Header().Clone(), func(passed *answer) mode {
		a.made.Store(&outcome{answer: passed, skip: true})
		return unwanted
	})
	if made.answer != nil {
		a.made.Store(&made)
		w.WriteHeader(made.answer.status) // for middleware that counts
	}
	return true
}

// matches reports whether a request that has reached the handler has the key of this fill, and bypasses no cache.
func (a *again) matches(h *handler, r *http.Request) bool {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	return !h.bypassed(r) && h.key(s, r) == a.key
}

// IsRefresh reports whether a request with this context is the cache's own, to refresh an answer that it keeps or, with
// a timeout, to make one: then callers wait for it. Middleware may leave it out of its counts, and must not have it
// wait for what a caller's request holds, such as a lock of the session or a place in a limiter: that request waits for
// it.
func IsRefresh(ctx context.Context) bool {
	_, refreshing := ctx.Value(againKey{}).(*again)
	return refreshing
}

// nowhere is where the answer to a request of the cache's own goes.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

// valueless is a context without its values, which are those of what has handled a request so far.
type valueless struct{ context.Context }

// Value implements context.Context.
func (valueless) Value(any) any { return nil }
