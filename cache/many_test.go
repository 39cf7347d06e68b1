package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/stats"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// asksOf returns asks for keys, each with the tag of its row.
func asksOf(keys ...string) (asks []cache.Ask) {
	for _, key := range keys {
		asks = append(asks, cache.Ask{Key: key, Tags: []string{"row:" + key}})
	}
	return asks
}

// setAll returns a load that brings one value for all.
func setAll(v int64) cache.LoadMany[int64] {
	return func(_ context.Context, batch *cache.Batch[int64]) error {
		for _, i := range batch.Missing() {
			batch.Set(i, v)
		}
		return nil
	}
}

// wantMany fails the test unless every ask got the value.
func wantMany(t *testing.T, got []cache.Got[int64], want int64) {
	t.Helper()
	for i, g := range got {
		if g.Value != want || g.Err != nil {
			t.Errorf("place %d: %d, %v; want %d", i, g.Value, g.Err, want)
		}
	}
}

// TestGetMany asks for keys of all kinds at once.
func TestGetMany(t *testing.T) {
	c := mustNew(t, cache.Config{})
	gone, broken, rest := errors.New("there is none"), errors.New("broken"), errors.New("the rest is broken")
	absent := func(err error) bool { return err == gone }
	l := mustLoader[int64](t, c, cache.Options{NegativeTTL: time.Minute, Absent: absent})
	get(t, l, "kept", nil, plain(func() (int64, error) { return 1, nil }))
	l.Get(t.Context(), "kept absence", nil, plain(func() (int64, error) { return 0, gone }))
	asks := asksOf("kept", "set", "absent", "failed", "kept absence", "left out", "set", "told")
	var end error
	var missing [][]int
	load := func(_ context.Context, batch *cache.Batch[int64]) error {
		missing = append(missing, batch.Missing())
		batch.Set(0, 99) // it is not missing
		batch.Fill(0).Skip()
		batch.Set(100, 99) // nor is there such a place
		batch.Fail(1, broken)
		batch.Set(1, 2)
		batch.Fail(2, gone)
		batch.Fail(3, broken)
		batch.Fail(5, nil)
		batch.Set(7, 7)
		batch.Fill(7).TTL(time.Second)
		return end
	}
	check := func(leftOut error) {
		t.Helper()
		got := l.GetMany(t.Context(), asks, load)
		stored, collapsed := cache.Info{Stored: true}, cache.Info{Collapsed: true}
		want := []cache.Got[int64]{
			{Value: 1}, {Value: 2, Info: stored}, {Err: gone, Info: stored}, {Err: broken},
			{Err: gone}, {Err: leftOut}, {Value: 2, Info: collapsed}, {Value: 7, Info: stored},
		}
		for i, got := range got {
			got.Info = cache.Info{Stored: got.Info.Stored, Collapsed: got.Info.Collapsed}
			if got != want[i] {
				t.Errorf("%s: %+v, want %+v", asks[i].Key, got, want[i])
			}
		}
		if got[7].Info.TTL > time.Second {
			t.Errorf("what was to be kept for a second is kept for %v", got[7].Info.TTL)
		}
	}
	check(cache.ErrLeftOut)
	if want := [][]int{{1, 2, 3, 5, 7}}; !slices.EqualFunc(missing, want, slices.Equal) {
		t.Errorf("the load was asked for %v, want %v", missing, want)
	}
	loader := c.Stats().Loaders[0]
	if fills := loader.Fills.Count(); fills != 7 {
		t.Errorf("%d fills, want 7: the two before and the five of the batch", fills)
	}
	loader.Fills = stats.Histogram{}
	// "kept absence" is a failed fill too, as an absence that is an error is.
	want := stats.Loader{Name: "test", Hits: 2, Misses: 8, Joined: 1, Failed: 4, Batches: 1}
	if !reflect.DeepEqual(loader, want) {
		t.Errorf("the stats are %+v, want %+v", loader, want)
	}
	for _, key := range []string{"set", "absent", "told"} {
		if _, info, _ := l.Peek(key); info.Reason != cache.Hit {
			t.Errorf("%s was not kept", key)
		}
	}
	c.Clear(t.Context())
	get(t, l, "kept", nil, plain(func() (int64, error) { return 1, nil }))
	l.Get(t.Context(), "kept absence", nil, plain(func() (int64, error) { return 0, gone }))
	end = rest
	check(rest)
	if got := l.GetMany(t.Context(), nil, load); len(got) != 0 {
		t.Errorf("without asks: %v", got)
	}
}

