package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/eko/gocache/lib/v4/store"

	"github.com/woodytoys/woodytoys/cache"
)

// stubborn is a gocache store that says it deletes and clears, and does not: what gocache's chain
// makes of a store whose deletes fail.
type stubborn struct {
	mu     sync.Mutex
	values map[any]any
}

func (s *stubborn) Get(_ context.Context, key any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value, ok := s.values[key]; ok {
		return value, nil
	}
	return nil, errors.New("not found")
}

func (s *stubborn) Set(_ context.Context, key, value any, _ ...store.Option) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
	return nil
}

func (s *stubborn) GetWithTTL(ctx context.Context, key any) (any, time.Duration, error) {
	value, err := s.Get(ctx, key)
	return value, 0, err
}
func (s *stubborn) Delete(context.Context, any) error                           { return nil }
func (s *stubborn) Invalidate(context.Context, ...store.InvalidateOption) error { return nil }
func (s *stubborn) Clear(context.Context) error                                 { return nil }
func (s *stubborn) GetType() string                                             { return "stubborn" }

// TestAPluggedStore uses a store that never removes entries, and checks that they are hits until their tag is
// invalidated, and that an old one that the store returns then is not served.
func TestAPluggedStore(t *testing.T) {
	c := mustNew(t, cache.Config{Store: &stubborn{values: map[any]any{}}})
	l := mustLoader[int64](t, c, cache.Options{})
	var db truth
	load := plain(func() (int64, error) { return db.read(), nil })
	get(t, l, key, tags, load)
	if _, info := get(t, l, key, tags, load); info.Reason != cache.Hit {
		t.Errorf("the second read: %+v, want a hit", info)
	}
	db.write()
	c.Invalidate("row")
	wantFresh(t, l, &db)
}

// TestOneLoadersValuesAreNotAnothers checks that nothing of one loader touches another's values: gocache's Redis Clear
// empties the whole server.
func TestOneLoadersValuesAreNotAnothers(t *testing.T) {
	c := mustNew(t, cache.Config{})
	a, b := mustLoader[int64](t, c, cache.Options{Name: "a"}), mustLoader[int64](t, c, cache.Options{Name: "b"})
	get(t, a, a.Key("1"), []string{"a"}, plain(func() (int64, error) { return 1, nil }))
	get(t, b, b.Key("1"), []string{"b"}, plain(func() (int64, error) { return 2, nil }))
	c.Invalidate("a")
	a.Forget(a.Key("1"))
	if v, info, _ := b.Peek(b.Key("1")); v != 2 || info.Reason != cache.Hit {
		t.Errorf("the other loader's value: %d, %+v; want it untouched", v, info)
	}
}
