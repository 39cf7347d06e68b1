package faults

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// stagedClusterKinds are schedules that need nodes which are behind, or written at once. Each is about the rule in
// brackets.
var stagedClusterKinds = []kind{
	{"a replica reads at a node that is behind", stagedOnNodes(readBehind)},
	{"a replica has its ledger at a node that is behind", stagedOnNodes(ledgerBehind)},
	{"another cache server taken over, and a write by way of another node", stagedOnNodes(lookedAt)},
}

// stagedOnNodes is staged, with a node that serves reads. Afterwards all ways lead through the proxy again.
func stagedOnNodes(do func(g *stage, n *programs.DatabaseNode) error) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		n, err := s.readingNode(draw)
		if err != nil {
			return err
		}
		err = staged(func(g *stage) error {
			err := do(g, n)
			g.leadThroughProxy()
			return err
		})(s, draw)
		return errors.Join(err, s.cluster.awaitWell())
	}
}

// keepApart lets the product be read by a name that nobody else asks for.
func (g *stage) keepApart() { g.path += "?kept=" + strconv.FormatUint(rand.Uint64(), 10) }

// whileBehind keeps a node behind what others write: the writer writes, is acknowledged, and the reader reads for a
// while.
func (g *stage) whileBehind(n *programs.DatabaseNode) error {
	release, err := n.Hold()
	if err != nil {
		return err
	}
	g.silent = time.Now()
	if err = g.await(g.write(g.writer)); err == nil {
		for until := time.Now().Add(g.lease / 2); time.Now().Before(until); time.Sleep(g.lease / 50) {
			g.look()
		}
	}
	return errors.Join(err, release())
}

// 1. A replica reads at a node that is behind. 2. A write is acknowledged elsewhere. 3. The replica reads. (causal)
func readBehind(g *stage, n *programs.DatabaseNode) error {
	g.keepApart()
	lead(g.reader.reads, addr(n))
	if err := g.awaitNear(g.reader); err != nil {
		return err
	}
	return g.whileBehind(n)
}

// 1. A replica has its ledger at a node that is behind, and a value near. 2. A writer without Redis bumps the epoch
// elsewhere, and is acknowledged. 3. The replica reads what it has near. (causal)
func ledgerBehind(g *stage, n *programs.DatabaseNode) error {
	lead(g.reader.database, addr(n))
	if err := g.alone(); err != nil {
		return err
	}
	return g.whileBehind(n)
}

// 1. A replica takes another Redis into use, by way of one node, and has a value near. 2. Another, who has not read of
// that yet, writes by way of another node, and all who are there acknowledge it. 3. The first reads. (look)
func lookedAt(g *stage, n *programs.DatabaseNode) error {
	other, err := servers.StartRedis()
	if err != nil {
		return err
	}
	defer other.Close()
	for _, r := range g.others { // they would read of it, and not acknowledge the write
		r.running().Stop(15 * time.Second)
	}
	lead(g.writer.database, addr(n))
	before, err := g.redisInUse()
	if err != nil {
		return err
	}
	g.reader.wire.Cut()
	time.Sleep(5 * g.lease / 2) // until nobody waits for it any more
	g.reader.wire.Retarget(other.Addr)
	g.reader.wire.Mend()
	err = g.awaitAnotherRedis(before)
	if err == nil {
		err = g.awaitNear(g.reader)
	}
	if err == nil {
		err = g.await(g.write(g.writer))
		g.look()
	}
	g.reader.wire.Cut()
	g.reader.wire.Retarget(g.redis.Addr)
	g.reader.wire.Mend()
	errs := make([]error, len(g.others))
	var starts sync.WaitGroup
	for i, r := range g.others {
		starts.Go(func() { errs[i] = r.start() })
	}
	starts.Wait()
	return errors.Join(err, errors.Join(errs...))
}