// heldBatch is a load of several keys that can be held between its read and its return.
type heldBatch struct {
	read    chan []int // what it was asked for, once it has read
	release chan struct{}
}

func newHeldBatch() *heldBatch { return &heldBatch{make(chan []int, 1), make(chan struct{})} }

func (h *heldBatch) of(read func() int64) cache.LoadMany[int64] {
	return func(ctx context.Context, batch *cache.Batch[int64]) error {
		v := read()
		h.read <- batch.Missing()
		select {
		case <-h.release:
			return setAll(v)(ctx, batch)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// 1. A load of three keys reads old. 2. A write of one of them commits and invalidates. 3. The load stores all three.
func TestScheduleManyOneOfThree(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var db truth
	held := newHeldBatch()
	first := make(chan []cache.Got[int64])
	go func() { first <- l.GetMany(context.Background(), asksOf("a", "b", "c"), held.of(db.read)) }()
	<-held.read
	db.write()
	c.Invalidate("row:b")
	close(held.release)
	wantMany(t, <-first, 0)
	var loaded []int
	got := l.GetMany(t.Context(), asksOf("a", "b", "c"), func(ctx context.Context, batch *cache.Batch[int64]) error {
		loaded = batch.Missing()
		return setAll(db.read())(ctx, batch)
	})
	kept := got[0].Info.Reason == cache.Hit && got[2].Info.Reason == cache.Hit
	if !slices.Equal(loaded, []int{1}) || got[1].Value != 1 || !kept {
		t.Errorf("%v were loaded again, and there came %+v; want what was written, and hits of the others", loaded, got)
	}
}

// The same, where the key's tag is not known until it has been loaded.
func TestScheduleManyLateTag(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var db truth
	held := newHeldBatch()
	load := held.of(db.read)
	first := make(chan []cache.Got[int64])
	go func() {
		first <- l.GetMany(t.Context(), asksOf("a", "b"), func(ctx context.Context, batch *cache.Batch[int64]) error {
			err := load(ctx, batch)
			batch.Fill(1).Tag("late")
			return err
		})
	}()
	<-held.read
	db.write()
	c.Invalidate("late")
	close(held.release)
	wantMany(t, <-first, 0)
	if got := l.GetMany(t.Context(), asksOf("a", "b"), setAll(db.read())); got[0].Value != 0 || got[1].Value != 1 {
		t.Errorf("there came %+v, want the second loaded again", got)
	}
}

// 1. A load of two keys reads old. 2. A write of one of them is acknowledged. 3. Readers arrive, one for that key and
// one for both, and find the load still running.
func TestScheduleJoiningABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		var db truth
		held := newHeldBatch()
		go l.GetMany(context.Background(), asksOf("a", "b"), held.of(db.read))
		<-held.read
		db.write()
		c.Invalidate("row:b")
		one, both := make(chan int64, 1), make(chan []cache.Got[int64], 1)
		go func() {
			v, _ := get(t, l, "b", []string{"row:b"}, plain(func() (int64, error) { return db.read(), nil }))
			one <- v
		}()
		go func() { both <- l.GetMany(context.Background(), asksOf("a", "b"), setAll(db.read())) }()
		synctest.Wait() // all wait
		close(held.release)
		if got := <-one; got != 1 {
			t.Errorf("the reader of one got version %d, want 1", got)
		}
		if got := <-both; got[1].Value != 1 {
			t.Errorf("the reader of both got %+v, want version 1 of the second", got)
		}
	})
}

