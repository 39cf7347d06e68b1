package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// gtid is the global id of one transaction of the database.
type gtid struct {
	domain, server uint32
	seq            uint64
}

func (g gtid) String() string { return fmt.Sprintf("%d-%d-%d", g.domain, g.server, g.seq) }

// position is how far a binary log is read: the last transaction of each domain. A nil one is the beginning.
type position map[uint32]gtid

// parsePosition reads a list of GTIDs such as 0-1-7,1-2-9; empty is the beginning.
func parsePosition(text string) (position, error) {
	p := position{}
	for word := range strings.SplitSeq(strings.Join(strings.Fields(text), ""), ",") {
		if word == "" {
			continue
		}
		parts := strings.Split(word, "-")
		if len(parts) != 3 {
			return nil, fmt.Errorf("%q is not a GTID, such as 0-1-7", word)
		}
		domain, err1 := strconv.ParseUint(parts[0], 10, 32)
		server, err2 := strconv.ParseUint(parts[1], 10, 32)
		seq, err3 := strconv.ParseUint(parts[2], 10, 64)
		if err1 != nil || err2 != nil || err3 != nil {
			return nil, fmt.Errorf("%q is not a GTID, such as 0-1-7", word)
		}
		p.advance(gtid{uint32(domain), uint32(server), seq})
	}
	return p, nil
}

// String returns the position as the database writes it, the domains in order.
func (p position) String() string { return p.join(",") }

func (p position) join(between string) string {
	var words []string
	for _, g := range p.list() {
		words = append(words, g.String())
	}
	return strings.Join(words, between)
}

func (p position) list() []gtid {
	var list []gtid
	for _, g := range p {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b gtid) int { return int(int64(a.domain) - int64(b.domain)) })
	return list
}

// advance moves the position to a transaction, unless that is behind it.
func (p position) advance(g gtid) {
	if at, ok := p[g.domain]; !ok || at.seq < g.seq {
		p[g.domain] = g
	}
}

// covers reports whether everything up to other is behind p.
func (p position) covers(other position) bool {
	for _, g := range other {
		if !p.has(g) {
			return false
		}
	}
	return true
}

// goesOnFrom reports whether p may be of the database that was at other before: it is not behind it in the busiest of
// the domains that both have. The nodes of a cluster have a domain each for things of their own, and share another.
func (p position) goesOnFrom(other position) bool {
	var busiest gtid
	for _, g := range other {
		if _, ok := p[g.domain]; ok && g.seq > busiest.seq {
			busiest = g
		}
	}
	return len(other) == 0 || busiest.seq > 0 && p.has(busiest)
}

// has reports whether a transaction is behind p.
func (p position) has(g gtid) bool {
	at, ok := p[g.domain]
	return ok && g.seq <= at.seq
}

func (p position) clone() position {
	c := position{}
	for _, g := range p {
		c.advance(g)
	}
	return c
}
