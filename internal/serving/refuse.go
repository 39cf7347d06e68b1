package serving

import (
	"errors"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// explainRefusals passes the application's error handler a *framing.Refusal for a request that was refused below it,
// where Fiber would hand it an error of its own without the cause.
func explainRefusals(app *fiber.App) {
	server := app.Server()
	others := server.ErrorHandler
	server.ErrorHandler = func(ctx *fasthttp.RequestCtx, err error) {
		ctx.Response.SkipBody = ctx.IsHead() // RFC 9110 9.3.2: fasthttp sees to it only where there is no error
		refused := refusalOf(ctx, err)
		if refused == nil {
			others(ctx, err)
			return
		}
		if refused.Status == fiber.StatusUnsupportedMediaType {
			ctx.Response.Header.Set(fiber.HeaderAcceptEncoding, "identity") // RFC 9110 15.5.16
		}
		c := app.AcquireCtx(ctx)
		defer app.ReleaseCtx(c)
		if err := app.ErrorHandler(c, refused); err != nil {
			ctx.Response.SetStatusCode(refused.Status)
		}
	}
}

// refusalOf returns why a connection's requests are refused, or nil if err is about something else. fasthttp may have
// found fault before it has read as far as the refusal is: then it does not wrap it.
func refusalOf(ctx *fasthttp.RequestCtx, err error) *framing.Refusal {
	var refused *framing.Refusal
	if errors.As(err, &refused) {
		return refused
	}
	var large *fasthttp.ErrSmallBuffer
	if errors.As(err, &large) || errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return nil
	}
	if c, ok := ctx.Conn().(interface{ Refused() *framing.Refusal }); ok {
		return c.Refused()
	}
	return nil
}
