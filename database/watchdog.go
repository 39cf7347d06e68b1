package main

import "time"

const (
	// hangThreshold is how long a server that joins, or begins a cluster, may take connections and say nothing.
	// Galera's provider may end within a server that goes on, as when a donor has not all that it said.
	hangThreshold = 20 * time.Second
	// beginThreshold is how long a server that begins a cluster may take connections and not be a member that counts.
	// It waits for nobody then. Before it takes any, it may be repairing its data, for as long as that takes.
	beginThreshold = time.Minute
)

// signs are what is seen of a server.
type signs struct {
	status status
	ok     bool  // it says so; else it is silent
	opened bool  // it takes connections, or has taken one: one that hangs takes no more once its queue of them is full
	phase  phase // the node's
	begins bool  // it is to begin a cluster, and not to join one
	// crowded reports whether its disk is full while another member has room.
	crowded bool
}

// fault is what is wrong with a server, for people; empty for nothing.
type fault string

const (
	well    fault = ""
	left    fault = "the server left the cluster"
	hung    fault = "the server hangs while it starts"
	late    fault = "the server began a cluster and does not come to count"
	stalled fault = "the server is part of the cluster and applies nothing"
	wedged  fault = "the server has no room to write its log, and the others wait for it"
)

// watchdog finds what a server does not recover from by itself.
type watchdog struct {
	gone, silent, beginning lasting
	stall                   stall
	wedge                   wedge
}

// observe takes what is seen of the server, several times a second, and returns what is wrong with it.
func (w *watchdog) observe(s signs, now time.Time) fault {
	gone := w.gone.since(s.ok && s.status.disconnected, now)
	silent := w.silent.since(!s.ok && s.opened && s.phase == starting, now)
	beginning := w.beginning.since(s.begins && s.opened && s.phase == starting, now)
	stuck := w.wedge.observe(s.status, s.ok, s.crowded, now)
	switch {
	case w.stall.observe(s.status, s.ok, now):
		return stalled
	case stuck:
		return wedged
	case gone > silence:
		return left
	case silent > hangThreshold:
		return hung
	case beginning > beginThreshold:
		return late
	}
	return well
}

// lasting is since when something has been so without a break; zero while it is not.
type lasting struct{ begun time.Time }

// since takes whether it is so, and returns for how long it has been.
func (l *lasting) since(so bool, now time.Time) time.Duration {
	switch {
	case !so:
		l.begun = time.Time{}
		return 0
	case l.begun.IsZero():
		l.begun = now
	}
	return now.Sub(l.begun)
}
