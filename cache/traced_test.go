package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/tracing"
)

// recorder is a tracer that records its calls.
type recorder struct {
	mu    sync.Mutex
	spans []*recorded
}

type recorded struct {
	step   tracing.Step
	loader string
	parent *recorded
	links  []tracing.Span
	notes  map[string]string
	ended  bool
	err    error
}

type parentKey struct{}

func (r *recorder) Start(ctx context.Context, step tracing.Step, loader string) (context.Context, tracing.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	parent, _ := ctx.Value(parentKey{}).(*recorded)
	s := &recorded{step: step, loader: loader, parent: parent, notes: map[string]string{}}
	r.spans = append(r.spans, s)
	return context.WithValue(ctx, parentKey{}, s), s
}

func (s *recorded) Link(other tracing.Span) { s.links = append(s.links, other) }
func (s *recorded) Note(key, value string)  { s.notes[key] = value }
func (s *recorded) End(err error)           { s.ended, s.err = true, err }
func (r *recorder) of(step tracing.Step) (of []*recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.step == step {
			of = append(of, s)
		}
	}
	return of
}

// TestWaitersAreLinkedToTheFill checks the spans of callers that wait for one load: each is linked to that of the fill,
// which is a child of the first caller's span, and the parent of what the load does.
func TestWaitersAreLinkedToTheFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		c := mustNew(t, cache.Config{Tracer: r})
		l := mustLoader[int64](t, c, cache.Options{Name: "toy"})
		first, firstSpan := r.Start(t.Context(), "request", "")
		var inLoad *recorded
		load := func(ctx context.Context, _ *cache.Fill) (int64, error) {
			inLoad, _ = ctx.Value(parentKey{}).(*recorded)
			time.Sleep(time.Second)
			return 7, nil
		}
		const waiters = 5
		var asking sync.WaitGroup
		asking.Go(func() { _, _, _ = l.Get(first, "key", nil, load) })
		synctest.Wait()
		for range waiters {
			asking.Go(func() { _, _, _ = l.Get(t.Context(), "key", nil, load) })
		}
		asking.Wait()
		fills, waits := r.of(tracing.Fill), r.of(tracing.Wait)
		if len(fills) != 1 || len(waits) != waiters {
			t.Fatalf("%d fills and %d waits, want 1 and %d", len(fills), len(waits), waiters)
		}
		fill := fills[0]
		if fill.parent != firstSpan || inLoad != fill || !fill.ended || fill.loader != "toy" ||
			fill.notes[tracing.Outcome] != "loaded" {
			t.Errorf("the fill is %+v; want it to be the first caller's, and the load to be in it", fill)
		}
		for _, wait := range waits {
			if len(wait.links) != 1 || wait.links[0] != fill || !wait.ended {
				t.Errorf("who waited is linked to %v, want the fill", wait.links)
			}
		}
	})
}

// TestFailedFillsAreTold checks that a failed load ends its span with an error, and that an absence does not.
func TestFailedFillsAreTold(t *testing.T) {
	r := &recorder{}
	absent := errors.New("absent")
	l := mustLoader[int64](t, mustNew(t, cache.Config{Tracer: r}), cache.Options{
		NegativeTTL: time.Second, Absent: func(err error) bool { return errors.Is(err, absent) },
	})
	for i, err := range []error{errors.New("failed"), absent} {
		load := func(context.Context, *cache.Fill) (int64, error) { return 0, err }
		_, _, _ = l.Get(t.Context(), fmt.Sprint(i), nil, load)
	}
	fills := r.of(tracing.Fill)
	if len(fills) != 2 || fills[0].err == nil || fills[0].notes[tracing.Outcome] != "failed" || fills[1].err != nil {
		t.Errorf("fills: %+v", fills)
	}
}

// TestNearHitsAreNotTraced checks that a hit allocates nothing with a tracer or without, and that the tracer is never
// called.
func TestNearHitsAreNotTraced(t *testing.T) {
	r := &recorder{}
	for _, cfg := range []cache.Config{{}, {Tracer: r}} {
		l := mustLoader[int64](t, mustNew(t, cfg), cache.Options{})
		get(t, l, "key", nil, plain(func() (int64, error) { return 7, nil }))
		before := len(r.spans)
		allocations := testing.AllocsPerRun(100, func() {
			if _, info, _ := l.Peek("key"); info.Reason != cache.Hit {
				t.Fatal("no hit")
			}
		})
		if allocations != 0 || len(r.spans) != before {
			t.Errorf("a hit has %v allocations, and a tracer is called %d times", allocations, len(r.spans)-before)
		}
	}
}

// TestWithoutATracerContextsCostNothing checks that without a tracer starting and ending spans allocates nothing.
func TestWithoutATracerContextsCostNothing(t *testing.T) {
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		_, span := tracing.Start(ctx, nil, tracing.Fill, "toy")
		span.Note(tracing.Outcome, "loaded")
		span.End(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
