package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// trustedProxies returns the networks whose X-Forwarded fields are believed.
func (c config) trustedProxies() (networks []netip.Prefix, err error) {
	for _, text := range c.TrustedProxies {
		network, err := parseNetwork(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf(
				"WOODY_TRUSTED_PROXIES: %q is no network such as 10.0.0.0/8 or fd00::/8, and no address", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// parseNetwork reads a network, or an address, which is a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}
