package main

import "time"

// stallThreshold is how long a server that is part of the majority may lack transactions and apply none. A transaction
// takes less, and a server whose applier has ended goes on like this for ever.
const stallThreshold = 2 * time.Minute

// stall records how far a server had applied transactions, and since when it has got no further.
type stall struct {
	seqno int64     // the last transaction applied
	since time.Time // zero while it gets on
}

// observe takes what the server says, and reports whether it has been getting nowhere for too long. While it is silent
// nothing is known.
func (s *stall) observe(seen status, ok bool, now time.Time) bool {
	behind := ok && seen.primary && !seen.synced && !seen.donor
	switch {
	case !behind:
		s.since = time.Time{}
	case s.since.IsZero() || seen.seqno != s.seqno:
		s.seqno, s.since = seen.seqno, now
	}
	return behind && now.Sub(s.since) > stallThreshold
}

// stalled ends a server that gets nowhere, so that it joins again. If that happens twice in a row, the transactions
// that it is sent are of no use to it: all data comes anew.
func (n *runner) stalled(s *server) error {
	n.log.Warn("the server is part of the cluster and applies nothing: it starts anew", "for", stallThreshold)
	s.kill()
	if n.stalls++; n.stalls < 2 {
		return nil
	}
	n.stalls = 0
	n.log.Warn("that was so twice: all data comes anew")
	return folder(n.cfg.DataDir).empty()
}
