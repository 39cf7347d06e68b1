package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// fakeLedger is a ledger in memory, which can fail. Real ones are in package outbox.
type fakeLedger struct {
	mu      sync.Mutex
	state   State
	records []Record
	removed []int64
	err     error
	partly  bool  // err comes with the state
	bumpErr error // of Bump alone
	bumps   int
	tokens  []string              // of the bumps that it has not lost
	look    func() (State, error) // instead of Look

	handed    int // records that were handed over
	progress  func(record Record) (Progress, error)
	taken     []int64
	withdrawn []int64
}

func (l *fakeLedger) Namespace() string { return "toys" }

func (l *fakeLedger) HandOver(_ context.Context, tags []string) (Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handed++
	return Record{ID: -int64(l.handed), Tags: tags}, l.err
}

func (l *fakeLedger) Take(_ context.Context, ids []int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = append(l.taken, ids...)
	return l.err
}

func (l *fakeLedger) Withdraw(_ context.Context, record Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.withdrawn = append(l.withdrawn, record.ID)
	return l.err
}

func (l *fakeLedger) Progress(_ context.Context, record Record) (Progress, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.progress == nil {
		return Waiting, l.err
	}
	return l.progress(record)
}

// set puts the ledger into a state, as after a restore.
func (l *fakeLedger) set(state State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
}

func (l *fakeLedger) get() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

func (l *fakeLedger) Read(context.Context, time.Duration) (State, []Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil && !l.partly {
		return State{}, nil, l.err
	}
	return l.state, l.records, l.err
}

func (l *fakeLedger) Look(context.Context) (State, error) {
	l.mu.Lock()
	state, look, err := l.state, l.look, l.err
	l.mu.Unlock()
	if look != nil {
		return look()
	}
	return state, err
}

func (l *fakeLedger) Bump(_ context.Context, least State) (State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bumpErr != nil {
		return State{}, l.bumpErr
	}
	if l.err == nil {
		l.bumps++
		l.state.Token = fmt.Sprint("bump", l.bumps)
		l.tokens = append(l.tokens, l.state.Token)
		l.state.Epoch, l.state.Wire = max(l.state.Epoch+1, least.Epoch), max(l.state.Wire, least.Wire)
		if least.Run != "" {
			l.state.Run = least.Run
		}
	}
	return l.state, l.err
}

func (l *fakeLedger) HasBump(_ context.Context, token string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.tokens, token), l.err
}

func (l *fakeLedger) Remove(_ context.Context, ids []int64, bump string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bump != "" && !slices.Contains(l.tokens, bump) {
		return l.err
	}
	l.removed = append(l.removed, ids...)
	l.records = slices.DeleteFunc(l.records, func(r Record) bool { return slices.Contains(ids, r.ID) })
	return l.err
}

// fail makes all calls fail from now on, or none if err is nil.
func (l *fakeLedger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// newPart returns what a part of a Node needs, with leases of a second, and what ends it. The ledger may be nil.
func newPart(t testing.TB, ledger Ledger) (part, context.CancelFunc) {
	if ledger == nil {
		ledger = &fakeLedger{}
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return part{
		Config: &Config{
			Redis: &redis.UniversalOptions{}, Ledger: ledger,
			Lease: time.Second, FillLease: time.Second, AckTimeout: time.Second, Timeout: time.Second,
			Host:   layer.Host{Fences: fence.New(), Now: func() int64 { return int64(time.Since(began)) }},
			Logger: slog.New(slog.DiscardHandler),
		},
		metrics: newMetrics(), ctx: ctx, tasks: &sync.WaitGroup{},
	}, cancel
}

// mustStartNode starts a replica at a server, with what set changes of the settings that newPart makes, and ends it
// with the test.
func mustStartNode(t *testing.T, server *servers.Redis, ledger Ledger, set func(*Config)) *Node {
	t.Helper()
	p, _ := newPart(t, ledger)
	cfg := *p.Config
	cfg.Redis = &redis.UniversalOptions{Addrs: []string{server.Addr}}
	set(&cfg)
	n, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}
