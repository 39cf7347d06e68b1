package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// act is what a node is to do next.
type act string

const (
	stay      act = "stay"      // go on as it does
	join      act = "join"      // start the server as part of the cluster that is there
	bootstrap act = "bootstrap" // begin a cluster: start the server as its first node
	promote   act = "promote"   // begin a cluster with the server that runs without a majority
	leave     act = "leave"     // stop the server, and wait anew
)

// decision is an act and its reason, for people.
type decision struct {
	act act
	why string
}

// How long a server may be without a majority before it is stopped. Galera finds back by itself where it can, which a
// start of the server would not hasten.
const (
	healAfter   = 15 * time.Second // when no node has a majority
	rejoinAfter = 2 * time.Minute  // when another one has
)

// begin returns what a node is to do, from what all nodes say of themselves: those that are silent are not in states,
// the node itself is. Since is how long it is as it is.
//
// Never do two clusters begin. One that is there is joined. Without one, a cluster begins with the leader alone, which
// is the same for all who see all nodes, and only while no other node's server runs: two servers without a majority may
// find each other at any time and have one.
func begin(me string, order []string, states map[string]State, since time.Duration) decision {
	own := states[me]
	peers := peersOf(me, order, states)
	at := slices.IndexFunc(peers, func(s State) bool { return s.Primary })
	switch {
	case own.Phase != waiting && own.Primary:
		return decision{stay, "part of the cluster"}
	case own.Phase != waiting && at >= 0:
		if own.Phase == running && since > rejoinAfter {
			return decision{leave, "did not find back to " + peers[at].Name}
		}
		return decision{stay, "to find " + peers[at].Name}
	case at >= 0 && own.Data == alone:
		return decision{stay, fmt.Sprintf("%s is a cluster without the data that is here, which joining would remove: "+
			"remove this node's volume if nobody needs it", peers[at].Name)}
	case at >= 0:
		return decision{join, "join " + peers[at].Name}
	}
	return beginWithoutCluster(own, order, states, since)
}

// beginWithoutCluster is begin where no node is part of a majority.
func beginWithoutCluster(own State, order []string, states map[string]State, since time.Duration) decision {
	if own.Phase == starting {
		if since > healAfter {
			return decision{leave, "there is no cluster to join any more"}
		}
		return decision{stay, "starting"}
	}
	if silent := silentOf(order, states); len(silent) > 0 {
		return decision{stay, "wait for " + strings.Join(silent, " and ")}
	}
	leader, undecided := leaderOf(order, states)
	if undecided != "" {
		return decision{stay, undecided + ": run `database bootstrap` on the one to begin with"}
	}
	switch {
	case leader != own.Name && own.Phase == running && since > healAfter:
		return decision{leave, "let " + leader + " begin"}
	case leader != own.Name:
		return decision{stay, "wait until " + leader + " has begun"}
	case slices.ContainsFunc(peersOf(own.Name, order, states), func(s State) bool { return s.Phase != waiting }):
		return decision{stay, "wait until no other server runs"}
	case own.Phase == running:
		return decision{promote, "all are here, and none has more"}
	}
	return decision{bootstrap, "all are here, and none has more"}
}

// command returns what a node is to do when an operator has it begin a cluster although others are silent, and an error
// that says why it must not.
func command(me string, order []string, states map[string]State) (decision, error) {
	own := states[me]
	if own.Data == unseen {
		return decision{}, fmt.Errorf("this node looks how far its data goes; look again in a moment")
	}
	for _, peer := range peersOf(me, order, states) {
		switch {
		case peer.Primary:
			return decision{}, fmt.Errorf("%s is a cluster already, which this node joins by itself", peer.Name)
		case peer.Data == unseen:
			return decision{}, fmt.Errorf("%s looks how far its data goes; look again in a moment", peer.Name)
		case peer.hasMore(own):
			return decision{}, fmt.Errorf("%s, and %s: begin with that one", own.has(), peer.has())
		case peer.Phase != waiting:
			return decision{}, fmt.Errorf("the server of %s runs, and might begin a cluster too: stop that node first",
				peer.Name)
		}
	}
	switch {
	case own.Primary:
		return decision{}, fmt.Errorf("this node is part of a cluster already")
	case own.Phase == running:
		return decision{promote, "an operator says so"}, nil
	case own.Phase == waiting:
		return decision{bootstrap, "an operator says so"}, nil
	}
	return decision{}, fmt.Errorf("this node is starting; look again in a moment")
}

// leaderOf returns the node with which a cluster begins: the one that has all that any other has, and of those the
// first in order. Undecided says why there is none.
func leaderOf(order []string, states map[string]State) (leader, undecided string) {
	best := states[order[0]]
	for _, name := range order[1:] {
		if states[name].hasMore(best) {
			best = states[name]
		}
	}
	for _, name := range order {
		if other := states[name]; name != best.Name && !best.hasMore(other) && !best.hasAsMuch(other) {
			return "", fmt.Sprintf("%s, %s, and it cannot be told who has more", best.has(), other.has())
		}
	}
	if best.Data == unknown {
		return "", best.has()
	}
	return best.Name, ""
}

// donorsFor returns the nodes that may send all their data to a node, the best first: the writer, which is the first in
// order that can, comes last.
func donorsFor(me string, order []string) []string {
	donors := slices.DeleteFunc(slices.Clone(order), func(name string) bool { return name == me })
	slices.Reverse(donors)
	return donors
}

func peersOf(me string, order []string, states map[string]State) (peers []State) {
	for _, name := range order {
		if s, ok := states[name]; ok && name != me {
			peers = append(peers, s)
		}
	}
	return peers
}

// silentOf returns the nodes that have not said what they have: those that are silent, and those that still look how
// far their data goes. One of them may have more than all others.
func silentOf(order []string, states map[string]State) (silent []string) {
	for _, name := range order {
		if states[name].Data == unseen {
			silent = append(silent, name)
		}
	}
	return silent
}
