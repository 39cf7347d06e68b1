package site

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/front/art"
)

const (
	forAYear = "public, max-age=31536000, immutable"
	noStore  = "no-store"
	check    = "no-cache"
)

// assetPolicy is for an SVG that somebody opens by itself: it needs nothing, so it gets nothing.
const assetPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

// handleAsset serves /assets/NAME.HASH.EXT. With another release's hash the current file is the best response there is,
// but it is not what the name promises, so nobody may keep it.
func (s *Site) handleAsset(c *fiber.Ctx) error {
	s.shareable(c)
	asset, exact := s.assets.find(c.Params("*"))
	if asset == nil {
		s.signed(c)
		c.Set(fiber.HeaderCacheControl, noStore)
		return c.Status(fiber.StatusNotFound).
			SendString("No asset has this name; the page at / names those that there are.\n")
	}
	if !exact {
		return s.serve(c, asset, noStore)
	}
	return s.serve(c, asset, forAYear)
}

// handleFixed serves an asset under an address that never changes, so it must not be kept for long.
func (s *Site) handleFixed(name, cacheControl string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s.shareable(c)
		return s.serve(c, s.assets.assets[name](), cacheControl)
	}
}

// handleToyPicture leads from a toy's name to its picture, for a toy that was added after the page was made.
func (s *Site) handleToyPicture(c *fiber.Ctx) error {
	s.signed(c)
	base, _ := s.cdn.base(string(c.Request().Host()))
	c.Set(fiber.HeaderCacheControl, check)
	return c.Redirect(base+s.path(art.PictureFor(c.Query("name"))), fiber.StatusFound)
}

// shareable lets pages of other hosts use and time the response: with a CDN, the shop's own page is one of them.
func (s *Site) shareable(c *fiber.Ctx) {
	c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	c.Set("Timing-Allow-Origin", "*")
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	c.Set(fiber.HeaderContentSecurityPolicy, assetPolicy)
}

// path returns the current address of an asset on the page's own host.
func (s *Site) path(name string) string { return "/assets/" + s.assets.fileName(name) }
