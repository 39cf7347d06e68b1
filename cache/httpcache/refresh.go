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

type refreshKey struct{}

// refresh is a background fill: a copy of a request goes through the server once more, since the request itself, and
// what routers have hung on it, is gone when its caller has been answered.
type refresh struct {
	route *route
	key   string
	made  atomic.Pointer[outcome] // what came of it; nil when the copy did not come to this route
}

// refresh has the server handle the request once more, in the background. Without an *http.Server in its context
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
		again := &refresh{route: h.route, key: key}
		ctx = context.WithValue(ctx, http.ServerContextKey, server)
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, local)
		if !again.run(server, copied.WithContext(context.WithValue(ctx, refreshKey{}, again))) {
			return nil, errPanicked
		}
		if made := again.made.Load(); made != nil {
			return made.tell(fill)
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

// run has the server handle a request that nobody waits for. It reports whether nothing panicked; what did is logged as
// the server would.
func (again *refresh) run(server *http.Server, r *http.Request) (well bool) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			logTo := log.Printf
			if server.ErrorLog != nil {
				logTo = server.ErrorLog.Printf
			}
			logTo("httpcache: panic refreshing %s: %v\n%s", r.URL.Path, v, debug.Stack())
		}
	}()
	root := server.Handler
	if root == nil {
		root = http.DefaultServeMux
	}
	root.ServeHTTP(nowhere{http.Header{}}, r)
	return true
}

// serve has the handler answer a request of the cache's own, if it is the one that it was made for.
func (again *refresh) serve(h *handler, w http.ResponseWriter, r *http.Request) {
	if again.route != h.route {
		h.next.ServeHTTP(w, r)
		return
	}
	s := scratches.Get().(*scratch)
	asked := !h.bypassed(r) && h.key(s, r) == again.key
	scratches.Put(s)
	if !asked {
		return
	}
	rec := newRecorder(w, h.MaxBody)
	made := h.ask(r.Context(), rec, r, w.Header().Clone(), func(a *answer) mode {
		again.made.Store(&outcome{answer: a, skip: true})
		return unwanted
	})
	if made.answer != nil {
		again.made.Store(&made)
		w.WriteHeader(made.answer.status) // for middleware that counts
	}
}

// IsRefresh reports whether a request with this context is the cache's own, to refresh an answer that it keeps. No
// caller waits for it: middleware may leave it out of its counts.
func IsRefresh(ctx context.Context) bool {
	_, refreshing := ctx.Value(refreshKey{}).(*refresh)
	return refreshing
}

// nowhere is where the answer to a request of the cache's own goes.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}
