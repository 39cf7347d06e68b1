package httpcache

import (
	"context"
	"net/http"

	"github.com/woodytoys/woodytoys/cache/cachestatus"
)

// ask runs the decorated handler and takes down its answer, for those who wait for it until ctx ends. The handler sees
// the request without its conditions: a 304 or a part would be of use to one caller only.
//
// Where the handler turns out to write what is not to be taken down, passed is called, with what there is of the
// answer, and what it returns is what becomes of the rest. Then ask returns no outcome.
func (h *handler) ask(
	ctx context.Context, rec *recorder, r *http.Request, before http.Header, passed func(a *answer) mode,
) (made outcome) {
	m := &making{}
	own, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), makingKey{}, m))
	defer cancel()
	untie := context.AfterFunc(ctx, cancel)
	defer func() { untie() }()
	rec.pass = func() mode {
		a := h.capture(rec, before)
		a.own = true
		_, _, a.why = m.declared()
		untie()
		untie = context.AfterFunc(r.Context(), cancel) // the load's context ends with its own caller's
		to := passed(a)
		if to == unwanted {
			cancel()
		}
		return to
	}
	defer rec.end()
	h.next.ServeHTTP(rec, withoutConditions(r.Clone(own)))
	if !rec.finish() {
		return outcome{}
	}
	made = h.judge(h.capture(rec, before), rec, ctx)
	tags, skipped, why := m.declared()
	made.tags, made.skip, made.answer.why = tags, made.skip || skipped, why
	return made
}

// judge returns what an answer that was taken down means to the cache.
func (h *handler) judge(a *answer, rec *recorder, ctx context.Context) outcome {
	if a.status == http.StatusOK && len(a.etag) == 0 {
		a.makeTag()
	}
	a.own = h.isOwn(a, rec)
	made := outcome{answer: a}
	switch {
	case ctx.Err() != nil: // everyone who waited has left, and it may be half an answer
		made.err = ctx.Err()
	case a.status >= http.StatusInternalServerError:
		made.err = cachestatus.Failed{Status: a.status}
	case a.own:
		made.skip = true
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		made.absent = true
	case a.status != http.StatusOK:
		made.skip = true
	}
	return made
}

// withoutConditions takes the conditions off a request, and returns it.
func withoutConditions(r *http.Request) *http.Request {
	for _, name := range conditionFields {
		delete(r.Header, name)
	}
	r.Body = http.NoBody
	return r
}

// conditionFields are the fields that make an answer one caller's own.
var conditionFields = []string{
	"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range",
}
