package main

import "fmt"

// phase is what a node's program does.
type phase string

const (
	waiting  phase = "waiting"  // its server does not run: it waits for others, or for the rule's word
	starting phase = "starting" // its server begins a cluster, or joins one
	running  phase = "running"  // its server responds
)

// data is what is in a node's folder.
type data string

const (
	unseen  data = ""        // the node has not looked yet
	none    data = "none"    // nothing
	unknown data = "unknown" // something that no cluster vouches for: a transfer of all data broke off
	cluster data = "cluster" // a cluster's data: UUID and Seqno say which and how far
	alone   data = "alone"   // what a server outside of a cluster wrote, last of all
)

// State is what a node says of itself at /state.
type State struct {
	Name  string `json:"name"`
	Phase phase  `json:"phase"`
	Why   string `json:"why"` // what it does or waits for, for people

	Data  data   `json:"data"`
	UUID  string `json:"uuid,omitempty"`  // the cluster's whose data it has, or set out from
	Seqno int64  `json:"seqno,omitempty"` // the last transaction of it

	// What the server says, all zero while it is silent.
	Primary  bool  `json:"primary"` // it is part of the majority
	Synced   bool  `json:"synced"`
	Donor    bool  `json:"donor"`   // it sends all its data to another node
	Size     int   `json:"size"`    // how many nodes it sees, itself included
	View     int64 `json:"view"`    // the number of the cluster's last change of members that it has heard of
	Behind   bool  `json:"behind"`  // another node has heard of a later one: it was left out, and does not know yet
	Queue    int64 `json:"queue"`   // received and not yet applied
	Lagging  bool  `json:"lagging"` // that was much for long
	DiskFull bool  `json:"disk_full"`

	// What the proxy is told.
	Writer bool `json:"writer"`
	Reader bool `json:"reader"`
}

// has says what data a node has, for people.
func (s State) has() string {
	switch {
	case s.Data == cluster:
		return fmt.Sprintf("%s has transaction %d of cluster %s", s.Name, s.Seqno, s.UUID)
	case s.Data == alone && s.UUID != "":
		return fmt.Sprintf("%s was written to alone after transaction %d of cluster %s", s.Name, s.Seqno, s.UUID)
	case s.Data == alone:
		return s.Name + " has data of a server alone"
	case s.Data == unknown:
		return s.Name + " has data that is not known to be whole"
	}
	return s.Name + " has nothing"
}

// whole reports whether the data is known to be whole.
func (s State) whole() bool { return s.Data == cluster || s.Data == alone }

// hasMore reports whether a node has all that another one has, and more.
func (s State) hasMore(than State) bool {
	switch {
	case !s.whole() || !than.whole():
		return s.whole() && !than.whole()
	case s.UUID == "" || s.UUID != than.UUID:
		return false
	case s.Data == alone:
		return than.Data == cluster && s.Seqno >= than.Seqno
	}
	return than.Data == cluster && s.Seqno > than.Seqno
}

// hasAsMuch reports whether two nodes have the same.
func (s State) hasAsMuch(as State) bool {
	if !s.whole() || !as.whole() {
		return s.Data == as.Data && s.Data != unknown
	}
	return s.Data == cluster && as.Data == cluster && s.UUID == as.UUID && s.Seqno == as.Seqno
}
