package httpcache

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"unsafe"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cachestatus"
)

// route is what the handlers have in common that one middleware decorates.
type route struct {
	Options
	layers cachestatus.Layers
	loader *cache.Loader[*answer]
	kept   []string // the canonical names of the fields that are kept
}

// handler is a decorated handler.
type handler struct {
	*route
	next http.Handler
}

// scratch is the memory that a request needs and gives back.
type scratch struct {
	key    []byte
	params []param
	text   []byte // of parameters that had to be decoded
	fields requestFields
}

var scratches = sync.Pool{New: func() any { return &scratch{key: make([]byte, 0, 256)} }}

// ServeHTTP responds from the cache, or with what the decorated handler writes, and stores that.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if again, asking := r.Context().Value(againKey{}).(*again); asking && again.serve(h, w, r) {
		return
	}
	if h.bypassed(r) {
		h.say(w, h.layers.Bypass())
		h.next.ServeHTTP(w, r)
		return
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	key := h.key(s, r)
	a, info, _ := h.loader.Peek(key)
	if info.Reason != cache.Hit {
		h.miss(w, r, s, key, info)
		return
	}
	if info.Due {
		h.refresh(r, key)
	}
	w.Header()[cachestatus.Name] = h.hit(info)
	h.send(w, r, s, a)
}

func (h *handler) bypassed(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead || r.ContentLength != 0 ||
		len(r.Header["Authorization"]) > 0 || h.Bypass != nil && h.Bypass(r)
}

// key returns the request's key. It is in the scratch, and of no use once that is given back.
func (h *handler) key(s *scratch, r *http.Request) string {
	s.key = h.appendKey(s.key[:0], s, r)
	return unsafe.String(unsafe.SliceData(s.key), len(s.key))
}

func (h *handler) tags(r *http.Request) []string {
	if h.Tags == nil {
		return nil
	}
	return h.Tags(r)
}

// miss serves a request whose response is not in the near cache: from the shared layer, or by calling the handler.
func (h *handler) miss(w http.ResponseWriter, r *http.Request, s *scratch, key string, missed cache.Info) {
	if r.Method == http.MethodHead {
		// A handler may answer HEAD with less than GET: what is kept comes from GET alone.
		h.say(w, h.layers.AppendMiss(nil, missed.Reason, cache.Info{}, ""))
		h.next.ServeHTTP(w, r)
		return
	}
	a, info, found := h.loader.LookContext(r.Context(), key, missed)
	if !found {
		h.fill(w, r, s, key, info)
		return
	}
	if info.Due {
		h.refresh(r, key)
	}
	h.say(w, h.layers.AppendMiss(nil, info.Reason, info, ""))
	h.send(w, r, s, a)
}

// fill calls the handler, for this caller and all who come for the same meanwhile.
func (h *handler) fill(w http.ResponseWriter, r *http.Request, s *scratch, key string, missed cache.Info) {
	tags := h.tags(r)
	if h.SoftTimeout > 0 || h.HardTimeout > 0 { // callers may leave while the handler goes on
		if load := h.again(r, strings.Clone(key)); load != nil {
			l := newLead()
			l.answer, l.info, l.err = h.loader.Fill(valueless{r.Context()}, key, tags, load, missed)
			h.deliver(l, w, r, s, missed)
			return
		}
	}
	for {
		l := newLead()
		go l.fill(r.Context(), h.loader, key, tags, missed)
		select {
		case ctx := <-l.begin:
			h.lead(ctx, l, w, r, s, missed)
			return
		case <-l.landed:
			close(l.left)
		}
		if !errors.Is(l.err, errLeft) {
			h.deliver(l, w, r, s, missed)
			return
		}
		// Whose load this one waited for left before it began: one of those who waited begins another.
	}
}

// deliver responds to a caller with what came of a load that another one's request was for, or that replicas share.
// Those who find that the answer was not for them have the handler answer them too.
func (h *handler) deliver(l *lead, w http.ResponseWriter, r *http.Request, s *scratch, missed cache.Info) {
	a := l.answer
	switch {
	case a == nil && errors.Is(l.err, errNotAsked) || a != nil && a.own:
		h.say(w, h.layers.NotShared())
		h.next.ServeHTTP(w, r)
	case a != nil:
		h.say(w, h.layers.AppendMiss(nil, missed.Reason, l.info, a.why))
		h.send(w, r, s, a)
	case isPanic(l.err) || errors.Is(l.err, cache.ErrOwnKey):
		h.Fail(w, r, http.StatusInternalServerError)
	default: // the caller left, or the answer is late
		h.Fail(w, r, http.StatusServiceUnavailable)
	}
}

// isPanic reports whether a load's error is that the handler panicked.
func isPanic(err error) bool {
	var p *cache.PanicError
	return errors.Is(err, errPanicked) || errors.As(err, &p)
}

var (
	// errPanicked is a handler that panicked, or that ended its goroutine, with another caller's request.
	errPanicked = errors.New("httpcache: the handler panicked")
	// errNotAsked is a refresh that other middleware answered before it came to the handler.
	errNotAsked = fmt.Errorf("httpcache: the handler was not asked: %w", cache.ErrNotTried)
	// errLeft is a load that was to begin when the caller whose request it needs had left.
	errLeft = fmt.Errorf("httpcache: the caller left: %w", cache.ErrNotTried)
)
