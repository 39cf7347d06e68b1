package httpcache

import (
	"context"
	"net/http"

	"github.com/woodytoys/woodytoys/cache"
)

// lead is a caller who asks for what is not kept, and may have to lead: to have its handler make the answer for all who
// wait. Then the load, on a goroutine of the cache, waits for the handler, on the caller's own. So a request is never
// used after its caller has returned, when routers use again what they have hung on it; and a panic of the handler
// shows where it was.
//
// A caller who is to lead and has left leads all the same, for those who remain.
type lead struct {
	begin  chan context.Context // sent by the load: run the handler, with this context
	left   chan struct{}        // closed when the caller no longer runs the handler
	made   chan outcome         // sent by the caller: the handler's outcome
	landed chan struct{}        // closed when the fields below hold what Fill has returned
	answer *answer
	info   cache.Info
	err    error
}

func newLead() *lead {
	return &lead{
		begin: make(chan context.Context), left: make(chan struct{}),
		made: make(chan outcome, 1), landed: make(chan struct{}),
	}
}

// outcome is what came of asking a handler.
type outcome struct {
	answer       *answer // nil without one
	err          error
	tags         []string
	skip, absent bool
}

// report returns the response to the cache, with how to store it.
func (o outcome) report(fill *cache.Fill) (*answer, error) {
	fill.Tag(o.tags...)
	if o.answer != nil {
		fill.Bytes(o.answer.size())
	}
	if o.skip {
		fill.Skip()
	}
	if o.absent {
		fill.Absent()
	}
	return o.answer, o.err
}

// fill loads the response through the cache, by this caller or by one it waits for.
func (l *lead) fill(ctx context.Context, loader *cache.Loader[*answer], key string, tags []string, missed cache.Info) {
	defer close(l.landed)
	l.answer, l.info, l.err = loader.Fill(ctx, key, tags, l.load, missed)
}

// load waits until the caller's handler has made the answer.
func (l *lead) load(ctx context.Context, fill *cache.Fill) (*answer, error) {
	select {
	case l.begin <- ctx:
		return (<-l.made).report(fill)
	case <-l.left:
		return nil, errLeft
	}
}

// lead calls the handler with a caller's request, for it and all others who wait. Its request has ctx.
func (h *handler) lead(
	ctx context.Context, l *lead, w http.ResponseWriter, r *http.Request, s *scratch, missed cache.Info,
) {
	before := w.Header().Clone()
	published := false
	publish := func(o outcome) {
		published = true
		l.made <- o
		<-l.landed
	}
	defer func() {
		if !published { // the handler panicked, and the panic propagates
			publish(outcome{err: errPanicked})
		}
	}()
	rec := newRecorder(w, h.MaxBody)
	made := h.ask(ctx, rec, r, before, func(a *answer) mode {
		publish(outcome{answer: a, skip: true})
		h.say(w, h.layers.AppendMiss(nil, missed.Reason, l.info, a.why))
		if rec.status != 0 && h.sendHead(w, r, s, a, before) {
			return ended
		}
		return flows
	})
	if published {
		return
	}
	publish(made)
	// An older one is better than this failure.
	if made.err != nil && l.answer != nil && l.answer != made.answer {
		restore(w.Header(), before)
		h.deliver(l, w, r, s, missed)
		return
	}
	info := l.info
	if l.answer != made.answer { // an older one, for want of time; this one is here now
		info = cache.Info{}
	}
	h.say(w, h.layers.AppendMiss(nil, missed.Reason, info, made.answer.why))
	h.sendMade(w, r, s, made.answer, before)
}
