package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// batch is writes that are announced together.
type batch struct {
	ctx   context.Context // of the first write's Settle, for the Tracer
	span  tracing.Span    // likewise
	tags  []string        // may hold duplicates
	slots []uint16        // the tags'
	again int             // how often it was announced in vain: the session ended before it was acknowledged
	done  chan struct{}
	err   error  // read after done, as is bump
	bump  string // the token of the bump that carried it out; empty where it was announced
}

func newBatch() *batch { return &batch{ctx: context.Background(), done: make(chan struct{})} }

func (b *batch) add(tags []string) {
	b.tags = append(b.tags, tags...)
	b.slots = fence.AppendSlots(b.slots, tags...)
}

// shut makes a batch, to which nothing is added any more, ready to be announced.
func (b *batch) shut() {
	slices.Sort(b.slots)
	b.slots = slices.Compact(b.slots)
}

// writes carries out the invalidations of writes, many at a time.
type writes struct {
	part
	watch   *watch
	members *membership
	gate    *gate
	records *records
	looks   *looks

	pending chan struct{} // there is a batch
	hands   HandOvers
	pace    Pace

	mu      sync.Mutex
	batch   *batch
	open    int       // writes that are being carried out
	ended   sync.Cond // on mu: signalled when open decreases
	closing bool
}

func newWrites(p part, watch *watch, members *membership, gate *gate, records *records) *writes {
	w := &writes{
		part: p, watch: watch, members: members, gate: gate, records: records, looks: &looks{part: p},
		pending: make(chan struct{}, 1),
	}
	w.ended.L = &w.mu
	return w
}

// close waits until no write is being carried out, and refuses those that come after.
func (w *writes) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = true
	for w.open > 0 {
		w.ended.Wait()
	}
}

// settleTags carries out the invalidation of a write that has committed; see Node.Settle. If that took a bump of the
// epoch, it returns the bump's token.
func (w *writes) settleTags(ctx context.Context, tags []string) (bump string, err error) {
	if !w.enter() {
		return "", errClosed
	}
	defer w.leave()
	began := time.Now()
	ctx, span := tracing.Start(ctx, w.Tracer, tracing.Settle, "")
	b, first := w.add(ctx, span, tags)
	<-b.done
	w.metrics.settled.Observe(time.Since(began))
	if !first {
		span.Link(b.span)
	}
	span.End(b.err)
	return b.bump, b.err
}

// enter counts a write in, unless the replica is closing.
func (w *writes) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closing {
		w.open++
	}
	return !w.closing
}

func (w *writes) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	w.ended.Broadcast()
}

// settle is like settleTags, for a write that recorded its tags: the record is removed after it.
func (w *writes) settle(ctx context.Context, record int64, tags []string) error {
	if record == 0 {
		_, err := w.settleTags(ctx, tags)
		return err
	}
	broken.At("committed")
	w.records.claim(record)
	bump, err := w.settleTags(ctx, tags)
	broken.At("settled")
	if err == nil {
		w.records.finish(carriedOut{record, bump})
	} else {
		w.records.release(record)
	}
	return err
}

// add puts tags into the next batch, and reports whether they are the first there: then the batch has their ctx and
// span.
func (w *writes) add(ctx context.Context, span tracing.Span, tags []string) (b *batch, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if first = w.batch == nil; first {
		w.batch = newBatch()
		w.batch.ctx, w.batch.span = ctx, span
	}
	b = w.batch
	b.add(tags)
	select {
	case w.pending <- struct{}{}:
	default:
	}
	return b, first
}

// run announces batch after batch. While one waits for its acknowledgements, the next is announced.
func (w *writes) run() {
	for {
		select {
		case <-w.ctx.Done():
			if b := w.take(); b != nil {
				b.err = errClosed
				close(b.done)
			}
			return
		case <-w.pending:
		}
		if b := w.take(); b != nil {
			w.carryOut(b)
		}
	}
}

func (w *writes) take() *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.batch
	w.batch = nil
	if b != nil {
		b.shut()
	}
	return b
}

// announceTries is how often an announcement is tried that found the state begun anew.
const announceTries = 3

// carryOut announces a batch, and ends it when the replicas have heard. Where Redis cannot be told, another
// replica does it; where none can, the epoch is bumped instead.
func (w *writes) carryOut(b *batch) {
	for range announceTries {
		s := w.members.await(w.AckTimeout)
		if s == nil {
			break
		}
		_, span := tracing.Start(b.ctx, w.Tracer, tracing.Announce, "")
		seq, members, err := s.announce(b.slots)
		span.Note(tracing.Members, strconv.Itoa(len(members)))
		span.End(err)
		if err == nil {
			broken.At("announced")
			w.tasks.Go(func() { w.conclude(b, s, seq, members) })
			return
		}
		if !errors.Is(err, errLost) && s.ctx.Err() == nil {
			break
		}
		w.members.end(s, err)
		w.watch.poke()
	}
	w.fallBack(b)
}

// fallBack hands a batch whose invalidation cannot reach Redis over to another replica. If there is none that can, it
// bumps the epoch, and ends the batch when no replica can be answering under the one before. Bumping it again for each
// write would have every replica begin anew each time: it is done four times a lease at most.
func (w *writes) fallBack(b *batch) {
	if w.ctx.Err() != nil {
		b.err = errClosed // it is from the outbox, and is left to other replicas
	}
	if b.err != nil || broken.Epoch {
		close(b.done)
		return
	}
	_, span := tracing.Start(b.ctx, w.Tracer, tracing.HandOver, "")
	if w.hands.Try(context.WithoutCancel(w.ctx), w.Ledger, w.Lease, b.tags) {
		w.metrics.handedOver.Inc()
		span.End(nil)
		close(b.done)
		return
	}
	bumped, err := w.watch.bump(State{Wire: Wire})
	w.tasks.Go(func() {
		if err != nil {
			b.err = fmt.Errorf("cache: a write could be told neither to Redis nor to the database: %w", err)
		} else {
			known, err := w.watch.awaitBumped(bumped)
			b.bump, b.err = known.Token, err
		}
		span.End(b.err)
		close(b.done)
	})
	sleep(w.ctx, w.pace.Pause(bumped.Epoch, w.Lease))
}
