package cache_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

func seven(context.Context, *cache.Fill) (int64, error) { return 7, nil }

// TestTimesWithoutAnEnd checks that the longest times that there are mean that, and do not begin anew below zero.
func TestTimesWithoutAnEnd(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	c := mustNew(t, cache.Config{})
	for name, o := range map[string]cache.Options{
		"TTL": {TTL: forever},
		"all": {TTL: forever, NegativeTTL: forever, MaxStale: forever, RetryAfter: forever, SoftTimeout: forever - 1,
			HardTimeout: forever, RefreshAhead: 0.5, Jitter: 0.5},
	} {
		o.Name = name
		l := mustLoader[int64](t, c, o)
		for _, want := range []cache.Reason{cache.Unknown, cache.Hit} {
			v, info, err := l.Get(t.Context(), l.Key("x"), nil, seven)
			if v != 7 || err != nil || info.Reason != want || info.TTL < 10*365*24*time.Hour {
				t.Errorf("%s: %d, %v, %+v; want %v", name, v, err, info, want)
			}
		}
	}
}

// TestWhatNobodyWaitsForIsNotKept has a load return after its only caller has left: as one does that reads rows until
// there is an error, and does not look for which.
func TestWhatNobodyWaitsForIsNotKept(t *testing.T) {
	synctest.Test(t, testWhatNobodyWaitsFor)
}

func testWhatNobodyWaitsFor(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	for name, get := range map[string]func(context.Context, func(context.Context)) error{
		"one": func(ctx context.Context, until func(context.Context)) error {
			_, _, err := l.Get(ctx, l.Key("one"), nil, func(ctx context.Context, _ *cache.Fill) (int64, error) {
				until(ctx)
				return 1, nil
			})
			return err
		},
		"many": func(ctx context.Context, until func(context.Context)) error {
			return l.GetMany(ctx, []cache.Ask{{Key: l.Key("many")}},
				func(ctx context.Context, b *cache.Batch[int64]) error {
					until(ctx)
					for _, i := range b.Missing() {
						b.Set(i, 1)
					}
					return nil
				})[0].Err
		},
	} {
		ctx, leave := context.WithCancel(t.Context())
		if err := get(ctx, func(ctx context.Context) {
			leave()
			<-ctx.Done()
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want that the caller left", name, err)
		}
		synctest.Wait() // until the load has returned
		v, info, err := l.Get(t.Context(), l.Key(name), nil, seven)
		if v != 7 || err != nil || info.Reason == cache.Hit {
			t.Errorf("%s: half of it was kept: %d, %v, %+v", name, v, err, info)
		}
	}
}

// TestKeysOfAnotherLoader asks a loader for a key that it has not made, under which another one has its values.
func TestKeysOfAnotherLoader(t *testing.T) {
	c := mustNew(t, cache.Config{})
	numbers := mustLoader[int64](t, c, cache.Options{Name: "numbers"})
	words := mustLoader[string](t, c, cache.Options{Name: "words"})
	if _, _, err := numbers.Get(t.Context(), "7", nil, seven); err != nil {
		t.Fatal(err)
	}
	word := func(context.Context, *cache.Fill) (string, error) { return "seven", nil }
	if v, _, err := words.Get(t.Context(), "7", nil, word); err == nil {
		t.Errorf("a number is given as the text %q, without an error", v)
	}
	if v, _, err := words.Get(t.Context(), words.Key("7"), nil, word); v != "seven" || err != nil {
		t.Errorf("under its own key: %q, %v", v, err)
	}
}