// 1. A refresh of two values by one load reads old. 2. A write of one of them commits and invalidates. 3. The refresh
// stores old.
func TestScheduleManyAheadOfExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: time.Minute, RefreshAhead: 0.5})
		var db truth
		asks := asksOf("a", "b", "c")
		l.GetMany(t.Context(), asks[:2], setAll(db.read()))
		time.Sleep(40 * time.Second) // past half the TTL and its jitter
		get(t, l, "c", nil, plain(func() (int64, error) { return db.read(), nil }))
		held := newHeldBatch()
		wantMany(t, l.GetMany(t.Context(), asks, held.of(db.read)), 0) // at once
		if got := <-held.read; !slices.Equal(got, []int{0, 1}) {
			t.Errorf("%v are refreshed, want the first two by one load", got)
		}
		db.write()
		c.Invalidate("row:b")
		close(held.release)
		c.Close()
		got := c.Stats().Loaders[0]
		if got.Refreshes != 2 || got.Refused != 1 || got.Batches != 2 {
			t.Errorf("%d refreshes, %d refused, %d batches; want 2, 1 and 2", got.Refreshes, got.Refused, got.Batches)
		}
		again := l.GetMany(t.Context(), asks, setAll(db.read()))
		if again[1].Value != 1 || again[0].Info.Reason != cache.Hit || again[0].Info.TTL != time.Minute {
			t.Errorf("there came %+v, want the second loaded again and the first as refreshed", again)
		}
	})
}

// TestGetAndGetManyJoin checks that Get and GetMany wait for what the other loads, and load nothing of it themselves.
func TestGetAndGetManyJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
		held, slow := newHeldBatch(), newSlowLoad()
		var group sync.WaitGroup
		group.Go(func() {
			wantMany(t, l.GetMany(context.Background(), asksOf("a", "b"), held.of(func() int64 { return 7 })), 7)
		})
		group.Go(func() { get(t, l, "c", nil, slow.of(func() (int64, error) { return 7, nil }, nil)) })
		<-held.read
		<-slow.read
		never := plain(func() (int64, error) { t.Error("it was loaded again"); return 0, nil })
		group.Go(func() {
			if v, info := get(t, l, "b", []string{"row:b"}, never); v != 7 || !info.Collapsed {
				t.Errorf("who asked for one of the batch got %d, %+v; want to have joined it", v, info)
			}
		})
		var own []int
		group.Go(func() {
			load := func(ctx context.Context, batch *cache.Batch[int64]) error {
				own = batch.Missing()
				return setAll(7)(ctx, batch)
			}
			got := l.GetMany(context.Background(), asksOf("a", "c", "d"), load)
			wantMany(t, got, 7)
			if !got[0].Info.Collapsed || !got[1].Info.Collapsed || got[2].Info.Collapsed {
				t.Errorf("who asked for what others load got %+v, want to have joined the first two", got)
			}
		})
		synctest.Wait()
		if !slices.Equal(own, []int{2}) {
			t.Errorf("%v were loaded meanwhile, want what nobody else loads, at once", own)
		}
		if _, info, _ := l.Peek("d"); info.Reason != cache.Hit {
			t.Error("what is loaded waits for what others load")
		}
		close(held.release)
		close(slow.release)
		group.Wait()
	})
}

// TestWhoWaitsForABatch checks that the load of a batch goes on as long as a caller waits for any of its keys.
func TestWhoWaitsForABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithCancel(t.Context())
		defer leaveSecond()
		held := newHeldBatch()
		var ended atomic.Bool
		load := held.of(func() int64 { return 7 })
		done := make(chan error, 3)
		go func() {
			got := l.GetMany(first, asksOf("a", "b"), func(ctx context.Context, batch *cache.Batch[int64]) error {
				context.AfterFunc(ctx, func() { ended.Store(true) })
				return load(ctx, batch)
			})
			done <- errors.Join(got[0].Err, got[1].Err)
		}()
		<-held.read
		go func() {
			_, _, err := l.Get(second, "b", []string{"row:b"}, nil)
			done <- err
		}()
		synctest.Wait()
		leaveFirst()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		if synctest.Wait(); ended.Load() {
			t.Error("the load was ended though somebody waits for a part of it")
		}
		leaveSecond()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		if synctest.Wait(); !ended.Load() {
			t.Error("the load goes on though nobody waits for it")
		}
		wantMany(t, l.GetMany(t.Context(), asksOf("a", "b"), setAll(8)), 8)
	})
}

