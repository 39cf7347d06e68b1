package fibercache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cachestatus"
)

// route is one decorated route.
type route struct {
	Options
	layers cachestatus.Layers
	loader *cache.Loader[*Answer]
	kept   []string // the names of the fields that are kept
	traced bool     // the cache has a tracer
}

// scratch is the memory that a request needs and gives back.
type scratch struct{ key, status []byte }

var statusName = []byte(cachestatus.Name)

var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, 0, 256), make([]byte, 0, 64)} }}

// handle responds from the cache, or with what the route's own handler writes, and stores that.
func (r *route) handle(c *fiber.Ctx) error {
	if again, refreshing := c.Context().UserValue(refreshKey{}).(*refresh); refreshing {
		if !again.taken {
			return again.handle(r, c)
		} else if again.is(r, c) {
			return c.Next() // the handler has had the request routed anew: it would wait for itself
		}
	}
	if r.bypassed(c) {
		c.Response().Header.SetCanonical(statusName, r.layers.Bypass())
		return r.alone(c)
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.key = r.appendKey(s.key[:0], c)
	key := utils.UnsafeString(s.key)
	answer, info, _ := r.loader.Peek(key)
	if info.Reason != cache.Hit {
		return r.miss(c, s, info)
	}
	if info.Due {
		r.refresh(c, key)
	}
	if refusal := r.refusal(c, answer); refusal != nil {
		return r.deny(c, refusal)
	}
	r.send(c, answer)
	s.status = r.layers.AppendHit(s.status[:0], info)
	c.Response().Header.SetCanonical(statusName, s.status)
	return nil
}

func (r *route) bypassed(c *fiber.Ctx) bool {
	method := c.Method()
	return method != fiber.MethodGet && method != fiber.MethodHead ||
		c.Request().IsBodyStream() || len(c.Request().Body()) > 0 || // a GET's body is not in the key
		isExact(&c.Request().Header) ||
		len(c.Request().Header.PeekCanonical(authorizationName)) > 0 ||
		r.Bypass != nil && r.Bypass(c)
}

// appendKey makes the key in b. Everything in it is copied out of the request, whose memory the
// next request on the connection uses again.
func (r *route) appendKey(b []byte, c *fiber.Ctx) []byte {
	b = cache.AppendPart(r.loader.BeginKey(b), c.Path())
	if r.Variant != nil {
		b = cache.AppendPart(b, r.Variant(c))
	} else {
		b = cache.AppendPart(b, utils.UnsafeString(accept(&c.Request().Header)))
	}
	args := c.Context().QueryArgs()
	if r.Query == nil {
		return appendSorted(b, args)
	}
	for _, name := range r.Query {
		for given, value := range args.All() {
			if string(given) == name {
				b = cache.AppendPart(cache.AppendPart(b, name), utils.UnsafeString(value))
			}
		}
	}
	return b
}

// accept returns the Accept field. Several lines are one list (RFC 9110 section 5.3).
func accept(request *fasthttp.RequestHeader) []byte {
	switch lines := (requestFields{request}).PeekAll(fiber.HeaderAccept); len(lines) {
	case 0:
		return nil
	case 1:
		return lines[0]
	default:
		return bytes.Join(lines, comma)
	}
}

// appendSorted appends all parameters by name; those of one name keep their order.
func appendSorted(b []byte, args *fasthttp.Args) []byte {
	if args.Len() < 2 {
		for name, value := range args.All() {
			b = cache.AppendPart(cache.AppendPart(b, utils.UnsafeString(name)), utils.UnsafeString(value))
		}
		return b
	}
	var all []field
	for name, value := range args.All() {
		all = append(all, field{name, value})
	}
	slices.SortStableFunc(all, func(x, y field) int { return bytes.Compare(x.name, y.name) })
	for _, f := range all {
		b = cache.AppendPart(cache.AppendPart(b, utils.UnsafeString(f.name)), utils.UnsafeString(f.value))
	}
	return b
}

// miss responds to a request whose response is not near: from the layer that replicas share, or by the handler. Its key
// is in s.
func (r *route) miss(c *fiber.Ctx, s *scratch, missed cache.Info) error {
	key := utils.UnsafeString(s.key)
	if c.Method() == fiber.MethodHead {
		// A handler may answer HEAD with less than GET: what is kept comes from GET alone.
		c.Response().Header.SetCanonical(statusName, r.layers.AppendMiss(nil, missed.Reason, cache.Info{}, ""))
		return r.alone(c)
	}
	answer, info, found := r.loader.LookContext(r.contextOf(c), key, missed)
	if !found {
		return r.fill(c, key, info)
	}
	if info.Due {
		r.refresh(c, key)
	}
	if refusal := r.refusal(c, answer); refusal != nil {
		return r.deny(c, refusal)
	}
	r.send(c, answer)
	s.status = r.layers.AppendMiss(s.status[:0], info.Reason, info, "")
	c.Response().Header.SetCanonical(statusName, s.status)
	return nil
}

// contextOf returns the context that a request has for the cache's tracer: without one nobody asks for it.
func (r *route) contextOf(c *fiber.Ctx) context.Context {
	if !r.traced {
		return context.Background()
	}
	return c.UserContext()
}

// fill runs the handler for this caller and all who come for the same meanwhile. It runs again for each who finds that
// the answer was not for him, or could not be made.
func (r *route) fill(c *fiber.Ctx, key string, missed cache.Info) error {
	load := r.load
	if r.SoftTimeout > 0 || r.HardTimeout > 0 {
		load = r.loadApart
	}
	undo := r.undo(c)
	answer, info, err := load(c, key, missed)
	switch {
	case answer == nil && errors.Is(err, errNotAsked), answer != nil && !answer.isFor(!info.Collapsed):
		c.Response().Header.SetCanonical(statusName, r.layers.NotShared())
		return r.alone(c)
	case errors.Is(err, cache.ErrLate):
		return fmt.Errorf("%w: %w", fiber.ErrServiceUnavailable, err)
	case answer == nil:
		return err // the handler panicked, or the caller left
	}
	if refusal := r.refusal(c, answer); refusal != nil {
		undo()
		return r.deny(c, refusal)
	}
	if answer.own {
		r.sendOwn(c, answer)
	} else {
		r.send(c, answer)
	}
	status := r.layers.AppendMiss(nil, missed.Reason, info, answer.why)
	if r.Allow != nil && answer.isFailure() {
		status = r.layers.Bypass() // it is sent to all, who need not know what was kept
	}
	c.Response().Header.SetCanonical(statusName, status)
	return nil
}

// load runs the handler with this request to load the answer, or waits for the load of another one. What stood in the
// answer before stands there again, if a stale answer is to be sent in place of what the handler wrote.
func (r *route) load(c *fiber.Ctx, key string, missed cache.Info) (answer *Answer, info cache.Info, err error) {
	ctx, stop := r.Caller(c)
	defer stop()
	if r.MaxStale > 0 {
		var before fasthttp.ResponseHeader
		c.Response().Header.CopyTo(&before)
		defer func() {
			if err == nil && info.LoadErr != nil {
				before.CopyTo(&c.Response().Header)
				c.Response().ResetBody()
			}
		}()
	}
	for {
		var lent loan
		answer, info, err = r.loader.Fill(ctx, key, r.tags(c),
			func(ctx context.Context, fill *cache.Fill) (*Answer, error) {
				if !lent.take() {
					return nil, errLeft
				}
				defer lent.giveBack()
				return r.ask(ctx, c, fill)
			}, missed)
		lent.end()
		if !errors.Is(err, errLeft) {
			return answer, info, err
		}
		// Whose load this one waited for left before it began: one of those who waited begins another.
	}
}

func (r *route) tags(c *fiber.Ctx) []string {
	if r.Tags == nil {
		return nil
	}
	return r.Tags(c)
}

type fillKey struct{}

// IsFill reports whether a handler makes an answer for the cache. Its c.UserContext() ends when nobody waits for it any
// more.
func IsFill(c *fiber.Ctx) bool {
	_, filling := c.Context().UserValue(fillKey{}).(*cache.Fill)
	return filling
}

// Tag adds tags to the answer that the handler is making: what it turns out to be made from. It
// does nothing in a handler that no cache has asked.
func Tag(c *fiber.Ctx, tags ...string) {
	if fill, ok := c.Context().UserValue(fillKey{}).(*cache.Fill); ok {
		fill.Tag(tags...)
	}
}

type skipKey struct{}

// Skip has the answer that the handler is making be sent and not kept, neither here nor where replicas share. Why is
// the detail that Cache-Status gives, a token such as "read-only". It does nothing in a handler that no cache has
// asked.
func Skip(c *fiber.Ctx, why string) {
	if _, asked := c.Context().UserValue(fillKey{}).(*cache.Fill); asked {
		c.Context().SetUserValue(skipKey{}, why)
	}
}

var (
	// errNotAsked is a refresh that other middleware answered before it came to the handler.
	errNotAsked = fmt.Errorf("fibercache: the handler was not asked: %w", cache.ErrNotTried)
	// errLeft is a load that was to begin when the caller whose request it needs had left.
	errLeft = fmt.Errorf("fibercache: the caller left: %w", cache.ErrNotTried)
)

// ask runs the route's own handler and takes down its answer. The handler sees the request without
// its conditions: a 304 or a part would be of use to one caller only.
func (r *route) ask(ctx context.Context, c *fiber.Ctx, fill *cache.Fill) (*Answer, error) {
	before := r.fieldsOf(c)
	why, owner, err := next(ctx, c, fill)
	if err != nil {
		r.Fail(c, err)
	}
	if c.Response().IsBodyStream() {
		fill.Skip()
		return &Answer{own: true, owner: owner, status: c.Response().StatusCode()}, nil // streamed to its caller
	}
	answer := r.capture(c, before)
	answer.owner = owner
	answer.own = answer.isOwn(c, err != nil, r.Variant == nil) || owner != "" && r.Allow == nil
	answer.why = why
	fill.Bytes(answer.size())
	switch {
	case ctx.Err() != nil: // everyone who waited has left
		return answer, ctx.Err()
	case answer.status >= fiber.StatusInternalServerError: // everyone who waits gets it, and nobody else
		return answer, cachestatus.Failed{Status: answer.status}
	case answer.own:
		fill.Skip()
	case answer.status == fiber.StatusNotFound || answer.status == fiber.StatusGone:
		fill.Absent()
	case err != nil || answer.status != fiber.StatusOK:
		fill.Skip()
	}
	return answer, nil
}

// next runs the route's own handler, and returns why its answer is not to be kept, if it said so by Skip, and whose it
// is, if it said so by Own. The request is what it was before, also if the handler panics.
func next(ctx context.Context, c *fiber.Ctx, fill *cache.Fill) (why, owner string, err error) {
	defer withoutConditions(&c.Request().Header)()
	outer := c.UserContext()
	c.Context().SetUserValue(fillKey{}, fill)
	c.SetUserContext(ctx)
	defer func() {
		c.SetUserContext(outer)
		c.Context().RemoveUserValue(fillKey{})
		c.Context().RemoveUserValue(skipKey{})
		c.Context().RemoveUserValue(ownerKey{})
	}()
	err = c.Next()
	why, skipped := c.Context().UserValue(skipKey{}).(string)
	if skipped {
		fill.Skip()
	}
	return why, ownerOf(c), err
}

// withoutConditions takes the conditions off a request and returns what puts them back.
func withoutConditions(request *fasthttp.RequestHeader) (restore func()) {
	var lines []field
	for _, name := range conditionFields {
		for _, value := range request.PeekAll(name) {
			lines = append(lines, field{[]byte(name), slices.Clone(value)})
		}
		request.Del(name)
	}
	return func() {
		for _, line := range lines {
			request.AddBytesKV(line.name, line.value)
		}
	}
}

// conditionFields are the fields that make an answer one caller's own.
var conditionFields = []string{
	fiber.HeaderIfMatch, fiber.HeaderIfNoneMatch, fiber.HeaderIfModifiedSince, fiber.HeaderIfUnmodifiedSince,
	fiber.HeaderIfRange, fiber.HeaderRange,
}
