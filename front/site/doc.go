// Package site is the shop's page and everything that it loads: a handler to mount on a Fiber app.
//
// Every asset has the hash of its content in its name and may be kept for a year; the page itself revalidates. Where
// the assets are fetched from (the page's own host, or a CDN) is decided per request, from Config.CDNURL.
package site
