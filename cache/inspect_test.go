package cache_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/stats"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestInspect follows a value through its life, by looks that count as nothing.
func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{KeepTags: true})
		l := mustLoader[int64](t, c, cache.Options{Name: "toy", TTL: time.Minute})
		key := l.Key("7", "fr")
		want := cache.Inspection{Key: key, Loader: "toy", Parts: []string{"7", "fr"}}
		if got := c.Inspect(key); !reflect.DeepEqual(got, want) {
			t.Errorf("before it is loaded: %+v, want %+v", got, want)
		}
		slow := newSlowLoad()
		done := make(chan struct{})
		buffer := []byte("toy:7")
		go func() {
			defer close(done)
			l.Get(context.Background(), key, []string{string(buffer)}, slow.of(func() (int64, error) { return 3, nil },
				func(fill *cache.Fill) { fill.Tag("maker:1"); fill.Bytes(100) }))
		}()
		<-slow.read
		if got := c.Inspect(key); !got.Loading || got.Waiting != 1 || got.Near != nil {
			t.Errorf("while it is loaded: %+v, want one who waits", got)
		}
		close(slow.release)
		<-done
		time.Sleep(10 * time.Second)
		got := c.Inspect(key)
		near := got.Near
		if near == nil || got.Shared != nil || got.Loading {
			t.Fatalf("once it is loaded: %+v, want it near alone", got)
		}
		if near.Value != int64(3) || near.Err != nil || near.Absent ||
			near.Age != 10*time.Second || near.TTL != 50*time.Second || near.ID != "" ||
			near.Reason != cache.Hit || near.Size < 400 || near.Size > 600 {
			t.Errorf("near is %+v, want 3, for 10 s, with 50 s to go, and a hit", near)
		}
		if !slices.Equal(near.Tags, []string{"toy:7", "maker:1"}) || len(near.Slots) != 2 ||
			!near.DependsOn("toy:7") || !near.DependsOn("maker:1") || near.DependsOn("toy:8") {
			t.Errorf("its tags are %q, of slots %v; want toy:7 and maker:1", near.Tags, near.Slots)
		}
		c.Invalidate("maker:1")
		if got := c.Inspect(key).Near; got.Reason != cache.Invalidated || got.Value != int64(3) {
			t.Errorf("after an invalidation: %+v, want it to say so", got)
		}
		time.Sleep(time.Minute)
		if got := c.Inspect(key).Near; got.Reason != cache.Expired || got.TTL != -10*time.Second {
			t.Errorf("after its time: %+v, want it expired for 10 s", got)
		}
		counted := c.Stats().Loaders[0]
		counted.Fills = stats.Histogram{}
		if want := (stats.Loader{Name: "toy", Misses: 1}); !reflect.DeepEqual(counted, want) {
			t.Errorf("the looks are counted: %+v, want %+v", counted, want)
		}
	})
}

// TestInspectHowStale checks for how long a value is said to stand in for a load: as long as it may.
func TestInspectHowStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, staleOptions)
		key := l.Key("7")
		stale := func() time.Duration { return c.Inspect(key).Near.Stale }
		get(t, l, key, tags, plain(func() (int64, error) { return 3, nil }))
		if got := stale(); got != 61*time.Minute {
			t.Errorf("at first: %v, want its TTL and MaxStale", got)
		}
		time.Sleep(2 * time.Minute)
		if got := stale(); got != 59*time.Minute {
			t.Errorf("after 2 minutes: %v, want 59", got)
		}
		time.Sleep(time.Hour)
		if got := stale(); got != 0 {
			t.Errorf("after MaxStale: %v, want none", got)
		}
		get(t, l, key, tags, plain(func() (int64, error) { return 3, nil }))
		if c.Invalidate("row"); stale() != 0 {
			t.Errorf("after an invalidation: %v, want none", stale())
		}
	})
}

// TestInspectAnAbsence checks that both kinds of absence are distinguished from values.
func TestInspectAnAbsence(t *testing.T) {
	c := mustNew(t, cache.Config{})
	gone := errors.New("there is none")
	absent := func(err error) bool { return err == gone }
	l := mustLoader[int64](t, c, cache.Options{NegativeTTL: time.Minute, Absent: absent})
	l.Get(t.Context(), l.Key("1"), nil, plain(func() (int64, error) { return 0, gone }))
	l.Get(t.Context(), l.Key("2"), nil, func(_ context.Context, fill *cache.Fill) (int64, error) {
		fill.Absent()
		return 5, nil
	})
	l.Get(t.Context(), l.Key("3"), nil, plain(func() (int64, error) { return 0, nil }))
	for part, want := range map[string]cache.Copy{
		"1": {Value: int64(0), Err: gone, Absent: true}, "2": {Value: int64(5), Absent: true}, "3": {Value: int64(0)},
	} {
		got := c.Inspect(l.Key(part)).Near
		if got == nil || got.Value != want.Value || got.Err != want.Err || got.Absent != want.Absent ||
			got.Tags != nil {
			t.Errorf("%s: %+v, want %+v", part, got, want)
		}
	}
}

