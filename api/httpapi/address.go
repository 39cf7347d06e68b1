package httpapi

import (
	"bytes"
	"net"
	"net/netip"

	"github.com/gofiber/fiber/v2"
)

const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
)

// addressOf returns the address of a request's client, the zero Addr where that is unknown. The last of X-Forwarded-For
// is what the nearest proxy has seen. It is believed only of the proxies that Config.TrustedProxies names: anybody else
// may write there what he likes.
func addressOf(c *fiber.Ctx) netip.Addr {
	peer := peerOf(c.Context().RemoteAddr())
	lines := c.Request().Header.PeekAll(forwardedFor)
	if len(lines) == 0 || !c.IsProxyTrusted() {
		return peer
	}
	last := lines[len(lines)-1]
	last = bytes.TrimSpace(last[bytes.LastIndexByte(last, ',')+1:])
	named, err := netip.ParseAddr(string(last))
	if err != nil {
		return peer
	}
	return named.Unmap().WithZone("")
}

func peerOf(remote net.Addr) netip.Addr {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// networksOf returns networks in the form that Fiber's configuration has.
func networksOf(prefixes []netip.Prefix) []string {
	texts := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		texts[i] = prefix.String()
	}
	return texts
}
