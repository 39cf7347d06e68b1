package httpapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/framing"
)

// statusOf is the HTTP status of each kind of failure.
var statusOf = map[shop.Kind]int{
	shop.Internal:    fiber.StatusInternalServerError,
	shop.Invalid:     fiber.StatusBadRequest,
	shop.NotFound:    fiber.StatusNotFound,
	shop.Changed:     fiber.StatusPreconditionFailed,
	shop.SoldOut:     fiber.StatusConflict,
	shop.TooFew:      fiber.StatusConflict,
	shop.Ended:       fiber.StatusConflict,
	shop.KeyReused:   fiber.StatusUnprocessableEntity,
	shop.Busy:        fiber.StatusServiceUnavailable,
	shop.Unavailable: fiber.StatusServiceUnavailable,
	shop.Full:        fiber.StatusInsufficientStorage, // RFC 4918 11.5: temporary, and not to be repeated unasked

	shop.Unauthorized: fiber.StatusUnauthorized,
	shop.Forbidden:    fiber.StatusForbidden,
	shop.Taken:        fiber.StatusConflict,
	shop.Needed:       fiber.StatusConflict,
	shop.TooMany:      fiber.StatusTooManyRequests,

	// RFC 9110 15.6.5: no timely answer from a server that was needed. 503 would say that the same request will do
	// later (15.6.4), and clients repeat it by themselves.
	shop.Uncertain: fiber.StatusGatewayTimeout,
}

// sentences are what callers read about failures that Fiber found before a handler did.
var sentences = map[int]string{
	fiber.StatusBadRequest: "The request is not well-formed HTTP.",
	fiber.StatusNotFound:   "Nothing is at this address; /api/docs shows what there is.",
	fiber.StatusMethodNotAllowed: "This address does not take this method; " +
		"the Allow field names those it takes.",
	fiber.StatusRequestTimeout: "The request took too long to arrive.",
	fiber.StatusPreconditionFailed: "This is not as the conditions of the request have it " +
		"(If-Match, If-None-Match); read it again.",
	fiber.StatusRequestEntityTooLarge: fmt.Sprintf(
		"The body is too large; at most %d bytes are read.", BodyLimit),
	fiber.StatusRequestHeaderFieldsTooLarge: fmt.Sprintf(
		"The header is too large; at most %d bytes are read.", headerLimit),
	fiber.StatusNotImplemented: "There is no such method.",
}

// problem is the body of an error by RFC 9457. It holds nothing of the one who asked: the answer to
// an absence is kept for others too. The request's id is in X-Request-Id.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Left is what is left of the products that an order wants more of.
	Left []shop.Left `json:"left,omitempty"`
}

// kindProblems are the problems with a type of their own, for programs to distinguish what has one status. The docs
// page explains each under its name.
var kindProblems = map[shop.Kind]struct{ typ, title string }{
	shop.SoldOut: {"/api/docs#sold-out", "Sold out"},
	shop.TooFew:  {"/api/docs#too-few", "Too few left"},
	shop.Ended:   {"/api/docs#ended", "The order has ended"},
	shop.Taken:   {"/api/docs#taken", "The name is taken"},
	shop.Needed:  {"/api/docs#needed", "The only administrator"},
}

