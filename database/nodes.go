package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/woodytoys/woodytoys/internal/settings"
)

// node is a node of WOODY_DB_NODES.
type node struct {
	name string
	addr string // its IP address, or its name for DNS
}

// parseNodes reads "database,database2=127.0.0.2": one node or three, each with a name of its own.
func parseNodes(text string) (nodes []node, err error) {
	seen := map[string]bool{}
	for word := range strings.SplitSeq(text, ",") {
		name, addr, found := strings.Cut(strings.TrimSpace(word), "=")
		if !found {
			addr = name
		}
		if !settings.IsPlain(name) || seen[name] || addr == "" || found && net.ParseIP(addr) == nil {
			return nil, fmt.Errorf("WOODY_DB_NODES has %q: write NAME or NAME=ADDRESS, each name once", word)
		}
		seen[name] = true
		nodes = append(nodes, node{name, addr})
	}
	if len(nodes) != 1 && len(nodes) != 3 {
		return nil, fmt.Errorf("WOODY_DB_NODES has %d names: write three, since two have no majority without each "+
			"other", len(nodes))
	}
	return nodes, nil
}

// resolve returns the node's IPv4 address.
func (n node) resolve(ctx context.Context) (string, error) {
	if ip := net.ParseIP(n.addr); ip != nil {
		return n.addr, nil
	}
	found, err := net.DefaultResolver.LookupIP(ctx, "ip4", n.addr)
	if err != nil {
		return "", err
	}
	return found[0].String(), nil
}

// ownAddress returns the address of this machine that DNS has under the node's name.
func (n node) ownAddress(ctx context.Context) (string, error) {
	found, err := net.DefaultResolver.LookupIP(ctx, "ip4", n.addr)
	if err != nil {
		return "", err
	}
	local, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, ip := range found {
		for _, addr := range local {
			if of, ok := addr.(*net.IPNet); ok && of.IP.Equal(ip) {
				return ip.String(), nil
			}
		}
	}
	return "", fmt.Errorf("%s is %v, none of which is this machine's: set WOODY_DB_NODE_ADDR", n.addr, found)
}
