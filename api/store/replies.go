package store

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/woodytoys/woodytoys/api/shop"
)

// The purposes that Replies counts by.
const (
	ForRead  = "read"
	ForWrite = "write"
)

// Reply is which database has replied, and for what: a row of Replies.
type Reply struct {
	Node string // its name; OtherNodes where there are too many
	For  string // ForRead or ForWrite
}

// nodesMax is how many nodes are counted by name: each is a series of metrics.
const nodesMax = 16

// OtherNodes is the name under which nodes are counted beyond the first 16.
const OtherNodes = "other"

// replies counts which databases have replied to callers.
type replies struct {
	mu     sync.Mutex
	counts map[Reply]int64
	nodes  map[string]bool
}

func (r *replies) count(reply Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts, r.nodes = map[Reply]int64{}, map[string]bool{}
	}
	if !r.nodes[reply.Node] {
		if len(r.nodes) == nodesMax {
			reply.Node = OtherNodes
		} else {
			r.nodes[reply.Node] = true
		}
	}
	r.counts[reply]++
}

// Replies returns how many reads and writes of callers each database has replied to, by its name: that of the node in
// its Galera cluster, or else of the server's host, or "sqlite". What several callers share, a statement that reads or
// a transaction, counts once: it is what the database had to do.
func (s *Store) Replies() map[Reply]int64 {
	s.replies.mu.Lock()
	defer s.replies.mu.Unlock()
	return maps.Clone(s.replies.counts)
}

// note notes whose reply work of a caller has ended with, if it has. Background work is not noted.
func (p *pool) note(ctx context.Context, purpose, node string, err error) {
	if p.replies == nil || node == "" || !replied(err) {
		return
	}
	p.replies.count(Reply{node, purpose})
	shop.RepliedBy(ctx, node)
}

// replied reports whether work has ended with what a database replied, which may be a refusal.
func replied(err error) bool {
	var known *shop.Error
	if errors.As(err, &known) {
		return known.Kind < shop.Busy && known.Kind != shop.Internal
	}
	return meaningOf(err) <= inPlace && !errors.Is(err, context.Canceled)
}