func newProblem(status int, detail string) problem {
	return problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// withKind returns the problem of a kind of failure that has a type of its own; others as they are.
func (p problem) withKind(err error) problem {
	var known *shop.Error
	if !errors.As(err, &known) {
		return p
	}
	if own, has := kindProblems[known.Kind]; has {
		p.Type, p.Title, p.Left = own.typ, own.title, known.Left
	}
	return p
}

// httpError is a failure that is about HTTP and not about the shop.
type httpError struct {
	status int
	detail string
}

func (e *httpError) Error() string { return e.detail }

// sendError sends an error: one plain sentence to callers who read text, problem+json to the
// others. Its cause is for the log alone.
func (a *API) sendError(c *fiber.Ctx, err error) {
	status, detail, retryAfter := a.describe(err)
	switch status {
	case fiber.StatusInternalServerError:
		a.logFailure(c, "request failed", err)
	case fiber.StatusGatewayTimeout:
		a.logFailure(c, "a write may have been carried out, or not", err)
	}
	header := &c.Response().Header
	header.Del(fiber.HeaderETag)
	setKeeping(c, "no-store")
	if retryAfter != "" {
		header.Set(fiber.HeaderRetryAfter, retryAfter)
	}
	if status == fiber.StatusUnauthorized && len(header.Peek(fiber.HeaderWWWAuthenticate)) == 0 {
		header.Set(fiber.HeaderWWWAuthenticate, challenge) // RFC 9110 section 15.5.2
	}
	c.Status(status)
	if wants(c) == text {
		header.SetContentType(textType)
		c.Response().SetBodyString(detail)
		return
	}
	body, encodeErr := encode(newProblem(status, detail).withKind(err))
	if encodeErr != nil {
		a.log.Error("encode problem", "err", encodeErr)
	}
	header.SetContentType(problemType)
	c.Response().SetBodyRaw(body)
}

// logFailure logs the cause of an error, which callers do not see.
func (a *API) logFailure(c *fiber.Ctx, what string, err error) {
	origin := originOf(c)
	log := a.log.With("method", c.Method(), "path", c.Path(), "request", origin.Request, "trace", origin.TraceID())
	var panicked *cache.PanicError
	if errors.As(err, &panicked) {
		log = log.With("stack", string(panicked.Stack))
	}
	log.Error(what, "err", err)
}

func (a *API) describe(err error) (status int, detail, retryAfter string) {
	var known *shop.Error
	var early *fiber.Error
	var own *httpError
	var refused *framing.Refusal
	switch {
	case errors.As(err, &known) && known.Kind != shop.Internal:
		if known.RetryAfter > 0 {
			retryAfter = strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds())))
		}
		return statusOf[known.Kind], known.Detail, retryAfter
	case errors.As(err, &own):
		return own.status, own.detail, ""
	case errors.As(err, &refused):
		return refused.Status, refused.Error(), ""
	case errors.As(err, &early):
		if sentence := sentences[early.Code]; sentence != "" {
			return early.Code, sentence, ""
		}
		return early.Code, http.StatusText(early.Code) + ".", ""
	case errors.Is(err, context.Canceled) && a.process.Err() == nil:
		return statusLeft, "The caller left before there was an answer.", ""
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// A write that may have been carried out is Uncertain by now.
		return fiber.StatusServiceUnavailable, "This replica is ending; try again.", "1"
	}
	return fiber.StatusInternalServerError, "Something went wrong on our side; the log has the details.", ""
}

// handleEarlyError sends the error of what failed before or outside observe: requests that could not be read.
func (a *API) handleEarlyError(c *fiber.Ctx, err error) error {
	header := &c.Response().Header
	if a.health.Draining() {
		header.SetConnectionClose()
	}
	header.SetCanonical(fieldRequestID, a.ids.appendNext(nil))
	set(header, fieldServedBy, a.replica)
	header.SetCanonical(fieldServerTiming, appendServerTiming(nil, 0))
	a.sendError(c, err)
	return nil
}

// refuseUnknownMethods responds 501 to methods that HTTP does not define; Fiber would answer 400
// without asking the error handler.
func (a *API) refuseUnknownMethods() {
	server := a.app.Server()
	next := server.Handler
	known := map[string]bool{}
	for _, method := range a.app.Config().RequestMethods {
		known[method] = true
	}
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		if ctx.IsGet() || known[string(ctx.Method())] {
			next(ctx)
			return
		}
		c := a.app.AcquireCtx(ctx)
		defer a.app.ReleaseCtx(c)
		_ = a.handleEarlyError(c, fiber.NewError(fiber.StatusNotImplemented))
	}
}

func (a *API) logPanic(c *fiber.Ctx, cause any) {
	origin := originOf(c)
	a.log.Error("panic", "method", c.Method(), "path", c.Path(), "request", origin.Request, "trace", origin.TraceID(),
		"cause", cause, "stack", string(debug.Stack()))
}
