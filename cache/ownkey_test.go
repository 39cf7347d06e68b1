package cache_test

import (
	"context"
	"errors"
	"testing"

	"github.com/woodytoys/woodytoys/cache"
)

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
