package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/api/callers"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// insertQueue holds the products that wait to be added. A worker takes all that wait into one transaction, so that many
// callers share one commit and one invalidation: group commit. A caller who comes alone waits for nobody.
type insertQueue struct {
	mu      sync.Mutex
	waiting []*insert
	workers int
}

type insert struct {
	ctx     context.Context // the caller's, for Config.Follow
	product shop.Product
	key     string // the idempotency key; empty without one
	err     error
	node    string        // the database's that replied; empty for none
	done    chan struct{} // closed when the product, or the error, is there
}

const (
	maxInsertWorkers = 2  // one fills its transaction while the other commits, where the database takes two writers
	maxInsertGroup   = 64 // keeps transactions short
)

// AddProduct implements shop.Store.
func (s *Store) AddProduct(ctx context.Context, name string) (shop.Product, error) {
	return s.join(ctx, name, "")
}

// AddProductOnce implements shop.Store. Of two calls with one key at the same time, the unique key lets one through;
// the other returns what that one stored.
func (s *Store) AddProductOnce(ctx context.Context, name, key string) (shop.Product, error) {
	p, err := s.join(ctx, name, key)
	if errors.Is(err, errKeyUsed) {
		return s.ProductByKey(ctx, key)
	}
	return p, err
}

// join adds a product, in one transaction with others that wait.
func (s *Store) join(ctx context.Context, name, key string) (shop.Product, error) {
	a := &insert{ctx: ctx, product: shop.Product{Name: name, Version: 1}, key: key, done: make(chan struct{})}
	if s.inserts.add(a) {
		go s.runInserts()
	}
	patience := time.NewTimer(s.wait)
	defer patience.Stop()
	var err error
	select {
	case <-a.done:
		shop.RepliedBy(ctx, a.node)
		return a.product, a.err
	case <-patience.C:
		err = noConnection(slots.ErrBusy)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if s.inserts.leave(a) {
		return shop.Product{}, err
	}
	begun, cancel := callers.Begun(ctx)
	defer cancel()
	select { // it is in a transaction already: wait for the outcome
	case <-a.done:
		shop.RepliedBy(ctx, a.node)
		return a.product, a.err
	case <-begun.Done():
		return shop.Product{}, &shop.Error{
			Kind: shop.Uncertain, Err: begun.Err(), Detail: "This replica is ending. " + shop.MayBeDone,
		}
	}
}

// runInserts adds what waits until nothing does. While one group is settled, the next is added.
func (s *Store) runInserts() {
	for s.inserts.goOn() {
		group, settle := s.addTogether()
		go func() {
			err := settle()
			for _, a := range group {
				// the key's first use may be in this very transaction
				if a.err == nil || err != nil && errors.Is(a.err, errKeyUsed) {
					a.err = err
				}
				close(a.done)
			}
		}()
	}
}

// addTogether adds what waits once there is a connection. What the database refuses of it gets an error of
// its own; the one that settle returns is everyone's.
func (s *Store) addTogether() (group []*insert, settle func() error) {
	var node string
	ctx := shop.NoteDatabase(s.context(), func(name string) { node = name })
	settle = s.commit(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) (tags []string, err error) {
		if group == nil {
			group = s.inserts.take()
		}
		deadline, _ := ctx.Deadline()
		for i, a := range group {
			// the database is slow: commit a few rather than run out of time with all
			if i > 0 && time.Until(deadline) < s.writes.timeout/2 {
				s.inserts.giveBack(group[i:])
				group = group[:i]
				break
			}
			a.product.ID, err = insertProduct(ctx, tx, a.product.Name)
			if err == nil && a.key != "" && remembers {
				err = s.keepProductKey(ctx, tx, a.key, a.product)
			}
			if err != nil && !isRefusal(err) && !errors.Is(err, errKeyUsed) {
				return nil, err
			}
			if a.err = explain(context.Background(), err); a.err == nil {
				tags = append(tags, shop.AddedTags(a.product.ID)...)
			}
		}
		slices.Sort(tags)
		return slices.Compact(tags), nil
	})
	// Without a connection, who has waited too long leaves by himself; without a database all hear of it.
	if group == nil && !errors.Is(settle(), slots.ErrBusy) {
		group = s.inserts.take()
	}
	for _, a := range group {
		a.node = node
	}
	return group, settle
}

// context returns the context of the next group. Where the store is followed it has the values of the first one's
// caller: what is done for the group is a part of what is done for that caller.
func (s *Store) context() context.Context {
	if !s.followed {
		return context.Background()
	}
	s.inserts.mu.Lock()
	defer s.inserts.mu.Unlock()
	if len(s.inserts.waiting) == 0 {
		return context.Background()
	}
	return callers.Carry(context.Background(), s.inserts.waiting[0].ctx)
}

// insertProduct adds a product under the next id. A node of a cluster may give out an id that another node's product
// has, which has just come: then it is the next one after all.
func insertProduct(ctx context.Context, tx *sql.Tx, name string) (id int64, err error) {
	for try := 1; ; try++ {
		added, err := tx.ExecContext(ctx, "INSERT INTO product (name) VALUES (?)", name)
		switch {
		case err == nil:
			return added.LastInsertId()
		case meaningOf(err) != duplicate || try == maxTries:
			return 0, err
		}
	}
}

// add queues an insert, and reports whether the caller must start a worker for it.
func (q *insertQueue) add(a *insert) (worker bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, a)
	if q.workers == maxInsertWorkers {
		return false
	}
	q.workers++
	return true
}

// leave takes an insert back, and reports whether it could: no worker had taken it yet.
func (q *insertQueue) leave(a *insert) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(other *insert) bool { return other == a })
	return len(q.waiting) < before
}

// giveBack queues inserts again, before all others.
func (q *insertQueue) giveBack(group []*insert) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Concat(group, q.waiting)
}

// take returns the next group: not nil, and empty when those that waited have left, or another worker has them.
func (q *insertQueue) take() []*insert {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxInsertGroup)
	group := append([]*insert{}, q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// goOn reports whether a worker is still needed. One that is not counts as ended.
func (q *insertQueue) goOn() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.workers--
		return false
	}
	return true
}

// InsertsWaiting returns how many inserts wait for a transaction.
func (s *Store) InsertsWaiting() int {
	s.inserts.mu.Lock()
	defer s.inserts.mu.Unlock()
	return len(s.inserts.waiting)
}
