package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/shop"
)

// A probe is what the observer writes and reads to see whether the caches are right. It is read as a product is, past
// the very same layers; and written on the admin port, which nobody outside reaches.

// checkProbe stands before the cache of probes, which is not to keep what can be no probe.
func (a *API) checkProbe(c *fiber.Ctx) error {
	if err := shop.CheckProbeName(c.Params("name")); err != nil {
		return err
	}
	return c.Next()
}

func (a *API) handleProbe(c *fiber.Ctx) error {
	probe, err := a.shop.Probe(reading(c), strings.Clone(c.Params("name")))
	if err != nil {
		return err
	}
	if wants(c) == text {
		return sendRead(c, textAnswer(probe.Version, strconv.AppendInt(nil, probe.Version, 10)))
	}
	answer, err := jsonAnswer(probe.Version, probe)
	if err != nil {
		return err
	}
	return sendRead(c, answer)
}

// ProbeWriter returns the handler of the admin port that writes the probe {name}. It answers 200 with the probe as the
// write has made it, in JSON, or a problem (RFC 9457): 503 before the shop has started, 504 where the write may have
// been carried out.
func (a *API) ProbeWriter() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := shop.NoteDatabase(r.Context(), func(name string) {
			w.Header().Set("Server-Timing", `db;desc="`+name+`"`)
		})
		probe, err := a.writeProbe(caller, r.PathValue("name"))
		w.Header().Set(fiber.HeaderCacheControl, "no-store")
		w.Header().Set("X-Served-By", a.replica)
		if err != nil {
			a.sendProbeError(w, r, err)
			return
		}
		a.writeJSON(w, http.StatusOK, jsonType, probe)
	})
}

func (a *API) writeProbe(caller context.Context, name string) (shop.Probe, error) {
	if !a.health.Started() {
		return shop.Probe{}, errStarting
	}
	ctx, leave := context.WithCancel(callers.Carry(a.process, caller))
	defer leave()
	defer context.AfterFunc(caller, leave)()
	return a.shop.WriteProbe(ctx, name)
}

func (a *API) sendProbeError(w http.ResponseWriter, r *http.Request, err error) {
	status, detail, retryAfter := a.describe(err)
	if status >= http.StatusInternalServerError {
		a.log.Warn("a probe was not written", "path", r.URL.Path, "request", r.Header.Get("X-Request-Id"), "err", err)
	}
	if retryAfter != "" {
		w.Header().Set(fiber.HeaderRetryAfter, retryAfter)
	}
	a.writeJSON(w, status, problemType, newProblem(status, detail))
}

func (a *API) writeJSON(w http.ResponseWriter, status int, contentType string, value any) {
	body, err := encode(value)
	if err != nil {
		a.log.Error("encode an answer", "err", err)
	}
	w.Header().Set(fiber.HeaderContentType, contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // or the caller has left
}
