package cluster

import (
	"context"
	"fmt"
	"sync"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// clears leave behind all that replicas keep, as a write does that nobody can be told of: they bump the epoch, and wait
// until no replica can be answering under the one before. One bump serves all who ask before it is made, and there are
// four of them in a lease at most.
type clears struct {
	part
	watch  *watch
	writes *writes // it waits for those of them that are under way before the replica closes

	pace    Pace // of run
	mu      sync.Mutex
	bumping bool
	next    *clearing // the clears that wait for the next bump
}

// clearing is one bump and the wait for it.
type clearing struct {
	done chan struct{}
	err  error // read after done
}

// clear implements Node.Clear.
func (c *clears) clear(ctx context.Context) error {
	if !c.writes.enter() {
		return errClosed
	}
	next := c.begin()
	c.tasks.Go(func() { // also for a caller who gives up
		<-next.done
		c.writes.leave()
	})
	select {
	case <-next.done:
		return next.err
	case <-ctx.Done():
		return fmt.Errorf(
			"cache: all may be cleared, or will be soon; not every replica is known to know: %w", ctx.Err())
	}
}

// begin returns a clearing whose bump is made after it was called.
func (c *clears) begin() *clearing {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = &clearing{done: make(chan struct{})}
	}
	if !c.bumping {
		c.bumping = true
		c.tasks.Go(c.run)
	}
	return c.next
}

// run makes bump after bump, until nobody asks for another.
func (c *clears) run() {
	for next := c.take(); next != nil; next = c.take() {
		bumped, err := c.watch.bump(State{Wire: Wire})
		c.tasks.Go(func() {
			next.err = c.await(bumped, err)
			close(next.done)
		})
		sleep(c.ctx, c.pace.Pause(bumped.Epoch, c.Lease))
	}
}

func (c *clears) take() *clearing {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.next
	c.next, c.bumping = nil, next != nil
	return next
}

// await waits until every replica has heard of a bump, unless that has failed.
func (c *clears) await(bumped State, err error) error {
	if err != nil {
		return fmt.Errorf("cache: %w: call Clear again", err)
	}
	if broken.Clear {
		return nil
	}
	if _, err = c.watch.awaitBumped(bumped); err != nil {
		return fmt.Errorf("%w: call Clear again", err)
	}
	return nil
}
