package site

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

const hostMark = "{host}"

// cdn is where assets are fetched from: a base URL in which {host} may stand for the request's own host.
type cdn struct{ template string }

// CheckCDNURL returns an error that names what is wrong with a CDN URL, or nil if New will take it.
func CheckCDNURL(text string) error {
	_, err := parseCDN(text)
	return err
}

func parseCDN(text string) (cdn, error) {
	template := strings.TrimRight(strings.TrimSpace(text), "/")
	if template == "" && strings.TrimSpace(text) == "" {
		return cdn{}, nil
	}
	if _, _, ok := splitBase(strings.Replace(template, hostMark, "shop.example", 1)); !ok {
		return cdn{}, fmt.Errorf("%q is not a CDN URL: write http://, https:// or // and a host, with a port or "+
			"a path if need be, such as https://cdn.example.org or http://cdn.{host}", text)
	}
	if _, path := authority(template); strings.Contains(path, hostMark) {
		return cdn{}, fmt.Errorf("%q has {host} outside of its host part: write it as in http://cdn.{host}", text)
	}
	return cdn{template}, nil
}

// base returns the URL to put before an asset's path, and the source expression that lets it through a
// Content-Security-Policy. Both are "" when assets come from the page's own host: no CDN is set, or the request's Host
// is not one that {host} may stand for (malformed, or an IP address where the CDN's name is longer than {host}).
func (c cdn) base(requestHost string) (base, source string) {
	if !strings.Contains(c.template, hostMark) {
		_, source, _ := splitBase(c.template)
		return c.template, source
	}
	if !plainHost.MatchString(requestHost) && !bracketedHost.MatchString(requestHost) {
		return "", ""
	}
	if name, _ := authority(c.template); name != hostMark && isAddress(requestHost) {
		return "", ""
	}
	base = strings.Replace(c.template, hostMark, requestHost, 1)
	if _, source, ok := splitBase(base); ok {
		return base, source
	}
	return "", ""
}

var (
	plainHost     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?$`)
	bracketedHost = regexp.MustCompile(`^\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?$`)
	plainPath     = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)
)

// splitBase checks a base URL without {host} and returns its scheme ("" for a // one) and its CSP source.
func splitBase(base string) (scheme, source string, ok bool) {
	host, path := authority(base)
	scheme = strings.TrimSuffix(base[:strings.Index(base+"//", "//")], ":")
	if scheme != "" && scheme != "http" && scheme != "https" {
		return "", "", false
	}
	if !plainHost.MatchString(host) && !bracketedHost.MatchString(host) || !plainPath.MatchString(path) {
		return "", "", false
	}
	if u, err := url.Parse(base); err != nil || u.Host != host {
		return "", "", false
	}
	if scheme == "" {
		return "", host, true
	}
	return scheme, scheme + "://" + host, true
}

// authority returns what stands between // and the next /, and the rest. Without // both are "".
func authority(base string) (host, path string) {
	_, rest, ok := strings.Cut(base, "//")
	if !ok {
		return "", ""
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

func isAddress(host string) bool {
	if _, err := netip.ParseAddrPort(host); err == nil {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
