package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// stage is where a fault happens that takes several coincidences, which faults that are drawn hardly ever bring about:
// the replicas have parts, nobody writes but as the fault says, and each step waits for what the one before has done.
type stage struct {
	*system
	id             int64  // of the product that is read and written
	path           string // at which it is read
	reader, writer *replica
	others         []*replica
	silent         time.Time // since when the database is silent for the reader
	group          sync.WaitGroup
}

// staged makes a fault on a stage, with parts that are drawn, and mends all wires after it.
func staged(do func(g *stage) error) func(s *system, draw *rand.Rand) error {
	return func(s *system, draw *rand.Rand) error {
		s.clients.quiet.Lock()
		defer s.clients.quiet.Unlock()
		if err := s.rest(); err != nil {
			return err
		}
		parts := draw.Perm(len(s.replicas))
		g := &stage{
			system: s, id: s.clients.ids[draw.IntN(products)],
			reader: s.replicas[parts[0]], writer: s.replicas[parts[1]],
		}
		g.path = fmt.Sprintf(spellings[0], g.id)
		for _, part := range parts[2:] {
			g.others = append(g.others, s.replicas[part])
		}
		err := do(g)
		for _, r := range s.replicas {
			r.database.Mend()
			r.wire.Mend()
		}
		g.group.Wait()
		if errors.Is(err, errUnstaged) {
			s.t.Log(err)
			return nil
		}
		return err
	}
}

// errUnstaged is a fault that has not come about: the machine was too slow, or a write was not acknowledged.
var errUnstaged = errors.New("the fault has not come about")

// rest waits until the replicas have nothing left to write on their own account, or for a few leases: an order whose
// worker has lost it is taken up again later.
func (s *system) rest() error {
	for until := time.Now().Add(3 * s.lease); time.Now().Before(until); time.Sleep(s.lease / 50) {
		var left int
		err := s.db.QueryRow("SELECT (SELECT COUNT(*) FROM woody_outbox) + " +
			"(SELECT COUNT(*) FROM `order` WHERE status = 'Pending')").Scan(&left)
		if err != nil || left == 0 {
			return err
		}
	}
	return nil
}

// write writes the product on a replica, while the fault goes on. Whether it was acknowledged is sent.
func (g *stage) write(r *replica) <-chan bool {
	acknowledged := make(chan bool, 1)
	g.group.Go(func() { acknowledged <- g.clients.renameAlone(r, g.id) })
	return acknowledged
}

// await waits until all of writes have been acknowledged. It is an error if one was not. If the reader's database is
// silent, await gives up after four leases: after five the reader may take it for unreachable.
func (g *stage) await(writes ...<-chan bool) error {
	var late <-chan time.Time
	if !g.silent.IsZero() {
		late = time.After(time.Until(g.silent.Add(4 * g.lease)))
	}
	for _, acknowledged := range writes {
		select {
		case done := <-acknowledged:
			if done {
				continue
			}
		case <-late:
		}
		return fmt.Errorf("%w: a write was not acknowledged in time", errUnstaged)
	}
	return nil
}

// silence makes the database silent for the reader.
func (g *stage) silence() {
	g.reader.database.Hang()
	g.silent = time.Now()
}

// read reads the product on a replica, and returns the layer that answered; empty for no response.
func (g *stage) read(r *replica) (layer string) {
	return g.clients.readItem(r, g.clients.ledger.Item(g.id), g.id, g.path)
}

// look reads the product on the reader. A read that waits for the database ends after the fault.
func (g *stage) look() {
	done := make(chan struct{})
	g.group.Go(func() {
		defer close(done)
		g.read(g.reader)
	})
	select {
	case <-done:
	case <-time.After(g.lease / 4):
	}
}

// awaitNear waits until a replica has the product near, and may answer with it.
func (g *stage) awaitNear(r *replica) error {
	return await(r.name+" has a product near", func() (bool, error) {
		return strings.HasPrefix(g.read(r), "near; hit"), nil
	})
}

// awaitBump waits until the epoch is later than a number, and returns when that was.
func (g *stage) awaitBump(number uint64) (time.Time, error) {
	err := await("the epoch is bumped", func() (bool, error) {
		now, err := g.epoch()
		return now.number > number, err
	})
	return time.Now(), err
}

// alone cuts all but the reader off from Redis. Then it has the product near.
func (g *stage) alone() error {
	g.writer.wire.Cut()
	for _, r := range g.others {
		r.wire.Cut()
	}
	return g.awaitNear(g.reader)
}

// prime is alone, where some others have found besides that nobody takes what they hand over, so that they bump the
// epoch for their next write at once.
func (g *stage) prime(writers ...*replica) error {
	if err := g.alone(); err != nil {
		return err
	}
	g.silence() // or the reader would take it
	var writes []<-chan bool
	for _, r := range writers {
		writes = append(writes, g.write(r))
	}
	err := g.await(writes...)
	g.reader.database.Mend()
	return errors.Join(err, g.awaitNear(g.reader))
}

// sleepUntil sleeps until a part of a lease has gone by since a time, in hundredths.
func (g *stage) sleepUntil(since time.Time, hundredths time.Duration) {
	time.Sleep(time.Until(since.Add(hundredths * g.lease / 100)))
}
