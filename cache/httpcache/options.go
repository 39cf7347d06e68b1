package httpcache

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cachestatus"
)

// Options are how the answers of decorated handlers are kept.
//
// The key is everything that an answer may depend on: the path, as it came and as the handler sees it, the query and
// the variant. The host is not in it: a program that serves several decorates with a Variant that returns it.
//
// Passed by are requests with an Authorization field, with a body, and of any method but GET and HEAD. An answer is not
// kept, and is the caller's own whose request made it, where it sets a cookie; where its Cache-Control is private or
// no-store; where it varies by what is not in the key; where it is flushed, hijacked, longer than MaxBody, shorter than
// its Content-Length, or has trailers; and where its status is one that answers a condition or a range. Answers that
// are neither 200 nor, with a NegativeTTL, 404 or 410 are not kept either, but are given to all who wait for them.
//
// A handler is waited for by all who ask for the same; it must bound its own time, and is to end when r.Context() does.
type Options struct {
	cache.Options

	// Query names the parameters that the answer depends on; others do not count, so that nobody can empty the cache by
	// making some up. Default: nil, all of them, in any order.
	Query []string
	// Variant returns what the answer depends on beside the path and the query: the negotiated type, the language. It
	// should have few values. Default: nil, the Accept field as it is; then an answer that varies by anything else is
	// not kept.
	Variant func(r *http.Request) string
	// Tags returns what the answer is made from, as far as the request determines it; a handler names the rest with
	// Tag. Default: none, the answer is right until it expires.
	Tags func(r *http.Request) []string
	// Bypass reports whether a request is not for the cache, such as a GET that writes. Default: none is.
	Bypass func(r *http.Request) bool
	// Keep names more header fields that belong to the answer and are to be kept with it; the usual ones are:
	// Cache-Control, Vary, Link, Location, Retry-After, Last-Modified and their like, unless something before this
	// handler set them. Default: none.
	Keep []string
	// MaxBody is how many bytes a body that is kept may have; a longer one flows to its caller as it is written.
	// Default: 1 MiB. Below zero is refused by New.
	MaxBody int
	// Fail writes the answer to a caller for whom the cache has none: 412 where the request's conditions fail, 500
	// where the handler panicked with another one's request, 503 where this caller's context ended before
	// there was an answer, or HardTimeout was over. Default: http.Error with the status and its text.
	Fail func(w http.ResponseWriter, r *http.Request, status int)
}

const defaultMaxBody = 1 << 20

// New returns a middleware that caches responses in c. It may decorate any number of handlers. It fails on options that
// cannot work.
func New(c *cache.Cache, o Options) (func(http.Handler) http.Handler, error) {
	if o.MaxBody < 0 {
		return nil, fmt.Errorf("httpcache: %s: MaxBody must not be below zero, as %d is", o.Name, o.MaxBody)
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Fail == nil {
		o.Fail = func(w http.ResponseWriter, _ *http.Request, status int) {
			http.Error(w, http.StatusText(status), status)
		}
	}
	if o.Codec == nil {
		o.Codec = codec{}
	}
	loader, err := cache.NewLoader[*answer](c, o.Options)
	if err != nil {
		return nil, fmt.Errorf("httpcache: %w", err)
	}
	o.Query = slices.Clone(o.Query)
	slices.Sort(o.Query)
	rt := &route{Options: o, layers: cachestatus.Of(c), loader: loader, kept: slices.Clone(keptFields)}
	for _, name := range o.Keep {
		rt.kept = append(rt.kept, textproto.CanonicalMIMEHeaderKey(name))
	}
	return func(next http.Handler) http.Handler { return &handler{rt, next} }, nil
}
