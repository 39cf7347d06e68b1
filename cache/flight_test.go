package cache_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

const crowd = 1000

// together calls f crowd times at once, in a synctest bubble, and returns when all wait or are done.
func together(f func()) *sync.WaitGroup {
	var group sync.WaitGroup
	for range crowd {
		group.Go(f)
	}
	synctest.Wait()
	return &group
}

func TestColdKeyIsFilledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
		var loads, collapsed atomic.Int64
		group := together(func() {
			v, info, err := l.Get(context.Background(), key, tags, func(context.Context, *cache.Fill) (int64, error) {
				time.Sleep(time.Second)
				return loads.Add(1), nil
			})
			if v != 1 || err != nil {
				t.Errorf("got %d, %v; want the one load's value", v, err)
			}
			if info.Collapsed {
				collapsed.Add(1)
			}
		})
		group.Wait()
		if loads.Load() != 1 || collapsed.Load() != crowd-1 {
			t.Errorf("%d loads, %d collapsed; want 1 and %d", loads.Load(), collapsed.Load(), crowd-1)
		}
	})
}

// TestAPanicFreesEveryone checks that all callers of a load that panics return: groupcache's wait forever.
func TestAPanicFreesEveryone(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":  func() { panic("broken") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
				began := time.Now()
				var panics atomic.Int64
				together(func() {
					_, _, err := l.Get(context.Background(), key, tags,
						func(context.Context, *cache.Fill) (int64, error) {
							time.Sleep(time.Second)
							end()
							return 0, nil
						})
					if errors.As(err, new(*cache.PanicError)) {
						panics.Add(1)
					}
				}).Wait()
				if panics.Load() != crowd || time.Since(began) > time.Second {
					t.Errorf("%d errors after %v, want %d at once", panics.Load(), time.Since(began), crowd)
				}
				if v, _ := get(t, l, key, tags, plain(func() (int64, error) { return 7, nil })); v != 7 {
					t.Errorf("the key is stuck: %d", v)
				}
			})
		})
	}
}

func TestTheLoadGoesOnForThoseWhoRemain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
		slow := newSlowLoad()
		load := slow.of(func() (int64, error) { return 7, nil }, nil)
		ctx, giveUp := context.WithCancel(t.Context())
		first := make(chan error)
		go func() {
			_, _, err := l.Get(ctx, key, tags, load)
			first <- err
		}()
		<-slow.read
		second := make(chan int64)
		go func() {
			v, _ := get(t, l, key, tags, load)
			second <- v
		}()
		synctest.Wait()
		giveUp()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v, want context.Canceled at once", err)
		}
		close(slow.release)
		if got := <-second; got != 7 {
			t.Errorf("who remained got %d, want 7", got)
		}
	})
}

func TestALoadThatNobodyWaitsForIsToldToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		ctx, giveUp := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go l.Get(ctx, key, tags, func(ctx context.Context, _ *cache.Fill) (int64, error) {
			<-ctx.Done()
			close(stopped)
			return 0, ctx.Err()
		})
		synctest.Wait()
		giveUp()
		<-stopped
		if v, _ := get(t, l, key, tags, plain(func() (int64, error) { return 7, nil })); v != 7 {
			t.Errorf("the next caller got %d of the load that stopped, want its own 7", v)
		}
	})
}

// TestOneRunsAndOneWaits writes again and again while a load hangs: no more than one load runs.
func TestOneRunsAndOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		var running, most, loads atomic.Int64
		load := func(context.Context, *cache.Fill) (int64, error) {
			raise(&most, running.Add(1))
			time.Sleep(time.Second)
			running.Add(-1)
			return loads.Add(1), nil
		}
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { get(t, l, key, tags, load) })
			synctest.Wait()
			c.Invalidate("row")
		}
		group.Wait()
		if most.Load() != 1 || loads.Load() != 2 {
			t.Errorf("%d loads, %d at once; want 2, one after the other", loads.Load(), most.Load())
		}
	})
}

func TestErrorsAreNotKept(t *testing.T) {
	l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{NegativeTTL: time.Minute})
	broken := errors.New("broken")
	if _, _, err := l.Get(t.Context(), key, tags,
		plain(func() (int64, error) { return 0, broken })); !errors.Is(err, broken) {
		t.Errorf("got %v, want the load's error", err)
	}
	if v, info := get(t, l, key, tags, plain(func() (int64, error) { return 7, nil })); v != 7 ||
		info.Reason != cache.Unknown {
		t.Errorf("after an error: %d, %+v; want a load", v, info)
	}
}
