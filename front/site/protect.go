package site

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// protected forbids the page everything that it does not need. source is the CDN's, or "".
func (s *Site) protected(c *fiber.Ctx, source string) {
	ours := strings.TrimSpace("'self' " + source)
	c.Set(fiber.HeaderContentSecurityPolicy, strings.Join([]string{
		"default-src 'none'",
		"script-src " + ours,
		"style-src " + ours,
		"img-src " + ours,
		"connect-src 'self'",
		"form-action 'self'",
		"frame-ancestors 'none'",
		"base-uri 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; "))
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	c.Vary(fiber.HeaderHost)
}
