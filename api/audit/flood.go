package audit

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How many entries there may be of requests that change nothing, such as refusals: so many at once, and so many a
// second from then on.
const (
	burstEach, rateEach = 20, 0.2  // of one caller with one outcome
	burstAll, rateAll   = 500, 2.5 // of all who are signed in, and of all others: together less than 200 MB a day
)

// callersMax is how many callers are counted apart, of those who are signed in and of the others, in at most a few
// megabytes. What comes from others while there are so many is counted together.
const callersMax = 10000

// flood decides which requests that change nothing have entries of their own, and counts the others. One who is refused
// a thousand times a second has a few entries, and leaves room for everybody else's. Nobody who is not signed in has an
// account's refusals withheld.
type flood struct {
	mu        sync.Mutex
	signedIn  group
	strangers group
}

// group is callers who share what they may have.
type group struct {
	all     bucket
	callers map[caller]*counted
	rest    map[Outcome]*counted // of all for whom there is no room in callers
}

// caller is what a request is counted under: the account of one who is signed in, else the network. Its outcomes are
// counted apart: what failed does not hide what was refused.
type caller struct {
	account string
	network netip.Prefix
	outcome Outcome
}

// counted is what is known of a caller.
type counted struct {
	bucket
	withheld int64 // requests that have no entry of their own yet
	last     Entry // the last one of them
	several  bool  // they came from several networks
}

// bucket is full of tokens at first, and fills again.
type bucket struct {
	tokens float64
	at     time.Time // when it had these
}

func (b *bucket) fill(now time.Time, burst, rate float64) {
	if b.at.IsZero() {
		b.tokens = burst
	} else {
		b.tokens = min(burst, b.tokens+max(now.Sub(b.at).Seconds(), 0)*rate)
	}
	b.at = now
}

func newFlood() *flood { return &flood{signedIn: newGroup(), strangers: newGroup()} }

func newGroup() group { return group{callers: map[caller]*counted{}, rest: map[Outcome]*counted{}} }

// networkOf returns what an address is counted under: an IPv4 address alone, and of IPv6 the /64 that one customer of a
// provider has. What is no address counts as one.
func networkOf(from string) netip.Prefix {
	addr, err := netip.ParseAddr(from)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // both are right for their kinds
	return prefix
}

// allows reports whether a request is to have an entry of its own; else it is counted.
func (f *flood) allows(e Entry, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.Account != "" {
		return f.signedIn.allows(caller{account: e.Account, outcome: e.Outcome}, e, now)
	}
	return f.strangers.allows(caller{network: networkOf(e.From), outcome: e.Outcome}, e, now)
}

func (g *group) allows(who caller, e Entry, now time.Time) bool {
	c := g.of(who)
	c.fill(now, burstEach, rateEach)
	g.all.fill(now, burstAll, rateAll)
	if c.tokens < 1 || g.all.tokens < 1 {
		c.several = c.withheld > 0 && (c.several || networkOf(c.last.From) != networkOf(e.From))
		c.withheld++
		c.last = e
		return false
	}
	c.tokens--
	g.all.tokens--
	return true
}

// of returns where a caller is counted.
func (g *group) of(who caller) *counted {
	if c := g.callers[who]; c != nil {
		return c
	}
	c := &counted{}
	if len(g.callers) < callersMax {
		g.callers[who] = c
	} else if rest := g.rest[who.outcome]; rest != nil {
		return rest
	} else {
		g.rest[who.outcome] = c
	}
	return c
}

// summariesMax is how many entries stand for what was withheld of a group, each time: of the callers with most of it.
// One for each outcome stands for all others.
const summariesMax = 20

// withheld returns entries that stand for the requests since the last call that have none of their own, and forgets the
// callers who have been quiet.
func (f *flood) withheld(now time.Time) []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(f.signedIn.summaries(now), f.strangers.summaries(now)...)
}

func (g *group) summaries(now time.Time) (entries []Entry) {
	others := map[Outcome]int64{}
	for outcome, c := range g.rest {
		others[outcome] = c.withheld
		c.withheld = 0
	}
	for who, c := range g.callers {
		switch c.fill(now, burstEach, rateEach); {
		case c.withheld > 0:
			entries = append(entries, summary(who, c))
			c.withheld = 0
		case c.tokens >= burstEach:
			delete(g.callers, who)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(b.Times, a.Times) })
	for _, e := range entries[min(len(entries), summariesMax):] {
		others[e.Outcome] += e.Times
	}
	entries = entries[:min(len(entries), summariesMax)]
	for _, outcome := range Outcomes {
		if others[outcome] > 0 {
			entries = append(entries, Entry{Outcome: outcome, Times: others[outcome]})
		}
	}
	return entries
}

// summary returns the entry for what was withheld of a caller: it has his account, the method, route and status of the
// last one, and neither its thing nor its id, which are not those of all; nor its address where they had several.
func summary(who caller, c *counted) Entry {
	e := Entry{
		Account: who.account, Method: c.last.Method, Route: c.last.Route, From: c.last.From, Outcome: who.outcome,
		Status: c.last.Status, Times: c.withheld,
	}
	if c.several {
		e.From = ""
	}
	return e
}
