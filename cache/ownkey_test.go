package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// TestLoadsThatAskForEachOther has the loads of some keys ask for each other's at the same time, in a ring: one of them
// is told, and nobody waits for ever. It does so for single loads and for batches.
func TestLoadsThatAskForEachOther(t *testing.T) {
	const ring = 3
	for _, many := range []bool{false, true} {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		key := func(i int) string { return l.Key(strconv.Itoa(i % ring)) }
		var begun sync.WaitGroup
		begun.Add(ring)
		load := func(i int) cache.Load[int64] {
			return func(ctx context.Context, _ *cache.Fill) (int64, error) {
				begun.Done()
				begun.Wait()
				v, _, err := l.Get(ctx, key(i+1), nil, func(context.Context, *cache.Fill) (int64, error) {
					t.Error("it does not wait for the one that is under way")
					return 0, nil
				})
				return v + 1, err
			}
		}
		failed := make(chan error, ring)
		for i := range ring {
			go func() {
				if !many {
					_, _, err := l.Get(t.Context(), key(i), nil, load(i))
					failed <- err
					return
				}
				asks := []cache.Ask{{Key: key(i)}, {Key: l.Key("of " + strconv.Itoa(i))}}
				got := l.GetMany(t.Context(), asks, func(ctx context.Context, b *cache.Batch[int64]) error {
					if len(b.Missing()) < len(asks) {
						t.Error("it is not one batch")
					}
					_, err := load(i)(ctx, nil)
					return err
				})
				failed <- got[0].Err
			}()
		}
		for range ring {
			select {
			case err := <-failed:
				if !errors.Is(err, cache.ErrOwnKey) {
					t.Errorf("many %t: %v, want ErrOwnKey of all in the ring", many, err)
				}
			case <-time.After(time.Minute):
				t.Fatal("they wait for each other")
			}
		}
		if v, _, err := l.Get(t.Context(), key(0), nil,
			func(context.Context, *cache.Fill) (int64, error) { return 7, nil }); v != 7 || err != nil {
			t.Errorf("afterwards: %d, %v", v, err)
		}
	}
}

// TestARefreshIsWaitedForByNobody has a load begin a refresh of another key, whose load asks for the first one's, while
// that is under way: it gets it.
func TestARefreshIsWaitedForByNobody(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	asks, got := make(chan bool), make(chan error, 1)
	_, _, err := l.Get(t.Context(), l.Key("first"), nil, func(ctx context.Context, _ *cache.Fill) (int64, error) {
		l.Refresh(ctx, l.Key("other"), nil, func(ctx context.Context, _ *cache.Fill) (int64, error) {
			close(asks)
			v, _, err := l.Get(ctx, l.Key("first"), nil, seven)
			got <- err
			return v, err
		})
		<-asks
		return 1, nil
	})
	if err := errors.Join(err, <-got); err != nil {
		t.Error(err)
	}
}

// TestALoadThatAsksForItsOwnKey checks that it is told at once, and does not wait for itself: directly, and through the
// load of another key. What is kept may be asked for, and so may other keys.
func TestALoadThatAsksForItsOwnKey(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var own cache.Load[int64] = func(ctx context.Context, _ *cache.Fill) (int64, error) {
		v, _, err := l.Get(ctx, "own", nil, func(context.Context, *cache.Fill) (int64, error) { return 1, nil })
		return v, err
	}
	through := func(ctx context.Context, _ *cache.Fill) (int64, error) {
		v, _, err := l.Get(ctx, "other", nil, own)
		return v, err
	}
	for name, load := range map[string]cache.Load[int64]{"directly": own, "through another": through} {
		if _, _, err := l.Get(t.Context(), "own", nil, load); !errors.Is(err, cache.ErrOwnKey) {
			t.Errorf("%s: %v, want ErrOwnKey", name, err)
		}
	}
	if v, _, err := l.Get(t.Context(), "another", nil, own); v != 1 || err != nil {
		t.Errorf("a load that asks for another key: %d, %v", v, err)
	}
	if v, _, err := l.Get(t.Context(), "own", nil, own); v != 1 || err != nil {
		t.Errorf("a key that is kept by now: %d, %v", v, err)
	}
}
