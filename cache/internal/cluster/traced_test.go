package cluster

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/woodytoys/woodytoys/cache/tracing"
)

// recorder is a tracer that records its calls.
type recorder struct {
	mu    sync.Mutex
	spans []*recorded
}

type recorded struct {
	step   tracing.Step
	parent *recorded
	links  []tracing.Span
	ended  bool
}

type parentKey struct{}

func (r *recorder) Start(ctx context.Context, step tracing.Step, _ string) (context.Context, tracing.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	parent, _ := ctx.Value(parentKey{}).(*recorded)
	s := &recorded{step: step, parent: parent}
	r.spans = append(r.spans, s)
	return context.WithValue(ctx, parentKey{}, s), s
}

func (s *recorded) Link(other tracing.Span) { s.links = append(s.links, other) }
func (*recorded) Note(string, string)       {}
func (s *recorded) End(error)               { s.ended = true }

// TestWritesThatGoTogetherAreLinked checks the spans of writes that are carried out together: what is done for a batch
// is a child of its first write's span, and the others are linked to that.
func TestWritesThatGoTogetherAreLinked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, end := mustCutOff(t, &fakeLedger{state: State{Epoch: 1}})
		r := &recorder{}
		n.Tracer = r
		const writes = 20
		var group sync.WaitGroup
		for range writes {
			group.Go(func() {
				if err := n.Settle(context.Background(), 0, []string{"toy:7"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		end()
		firsts, linked, done := map[tracing.Span]bool{}, 0, 0
		for _, s := range r.spans {
			if s.step == tracing.Settle && len(s.links) == 0 {
				firsts[s] = true
			}
		}
		for _, s := range r.spans {
			switch {
			case !s.ended:
				t.Errorf("a step %q has not ended", s.step)
			case s.step == tracing.HandOver && firsts[s.parent]:
				done++
			case s.step == tracing.Settle && len(s.links) == 1 && firsts[s.links[0]]:
				linked++
			}
		}
		if len(firsts)+linked != writes || linked == 0 || done != len(firsts) {
			t.Errorf("%d batches of which %d were carried out, and %d writes linked to them; want %d writes in all",
				len(firsts), done, linked, writes)
		}
	})
}