// TestAPanicOfABatchFreesEveryone checks the same of a batch, for a panic and for runtime.Goexit.
func TestAPanicOfABatchFreesEveryone(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("broken") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
			got := l.GetMany(t.Context(), asksOf("a", "b"), func(_ context.Context, batch *cache.Batch[int64]) error {
				batch.Set(0, 7)
				end()
				return nil
			})
			for i, g := range got {
				if !errors.As(g.Err, new(*cache.PanicError)) || g.Info.Stored {
					t.Errorf("place %d: %+v, want a PanicError", i, g)
				}
			}
			wantMany(t, l.GetMany(t.Context(), asksOf("a", "b"), setAll(8)), 8)
		})
	}
}

// TestAPanicOfAbsentFreesEveryone checks that all keys of a batch get a PanicError when Options.Absent panics.
func TestAPanicOfAbsentFreesEveryone(t *testing.T) {
	l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{Absent: func(error) bool { panic("broken") }})
	got := l.GetMany(t.Context(), asksOf("a", "b"), func(context.Context, *cache.Batch[int64]) error {
		return errors.New("away")
	})
	for i, g := range got {
		if !errors.As(g.Err, new(*cache.PanicError)) {
			t.Errorf("place %d: %+v, want a PanicError", i, g)
		}
	}
}

// TestABatchAsksForItsOwnKeys checks that a load finds out that it would wait for itself.
func TestABatchAsksForItsOwnKeys(t *testing.T) {
	l := mustLoader[int64](t, mustNew(t, cache.Config{}), cache.Options{})
	got := l.GetMany(t.Context(), asksOf("a", "b"), func(ctx context.Context, batch *cache.Batch[int64]) error {
		_, _, err := l.Get(ctx, "b", nil, nil)
		batch.Fail(0, err)
		inner := l.GetMany(ctx, asksOf("a", "c"), setAll(3))
		if batch.Fail(1, inner[0].Err); inner[1].Value != 3 {
			t.Errorf("another key: %+v, want it loaded", inner[1])
		}
		return nil
	})
	for i, g := range got {
		if !errors.Is(g.Err, cache.ErrOwnKey) {
			t.Errorf("place %d: %+v, want ErrOwnKey", i, g)
		}
	}
}

// TestManyOracle runs TestOracle with reads of several keys at once, by themselves and beside reads of one. Some values
// expire and are refreshed at once, and after some writes all is cleared.
func TestManyOracle(t *testing.T) {
	for name, o := range map[string]cache.Options{
		"kept": {}, "expiring": {TTL: 2 * time.Millisecond, Jitter: 0.5, RefreshAhead: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustNew(t, cache.Config{})
			oracle := manyOracle{reads: readsOfMany(), clears: true,
				replicas: []*burster{{c, mustLoader[int64](t, c, o)}}}
			oracle.run(t)
		})
	}
}

// TestManyClusterOracle does the same with two replicas, each of which writes and reads.
func TestManyClusterOracle(t *testing.T) {
	both := mustStartTwo(t, servertest.MustStartRedis(t), 0, 3*time.Second)
	for name, o := range map[string]cache.Options{
		"kept": {}, "expiring": {TTL: 20 * time.Millisecond, Jitter: 0.5, RefreshAhead: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			o.Name = name
			// Writes take a while here, and reads are to come between them.
			oracle := manyOracle{reads: readsOfMany(), pause: 200 * time.Microsecond}
			for _, r := range both {
				if err := r.Invalidate("nothing"); err != nil { // a first write waits for the leases of those before
					t.Fatal(err)
				}
				oracle.replicas = append(oracle.replicas, &burster{r.Cache, mustLoader[int64](t, r.Cache, o)})
			}
			oracle.run(t)
		})
	}
}

// readsOfMany returns how many reads these oracles check: a fifth of oracle-reads, unless those are more than by
// default.
func readsOfMany() int {
	if *oracleReads <= fewReads {
		return *oracleReads / 5
	}
	return *oracleReads
}

// manyOracle reads several keys at once from replicas under concurrent writes. Before each read it takes the highest
// versions acknowledged; the read may not answer an older one.
type manyOracle struct {
	reads    int
	replicas []*burster
	pause    time.Duration // before a read, at the most
	clears   bool          // some writes clear all, in place of invalidating their tag

	rows         [8]truth
	acknowledged [8]atomic.Int64
	read, stale  atomic.Int64
}

