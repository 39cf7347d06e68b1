package httpapi

import (
	"sync"

	"github.com/gofiber/fiber/v2"
)

// forwarding warns, once each, of what is wrong before the API where there are accounts.
type forwarding struct{ plain, strange sync.Once }

// warnOfForwarding logs what is wrong with how a request came that gets a session's cookie: the caller would see only
// that sessions do not last.
func (a *API) warnOfForwarding(c *fiber.Ctx) {
	switch {
	case len(c.Request().Header.PeekAll(forwardedProto)) == 0: // no proxy
	case !c.IsProxyTrusted():
		a.forwarding.strange.Do(func() {
			a.log.Warn("a proxy is not trusted, so that pages over TLS cannot renew their sessions, and all clients "+
				"seem to be where it is: name its network (WOODY_TRUSTED_PROXIES)", "proxy", c.Context().RemoteIP())
		})
	case schemeOf(c) != "https":
		a.forwarding.plain.Do(func() {
			a.log.Warn("somebody signed in without TLS: browsers drop the session's cookie, and passwords can be " +
				"read on the way: have the proxy speak TLS (docs/tls.md)")
		})
	}
}
