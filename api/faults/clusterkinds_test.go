package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
)

// onANode does something to a node, and waits until all nodes are well again.
func onANode(
	pick func(s *system, draw *rand.Rand) (*programs.DatabaseNode, error),
	do func(s *system, draw *rand.Rand, n *programs.DatabaseNode) error,
) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		n, err := pick(s, draw)
		if err != nil {
			return err
		}
		if err := do(s, draw, n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		return s.cluster.awaitWell()
	}
}

func onTheWriter(do func(s *system, draw *rand.Rand, n *programs.DatabaseNode) error) func(*system, *rand.Rand) error {
	return onANode(func(s *system, _ *rand.Rand) (*programs.DatabaseNode, error) { return s.cluster.writer() }, do)
}

func onAReader(do func(s *system, draw *rand.Rand, n *programs.DatabaseNode) error) func(*system, *rand.Rand) error {
	return onANode((*system).readingNode, do)
}

// readingNode returns a node that serves reads.
func (s *system) readingNode(draw *rand.Rand) (*programs.DatabaseNode, error) {
	writer, err := s.cluster.writer()
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(s.cluster.Nodes), func(n *programs.DatabaseNode) bool {
		return n == writer
	})
	return others[draw.IntN(len(others))], nil
}

// secondNode returns the node that takes over from the first.
func secondNode(s *system, _ *rand.Rand) (*programs.DatabaseNode, error) {
	return s.cluster.Nodes[1], nil
}

// killNode kills a node with all it runs, and starts it again, before or after another has taken its place.
func killNode(_ *system, draw *rand.Rand, n *programs.DatabaseNode) error {
	n.Kill()
	time.Sleep(between(draw, 0, 3*time.Second))
	return n.Restart()
}

// killServer kills the server alone: the program ends with it, and is started again.
func killServer(_ *system, _ *rand.Rand, n *programs.DatabaseNode) error {
	before := n.Process()
	if err := n.KillServer(); err != nil {
		return err
	}
	return await("the program has been started again", func() (bool, error) { return n.Process() != before, nil })
}

// pauseNode pauses a node's server, for up to a time: the others may wait for it, or go on without it.
func pauseNode(least, most time.Duration) func(s *system, draw *rand.Rand, n *programs.DatabaseNode) error {
	return func(_ *system, draw *rand.Rand, n *programs.DatabaseNode) error {
		if err := n.Pause(); err != nil {
			return err
		}
		time.Sleep(between(draw, least, most))
		return n.Resume()
	}
}

// isolateNode cuts a node off from the others, while everybody else reaches it.
func isolateNode(_ *system, draw *rand.Rand, n *programs.DatabaseNode) error {
	if err := n.Isolate(); err != nil {
		return err
	}
	time.Sleep(between(draw, 500*time.Millisecond, 8*time.Second))
	return n.Rejoin()
}

// fillDisk leaves a node no byte of room, while the database grows. It does nothing where the node has no disk of its
// own.
func fillDisk(s *system, draw *rand.Rand, n *programs.DatabaseNode) error {
	if !s.cluster.disks {
		s.t.Log("only root can give a node a disk that is full")
		return nil
	}
	if err := s.insist("CREATE TABLE IF NOT EXISTS bulk (id INT PRIMARY KEY, content LONGBLOB)"); err != nil {
		return err
	}
	err := n.FillDisk()
	for id, until := 0, time.Now().Add(between(draw, 2*time.Second, 6*time.Second)); time.Now().Before(until); id++ {
		// Where this is refused, another is about to take the writes.
		_, _ = s.db.Exec("REPLACE INTO bulk VALUES (?, REPEAT('x', 1000000))", id%growth)
		time.Sleep(50 * time.Millisecond)
	}
	freed := n.FreeDisk()
	if errors.Is(freed, os.ErrNotExist) {
		freed = nil // a node that is sent all data removes what is there before
	}
	if err := errors.Join(err, freed, s.cluster.awaitWell()); err != nil {
		return err
	}
	return s.insist("DROP TABLE IF EXISTS bulk")
}

// insist runs a statement on the database until it succeeds, which does no harm twice: connections may be left to a
// node that is none any more.
func (s *system) insist(statement string) (err error) {
	for until := time.Now().Add(convergeTime); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if _, err = s.db.Exec(statement); err == nil {
			return nil
		}
	}
	return err
}

// growth is how much larger the database is for a while, in megabytes.
const growth = 50

// loseVolume starts a node again without its data.
func loseVolume(_ *system, _ *rand.Rand, n *programs.DatabaseNode) error {
	n.Kill()
	return errors.Join(n.LoseVolume(), n.Restart())
}

// rollNodes restarts the nodes one after another, each when the one before is synced again.
func rollNodes(s *system, _ *rand.Rand) error {
	for _, n := range s.cluster.Nodes {
		n.Stop()
		if err := n.Restart(); err != nil {
			return err
		}
		if err := s.cluster.awaitWell(); err != nil {
			return err
		}
	}
	return nil
}

// killNodes kills some nodes at once, and starts them again after a while.
func killNodes(howMany int) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		var killed []*programs.DatabaseNode
		for _, i := range draw.Perm(len(s.cluster.Nodes))[:howMany] {
			killed = append(killed, s.cluster.Nodes[i])
		}
		var ends sync.WaitGroup
		for _, n := range killed {
			ends.Go(n.Kill)
		}
		ends.Wait()
		time.Sleep(between(draw, 0, 6*time.Second))
		for _, n := range killed {
			if err := n.Restart(); err != nil {
				return err
			}
		}
		return s.cluster.awaitWell()
	}
}

