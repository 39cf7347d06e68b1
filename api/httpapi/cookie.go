package httpapi

import (
	"bytes"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
)

// The cookie holds what renews a session. A browser takes one of this name only from this very host, over TLS: no other
// host of the site, as the CDN's, can plant one (RFC 6265bis, section 4.1.3.2).
const (
	cookieName       = "__Host-woody-session"
	cookieAttributes = "; Path=/; Secure; HttpOnly; SameSite=Strict"
)

func setCookie(c *fiber.Ctx, refresh string) {
	c.Response().Header.Add(fiber.HeaderSetCookie, cookieName+"="+refresh+cookieAttributes)
}

func dropCookie(c *fiber.Ctx) {
	c.Response().Header.Add(fiber.HeaderSetCookie, cookieName+"="+cookieAttributes+"; Max-Age=0")
}

// cookieOf returns what the cookie holds, empty where there is none.
func cookieOf(c *fiber.Ctx) string { return string(c.Request().Header.Cookie(cookieName)) }

// The cookie of a device, by which a browser is known where somebody has signed in. It stays when he signs out.
const deviceName = "__Host-woody-device"

// setDevice sets the cookie that a browser's device is known by, for as long as that is remembered; nothing where it is
// empty.
func setDevice(c *fiber.Ctx, device string) {
	if device == "" {
		return
	}
	c.Response().Header.Add(fiber.HeaderSetCookie, deviceName+"="+device+cookieAttributes+"; Max-Age="+
		strconv.Itoa(int(accounts.ProvedTTL.Seconds())))
}

// deviceOf returns what the device is known by, empty where it is not.
func deviceOf(c *fiber.Ctx) string { return string(c.Request().Header.Cookie(deviceName)) }

// isOwnPage reports whether it was a page of this very origin that sent a request. Browsers say so with every request
// that is not a GET or HEAD (Origin). SameSite does not help: a page on the CDN's host is of the same site, so that its
// requests have the cookie.
func isOwnPage(c *fiber.Ctx) bool {
	header, before := &c.Request().Header, schemeOf(c)+"://"
	lines := header.PeekAll(fiber.HeaderOrigin)
	if len(lines) != 1 {
		return false
	}
	host, ok := bytes.CutPrefix(lines[0], []byte(before))
	return ok && len(host) > 0 && bytes.EqualFold(host, header.Host())
}

// isForeignPage reports whether it was a page of another origin.
func isForeignPage(c *fiber.Ctx) bool { return !hasNoOrigin(c) && !isOwnPage(c) }

// schemeOf returns the scheme that the client used, as a trusted proxy says; the API itself has no TLS.
func schemeOf(c *fiber.Ctx) string {
	lines := c.Request().Header.PeekAll(forwardedProto)
	if len(lines) == 1 && string(lines[0]) == "https" && c.IsProxyTrusted() {
		return "https"
	}
	return "http"
}

var errForeign = &shop.Error{Kind: shop.Forbidden,
	Detail: "This is for the shop's own page, whose Origin is the shop's: what makes accounts or sessions, and what " +
		"uses a session's cookie."}