func (o *manyOracle) run(t *testing.T) {
	const readers, writers = 6, 2
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					o.write(t, o.replicas[i%len(o.replicas)].Cache)
				}
			}
		})
	}
	for i := range readers {
		reading.Go(func() {
			for o.read.Add(4) <= int64(o.reads) && o.stale.Load() < 1000 {
				if o.pause > 0 {
					time.Sleep(rand.N(o.pause))
				}
				o.readFour(t, o.replicas[i%len(o.replicas)].rows)
			}
		})
	}
	reading.Wait()
	close(done)
	writing.Wait()
	if n := o.stale.Load(); n > 0 {
		t.Errorf("%d of %d reads were stale", n, o.reads)
	}
	for _, r := range o.replicas {
		for _, got := range r.Stats().Loaders {
			got.Fills = stats.Histogram{}
			t.Logf("%+v", got)
		}
	}
}

func (o *manyOracle) write(t *testing.T, c *cache.Cache) {
	k := rand.IntN(len(o.rows))
	version := o.rows[k].write()
	runtime.Gosched()
	var err error
	if o.clears && rand.IntN(10) == 0 {
		err = c.Clear(context.Background())
	} else {
		err = c.Invalidate(fmt.Sprint("row:", k))
	}
	if err != nil {
		t.Error(err)
		return
	}
	raise(&o.acknowledged[k], version)
	pause(20)
}

// readFour reads four keys, at once or one after the other.
func (o *manyOracle) readFour(t *testing.T, l *cache.Loader[int64]) {
	picked := rand.Perm(len(o.rows))[:4]
	var asks []cache.Ask
	var floors []int64
	for _, k := range picked {
		asks = append(asks, asksOf(fmt.Sprint(k))...)
		floors = append(floors, o.acknowledged[k].Load())
	}
	row := func(i int) int64 {
		v := o.rows[picked[i]].read()
		pause(100) // between the read and the store is where writes do harm
		return v
	}
	got := make([]cache.Got[int64], len(asks))
	if rand.IntN(4) == 0 {
		for i, ask := range asks {
			load := plain(func() (int64, error) { return row(i), nil })
			got[i].Value, got[i].Info, got[i].Err = l.Get(context.Background(), ask.Key, ask.Tags, load)
		}
	} else {
		got = l.GetMany(context.Background(), asks, func(_ context.Context, batch *cache.Batch[int64]) error {
			for _, i := range batch.Missing() {
				batch.Set(i, row(i))
			}
			return nil
		})
	}
	for i, g := range got {
		if g.Err != nil {
			t.Error(g.Err)
		}
		if g.Value < floors[i] {
			o.stale.Add(1)
		}
	}
}

// pause lets others go first, so many times at most.
func pause(most int) {
	for range rand.IntN(most) {
		runtime.Gosched()
	}
}

// A page of toys, of which one query loads those that are not kept.
func ExampleLoader_GetMany() {
	toys := map[string]string{"1": "yoyo", "2": "train"} // the database
	c, err := cache.New(cache.Config{})
	if err != nil {
		panic(err)
	}
	loader, err := cache.NewLoader[string](c, cache.Options{Name: "toy", TTL: time.Minute})
	if err != nil {
		panic(err)
	}
	page := func(ids ...string) {
		var asks []cache.Ask
		for _, id := range ids {
			asks = append(asks, cache.Ask{Key: loader.Key(id), Tags: []string{"toy:" + id}})
		}
		got := loader.GetMany(context.Background(), asks, func(_ context.Context, batch *cache.Batch[string]) error {
			for _, i := range batch.Missing() { // SELECT … WHERE id IN (…)
				fmt.Println("load", ids[i])
				if name, found := toys[ids[i]]; found {
					batch.Set(i, name)
				} else {
					batch.Fail(i, errors.New("no such toy"))
				}
			}
			return nil
		})
		for _, g := range got {
			fmt.Println(g.Value, g.Err)
		}
	}
	page("1")
	page("1", "2", "3")
	// Output:
	// load 1
	// yoyo <nil>
	// load 2
	// load 3
	// yoyo <nil>
	// train <nil>
	//  no such toy
}