// severalWriters lets replicas write to nodes of their own for a while, as where their proxies do not move at a time.
// Meanwhile something may happen.
func severalWriters(
	least, most time.Duration, leads func(draw *rand.Rand, replica int) (node int),
	meanwhile func(s *system, draw *rand.Rand) error,
) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		for i, r := range s.replicas {
			lead(r.database, addr(s.cluster.Nodes[leads(draw, i)]))
		}
		time.Sleep(between(draw, least, most))
		err := meanwhile(s, draw)
		s.leadThroughProxy()
		return errors.Join(err, s.cluster.awaitWell())
	}
}

// oneElsewhere leads the first replica to the second node, and the others to the first.
func oneElsewhere(_ *rand.Rand, replica int) (node int) {
	if replica == 0 {
		return 1
	}
	return 0
}

// anywhere leads each replica to any node.
func anywhere(draw *rand.Rand, _ int) (node int) { return draw.IntN(3) }

func nothing(*system, *rand.Rand) error { return nil }

// alsoWithout does something while some replicas are cut off from their cache server.
func alsoWithout(howMany int, do func(s *system, draw *rand.Rand) error) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		for _, i := range draw.Perm(len(s.replicas))[:howMany] {
			w := s.replicas[i].wire
			w.Cut()
			defer w.Mend()
		}
		time.Sleep(between(draw, 100*time.Millisecond, 3*time.Second))
		return do(s, draw)
	}
}

// nodeKinds are the faults of a database of three nodes.
var nodeKinds = []kind{
	{"the writing node killed (-9), and back", onTheWriter(killNode)},
	{"the writing node's server killed (-9) alone", onTheWriter(killServer)},
	{"the writing node paused for seconds", onTheWriter(pauseNode(100*time.Millisecond, 7*time.Second))},
	{"the writing node paused for long", onTheWriter(pauseNode(15*time.Second, 25*time.Second))},
	{"the writing node cut off from the others", onTheWriter(isolateNode)},
	{"the writing node's disk full", onTheWriter(fillDisk)},
	{"a reading node killed (-9), and back", onAReader(killNode)},
	{"a reading node's server killed (-9) alone", onAReader(killServer)},
	{"a reading node paused for seconds", onAReader(pauseNode(100*time.Millisecond, 7*time.Second))},
	{"a reading node paused for long", onAReader(pauseNode(15*time.Second, 25*time.Second))},
	{"a reading node cut off from the others", onAReader(isolateNode)},
	{"a reading node's disk full", onAReader(fillDisk)},
	{"the writing node back with an empty volume", onTheWriter(loseVolume)},
	{"a reading node back with an empty volume", onAReader(loseVolume)},
	{"all nodes restarted, one after another", rollNodes},
	{"the majority of the nodes killed (-9), and back", killNodes(2)},
	{"all nodes killed (-9), and back", killNodes(3)},
	{"one replica led to another node to write to",
		severalWriters(200*time.Millisecond, 3*time.Second, oneElsewhere, nothing)},
	{"replicas led to nodes of their own to write to",
		severalWriters(200*time.Millisecond, 3*time.Second, anywhere, nothing)},
	{"replicas led to nodes of their own to write to, and one of those killed (-9)",
		severalWriters(0, time.Second, anywhere, onTheWriter(killNode))},
	{"replicas led to nodes of their own to write to, some without their cache server",
		alsoWithout(2, severalWriters(200*time.Millisecond, 3*time.Second, anywhere, nothing))},
	{"some replicas without their cache server, and the writing node killed (-9)",
		alsoWithout(2, onTheWriter(killNode))},
	{"all replicas without their cache server, and the writing node paused meanwhile",
		alsoWithout(replicas, onTheWriter(pauseNode(time.Second, 7*time.Second)))},
	{"all replicas without their cache server, and all nodes killed (-9) meanwhile",
		alsoWithout(replicas, killNodes(3))},
	{"some replicas without their cache server, and the majority of nodes killed (-9) meanwhile",
		alsoWithout(2, killNodes(2))},
	{"one replica led to a node that is cut off from the others",
		severalWriters(0, time.Second, oneElsewhere, onANode(secondNode, isolateNode))},
	{"one replica without its cache server led to a node that is killed (-9)",
		alsoWithout(1, severalWriters(0, time.Second, anywhere, onANode(secondNode, killNode)))},
	{"the proxy of the nodes paused", func(s *system, draw *rand.Rand) error {
		if err := freeze(s.cluster.Proxy.Process, between(draw, 100*time.Millisecond, 4*time.Second)); err != nil {
			return err
		}
		return s.cluster.awaitWell()
	}},
}

// clusterKinds are all faults of a system whose database is a cluster: those of the nodes, some of the usual ones, and
// those that are staged.
var clusterKinds = slices.Concat(nodeKinds, named(kinds, "a replica killed", "a writer dies", "a replica paused",
	"Redis killed (-9), back empty", "Redis paused for longer", "Redis emptied", "and that of the others killed",
	"a bus connection silent", "cut off from Redis", "takes all writes", "COMMIT"), stagedClusterKinds)

// fewClusterKinds are the kinds of faults that are tried with every change.
var fewClusterKinds = named(clusterKinds,
	"the writing node killed (-9), and back", "the writing node paused for seconds", "a reading node cut off",
	"a reading node back with an empty volume", "led to another node to write to", "COMMIT")