// TestInspectInRedis follows a value there.
func TestInspectInRedis(t *testing.T) {
	server := servertest.MustStartRedis(t)
	c := mustJoin(t, server)
	l := mustLoader[int64](t, c, cache.Options{Name: "toy"})
	key := l.Key("7")
	get(t, l, key, tags, plain(func() (int64, error) { return 3, nil }))
	got := c.Inspect(key)
	if got.Near == nil || got.Shared == nil {
		t.Fatalf("%+v, want it near and in Redis", got)
	}
	if there := got.Shared; there.Value != int64(3) || there.Age >= 0 || there.TTL <= 0 || there.TTL > time.Minute ||
		there.Size != 1 || there.ID == "" || there.ID != got.Near.ID || !there.DependsOn("row") ||
		there.Reason != cache.Hit {
		t.Errorf("in Redis is %+v, near %+v; want the same value, of one byte, and a hit", there, got.Near)
	}
	if err := c.Invalidate("row"); err != nil {
		t.Fatal(err)
	}
	got = c.Inspect(key)
	if wrong := cache.Invalidated; got.Near.Reason != wrong || got.Shared.Reason != wrong ||
		got.Shared.Value != int64(3) {
		t.Errorf("after an invalidation: %+v and %+v, want both to say so", got.Near, got.Shared)
	}
	if got := c.Inspect(l.Key("8")); got.Near != nil || got.Shared != nil {
		t.Errorf("of a key that nobody asked for: %+v, want nothing", got)
	}
	odd := mustLoader[int64](t, c, cache.Options{Name: "odd", Codec: unreadable{}})
	get(t, odd, odd.Key("7"), tags, plain(func() (int64, error) { return 3, nil }))
	if got := c.Inspect(odd.Key("7")).Shared; got.Value != nil || got.Err == nil {
		t.Errorf("what the codec cannot read: %+v, want an error", got)
	}
	server.Close()
	unsure := func() bool {
		got = c.Inspect(key)
		return got.Near.Reason == cache.Unsure && got.Shared != nil && got.Shared.Reason == cache.Unsure
	}
	for deadline := time.Now().Add(time.Minute); !unsure(); {
		if time.Now().After(deadline) {
			t.Fatalf("without Redis: %+v and %+v, want them unsure", got.Near, got.Shared)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// unreadable is a codec that cannot read what it wrote.
type unreadable struct{}

func (unreadable) Encode(any) ([]byte, error) { return []byte("?"), nil }
func (unreadable) Decode([]byte) (any, error) { return nil, errors.New("unreadable") }

// TestKeys checks that keys are those of the near cache, and no more than asked for.
func TestKeys(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	want := []string{l.Key("1"), l.Key("2"), l.Key("3")}
	for _, key := range want {
		get(t, l, key, nil, plain(func() (int64, error) { return 1, nil }))
	}
	got := c.Keys(10)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the keys are %q, want %q", got, want)
	}
	for most, want := range map[int]int{2: 2, 0: 0, -1: 0} {
		if got := c.Keys(most); len(got) != want {
			t.Errorf("%d keys at most: %q", most, got)
		}
	}
	for name, c := range map[string]*cache.Cache{
		"no near cache": mustNew(t, cache.Config{NoNear: true}),
		"a store":       mustNew(t, cache.Config{Store: &stubborn{values: map[any]any{}}}),
	} {
		if got := c.Keys(10); got != nil {
			t.Errorf("%s: %q, want none", name, got)
		}
	}
}

// TestTagsByNameAreCounted checks that they count towards the bound, and that nothing is kept of a caller's buffer.
func TestTagsByNameAreCounted(t *testing.T) {
	tag := strings.Repeat("x", 1000)
	size := func(cfg cache.Config) (int64, []string) {
		c := mustNew(t, cfg)
		l := mustLoader[int64](t, c, cache.Options{})
		tags := []string{tag, tag}
		get(t, l, key, tags, plain(func() (int64, error) { return 1, nil }))
		tags[0] = "another"
		near := c.Inspect(key).Near
		return near.Size, near.Tags
	}
	without, none := size(cache.Config{})
	with, named := size(cache.Config{KeepTags: true})
	if with-without < 2000+2*16 || with-without > 2000+200 || none != nil || !slices.Equal(named, []string{tag, tag}) {
		t.Errorf("%d bytes with names, %d without; want at most 200 more than the 2000 of the names", with, without)
	}
}

// FuzzParts checks that the parts of a key come out as they went in, and that no key is too odd to be looked at.
func FuzzParts(f *testing.F) {
	for _, seed := range []string{"", "a", "\x00", "\x00\x00", "\x00\x01", "a\x00", "\x00a", "\x00\x00\x01", "\x01"} {
		f.Add(seed, "", "x")
		f.Add("x", seed, seed)
	}
	c := mustNew(f, cache.Config{NoNear: true})
	l := mustLoader[int64](f, c, cache.Options{Name: "toy"})
	f.Fuzz(func(t *testing.T, a, b, rest string) {
		want := []string{a, b, rest}
		if got := c.Inspect(l.Key(want...)); got.Loader != "toy" || !slices.Equal(got.Parts, want) {
			t.Errorf("the parts of %q are %q of %q, want %q", l.Key(want...), got.Parts, got.Loader, want)
		}
		got := c.Inspect("toy\x00\x00" + rest)
		if got.Parts != nil && l.Key(got.Parts...) != got.Key {
			t.Errorf("%q was taken apart into %q", got.Key, got.Parts)
		}
	})
}

// What is kept of a key, and whether a tag makes it wrong.
func ExampleCache_Inspect() {
	c, err := cache.New(cache.Config{KeepTags: true})
	if err != nil {
		panic(err)
	}
	loader, err := cache.NewLoader[string](c, cache.Options{Name: "toy", TTL: time.Minute})
	if err != nil {
		panic(err)
	}
	loader.Get(context.Background(), loader.Key("7"), []string{"toy:7"},
		func(context.Context, *cache.Fill) (string, error) { return "yoyo", nil })
	for _, key := range c.Keys(10) {
		i := c.Inspect(key)
		fmt.Println(i.Loader, i.Parts, i.Near.Value, i.Near.Tags, i.Near.DependsOn("toy:7"), i.Near.Reason == cache.Hit)
	}
	// Output: toy [7] yoyo [toy:7] true true
}
