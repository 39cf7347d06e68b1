package main

import "time"

// enter sets the node's phase, and why it is in it.
func (n *runner) enter(to phase, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.own.Phase != to || n.own.Why != why {
		n.log.Info("node", "phase", to, "why", why)
	}
	if n.own.Phase != to {
		n.since = time.Now()
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
	s.Primary, s.Size = seen.primary, seen.size
	s.Synced, s.Donor = seen.synced && !n.stopping, seen.donor && !n.stopping
	s.Queue, s.Lagging = seen.queue, seen.lagging
	free, err := freeBytes(n.cfg.DataDir)
	s.DiskFull = err == nil && free < uint64(n.cfg.LeastFree)
	return s
}

// states returns the states of all nodes that are not silent, this one's included, and the addresses of the others.
func (n *runner) states() (states map[string]State, addrs map[string]string) {
	states, addrs = n.peers.states()
	states[n.cfg.Node] = n.state()
	return states, addrs
}

// withRoles returns what the node says of itself.
func (n *runner) withRoles() State {
	states, _ := n.states()
	s := states[n.cfg.Node]
	s.Writer, s.Reader = roles(n.cfg.Node, n.cfg.names(), states)
	return s
}

// unchanged returns for how long the phase is the same, and whether the node has a majority.
func (n *runner) unchanged() time.Duration {
	s := n.state()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.primary != s.Primary {
		n.primary, n.since = s.Primary, time.Now()
	}
	return time.Since(n.since)
}
