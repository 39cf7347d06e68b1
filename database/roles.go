package main

// A node may be the writer, a reader, or both while it is alone. Each judges by what the nodes say of themselves, and
// the proxies go by the order besides, where two nodes both take themselves for the writer for a moment.

// canWrite reports whether a node could be the writer at all.
func (s State) canWrite() bool { return s.Primary && !s.Behind && (s.Synced || s.Donor) }

// canRead reports whether a node could serve reads at all.
func (s State) canRead() bool { return s.Primary && !s.Behind && s.Synced && !s.Lagging }

// writerOf returns the node that takes writes: the first in order that is synced and has space left, or else the first
// that is synced, or else the first that sends its data to others, which does not keep it from writing. It is empty
// where no node can.
func writerOf(order []string, states map[string]State) string {
	for _, fits := range []func(State) bool{
		func(s State) bool { return s.Synced && !s.DiskFull },
		func(s State) bool { return s.Synced },
		func(s State) bool { return true },
	} {
		for _, name := range order {
			if s := states[name]; s.canWrite() && fits(s) {
				return name
			}
		}
	}
	return ""
}

// roles returns whether a node is the writer, and whether it serves reads: all but the writer do, and the writer where
// no other can.
func roles(me string, order []string, states map[string]State) (writer, reader bool) {
	writer = writerOf(order, states) == me
	if !writer {
		return false, states[me].canRead()
	}
	for _, peer := range peersOf(me, order, states) {
		if peer.canRead() {
			return true, false
		}
	}
	return true, true
}

// whyNot returns why a node is not what the proxy asks for, in a line.
func (s State) whyNot(role string) string {
	switch {
	case s.Phase != running:
		return "the server does not run: " + s.Why
	case s.Size == 0:
		return "the server is silent"
	case !s.Primary:
		return "not part of the majority"
	case s.Behind:
		return "left out by the others"
	case !s.Synced && !s.Donor:
		return "not synced"
	case role == "reader" && s.Donor:
		return "sends its data to another node"
	case role == "reader" && s.Lagging:
		return "lags behind"
	case role == "reader":
		return "the writer, and others read"
	case s.DiskFull:
		return "its disk is full"
	}
	return "another node is the writer"
}
