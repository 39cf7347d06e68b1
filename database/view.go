package main

import "time"

// enter sets the node's phase, and why it is in it.
func (n *runner) enter(to phase, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.own.Phase != to || n.own.Why != why {
		n.log.Info("node", "phase", to, "why", why)
	}
	n.own.Name, n.own.Phase, n.own.Why = n.cfg.Node, to, why
}

// say sets the reason alone.
func (n *runner) say(why string) { n.enter(n.state().Phase, why) }

func (n *runner) watch(m *monitor) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.monitor = m
}

// state returns what the node says of itself, but for its roles.
func (n *runner) state() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.own
	if n.monitor == nil || s.Phase != running {
		return s
	}
	seen, ok := n.monitor.status()
	if !ok {
		return s
	}
	s.Data, s.UUID, s.Seqno = cluster, seen.uuid, seen.seqno
	s.Primary, s.Size, s.View = seen.primary, seen.size, seen.view
	s.Synced, s.Donor = seen.synced && !n.stopping, seen.donor && !n.stopping
	s.Queue, s.Lagging = seen.queue, seen.lagging
	free, err := freeBytes(n.cfg.DataDir)
	s.DiskFull = err == nil && free < uint64(n.cfg.LeastFree)
	return s
}

// states returns the states of all nodes that are not silent, this one's included, and the addresses of the others.
func (n *runner) states() (states map[string]State, addrs map[string]string) {
	states, addrs = n.peers.states()
	own := n.state()
	own.Behind = n.behind(states)
	states[n.cfg.Node] = own
	return states, addrs
}

// behind reports whether other nodes have heard of a change of members that this node's server has not, for some time
// or while it was silent: a server that was stopped for a while takes itself for a full member when it goes on.
func (n *runner) behind(others map[string]State) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.monitor == nil {
		n.abreast = time.Now()
		return false
	}
	own := n.monitor.latest()
	ahead := false
	for _, other := range others {
		ahead = ahead || other.Primary && other.UUID == own.uuid && other.View > own.view
	}
	if _, ok := n.monitor.status(); !ahead {
		n.abreast = time.Now()
	} else if !ok {
		n.abreast = time.Time{}
	}
	return time.Since(n.abreast) > silence
}

// withRoles returns what the node says of itself.
func (n *runner) withRoles() State {
	states, _ := n.states()
	s := states[n.cfg.Node]
	s.Writer, s.Reader = roles(n.cfg.Node, n.cfg.names(), states)
	return s
}

// situation is what a node may be in for a limited time: begin counts from when it last changed.
type situation struct {
	phase   phase
	primary bool // this node is part of the majority
	another bool // another node is
}

// anew restarts the time of the situation, whatever it was before: each server has all of its time.
func (n *runner) anew() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.situation = situation{}
}

// unchanged returns for how long the situation is the same.
func (n *runner) unchanged(states map[string]State) time.Duration {
	own := states[n.cfg.Node]
	now := situation{phase: own.Phase, primary: own.Primary}
	for _, peer := range peersOf(n.cfg.Node, n.cfg.names(), states) {
		now.another = now.another || peer.Primary
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if now != n.situation {
		n.situation, n.since = now, time.Now()
	}
	return time.Since(n.since)
}
