package cache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache"
)

// The schedules that break simpler caches, each staged step by step. TestLongSchedulesNeedTheFence
// sees every one of them fail when the fence is taken out.

var key, tags = "key", []string{"row"}

// wantFresh reads once more, now that the write is acknowledged.
func wantFresh(t *testing.T, l *cache.Loader[int64], db *truth) {
	t.Helper()
	got, _ := get(t, l, key, tags, plain(func() (int64, error) { return db.read(), nil }))
	if want := db.read(); got != want {
		t.Errorf("a read after the acknowledged write got version %d, want %d", got, want)
	}
}

// 1. A fill reads old. 2. A write commits and invalidates. 3. The fill stores old.
func TestScheduleForeground(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var db truth
	slow := newSlowLoad()
	first := make(chan int64)
	go func() {
		v, _ := get(t, l, key, tags, slow.of(func() (int64, error) { return db.read(), nil }, nil))
		first <- v
	}()
	<-slow.read
	db.write()
	c.Invalidate("row")
	close(slow.release)
	if got := <-first; got != 0 {
		t.Errorf("the caller from before the write got %d, want its own load's 0", got)
	}
	wantFresh(t, l, &db)
}

// 1. A refresh ahead of expiry reads old. 2. A write commits and invalidates. 3. The refresh
// stores old.
func TestScheduleAheadOfExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{TTL: time.Minute, RefreshAhead: 0.5})
		var db truth
		get(t, l, key, tags, plain(func() (int64, error) { return db.read(), nil }))
		time.Sleep(40 * time.Second) // past half the TTL and its jitter
		slow := newSlowLoad()
		get(t, l, key, tags, slow.of(func() (int64, error) { return db.read(), nil }, nil))
		<-slow.read
		db.write()
		c.Invalidate("row")
		close(slow.release)
		c.Close()
		wantFresh(t, l, &db)
	})
}

// 1. A fill finds nothing. 2. A write creates it and invalidates. 3. The fill stores the absence.
func TestScheduleNegative(t *testing.T) {
	c := mustNew(t, cache.Config{})
	gone := errors.New("there is none")
	l := mustLoader[int64](t, c, cache.Options{
		NegativeTTL: time.Minute, Absent: func(err error) bool { return errors.Is(err, gone) },
	})
	var db truth
	slow := newSlowLoad()
	first := make(chan error)
	go func() {
		_, _, err := l.Get(context.Background(), key, tags, slow.of(func() (int64, error) { return 0, gone }, nil))
		first <- err
	}()
	<-slow.read
	db.write()
	c.Invalidate("row")
	close(slow.release)
	if err := <-first; !errors.Is(err, gone) {
		t.Errorf("the caller from before the write got %v, want absence", err)
	}
	wantFresh(t, l, &db)
}

// 1. A fill reads old and does not know its tags yet. 2. A write commits and invalidates one of
// them. 3. The fill names its tags and stores old.
func TestScheduleLateTag(t *testing.T) {
	c := mustNew(t, cache.Config{})
	l := mustLoader[int64](t, c, cache.Options{})
	var db truth
	slow := newSlowLoad()
	first := make(chan bool)
	go func() {
		get(t, l, key, nil, slow.of(func() (int64, error) { return db.read(), nil },
			func(fill *cache.Fill) { fill.Tag("row") }))
		first <- true
	}()
	<-slow.read
	db.write()
	c.Invalidate("row")
	close(slow.release)
	<-first
	wantFresh(t, l, &db)
}

// 1. A fill reads old. 2. A write commits, invalidates and is acknowledged. 3. A reader arrives and
// joins the fill.
func TestScheduleJoiningAfterTheWrite(t *testing.T) {
	testJoining(t, tags, nil)
}

// The same, where the tag is not known until the fill has ended.
func TestScheduleJoiningAfterTheWriteOfALateTag(t *testing.T) {
	testJoining(t, nil, func(fill *cache.Fill) { fill.Tag("row") })
}

// The same, where the running load was asked for with fewer tags than the reader names.
func TestScheduleJoiningALoadOfFewerTags(t *testing.T) {
	testJoiningWith(t, nil, tags, nil)
}

func testJoining(t *testing.T, declared []string, afterwards func(*cache.Fill)) {
	testJoiningWith(t, declared, declared, afterwards)
}

func testJoiningWith(t *testing.T, declared, readers []string, afterwards func(*cache.Fill)) {
	synctest.Test(t, func(t *testing.T) {
		c := mustNew(t, cache.Config{})
		l := mustLoader[int64](t, c, cache.Options{})
		var db truth
		slow := newSlowLoad()
		go l.Get(context.Background(), key, declared, slow.of(func() (int64, error) {
			return db.read(), nil
		}, afterwards))
		<-slow.read
		db.write()
		c.Invalidate("row")
		late := make(chan int64, 2)
		for range 2 { // the second finds a flight that has not begun, and may join that
			go func() {
				v, _ := get(t, l, key, readers, plain(func() (int64, error) { return db.read(), nil }))
				late <- v
			}()
		}
		synctest.Wait() // both wait
		close(slow.release)
		for range 2 {
			if got := <-late; got != 1 {
				t.Errorf("a reader from after the write got version %d, want 1", got)
			}
		}
	})
}
