package cluster

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// TestManyGoTogether checks that what one caller asks for at once is sent in bundles as full as possible, and that what
// is asked for twice, or by another, is sent once.
func TestManyGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Hour)
		var group sync.WaitGroup
		group.Go(func() { l.do(&number{n: 7}) })
		synctest.Wait() // it is under way
		all := append(numbers(150, 0), &number{n: 9})
		began := time.Now()
		for i, place := range l.doAll(all) {
			if err := place.bundle.err; err != nil || place.command.double != 2*all[i].n {
				t.Errorf("%d was answered with %d, %v", all[i].n, place.command.double, err)
			}
		}
		group.Wait()
		slices.Sort(l.sent)
		if want := []int{1, 21, 64, 64}; !slices.Equal(l.sent, want) || time.Since(began) > time.Second {
			t.Errorf("bundles of %v were sent, and answered after %v; want %v at once", l.sent, time.Since(began), want)
		}
		if len(l.doAll(nil)) != 0 || len(l.underWay)+len(l.waiting)+len(l.asked) != 0 {
			t.Error("something is left")
		}
	})
}

// TestManyTooMany checks that those whose turn comes too late, after others', are told so, and the others are answered;
// and that of those of one caller none is late, however many they are.
func TestManyTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1500 * time.Millisecond) // the second turn is in time, the third is not
		var late atomic.Int64
		ask := func(commands []*number) {
			for _, place := range l.doAll(commands) {
				if place.bundle.err != nil {
					late.Add(1)
				}
			}
		}
		var group sync.WaitGroup
		all := numbers(3*mostAtOnce, 0)
		for part := range slices.Chunk(all, mostAtOnce) {
			group.Go(func() { ask(part) })
		}
		group.Wait()
		if late.Load() != mostAtOnce {
			t.Errorf("%d were late, want those of the third turn", late.Load())
		}
		late.Store(0)
		if ask(numbers(10*mostAtOnce, 0)); late.Load() > 0 {
			t.Errorf("%d of one caller were late, want none", late.Load())
		}
	})
}

// TestManyFail checks that when Redis fails no more of one caller's commands are sent than were under way.
func TestManyFail(t *testing.T) {
	failed := errors.New("away")
	var sent atomic.Int64
	p := newPipeline(time.Hour, func([]*number) error { sent.Add(1); return failed })
	all := numbers(10*mostAtOnce, 0)
	for i, place := range p.doAll(all) {
		if place.bundle.err != failed || place.command != all[i] {
			t.Fatalf("%d: %+v, %v", i, place.command, place.bundle.err)
		}
	}
	if sent.Load() > mostUnderWay {
		t.Errorf("%d bundles were sent, want the first %d", sent.Load(), mostUnderWay)
	}
}

// TestNoTriedLeaseIsNil checks that a replica without a session returns neither leases nor waits.
func TestNoTriedLeaseIsNil(t *testing.T) {
	p, _ := newPart(t, &fakeLedger{})
	n := newNode(p)
	for _, tried := range n.TryFetch([]layer.Ask{{Key: "a"}, {Key: "b", From: &layer.Lookup{}}}) {
		if tried.Lease != nil || tried.Busy {
			t.Errorf("without a session: %+v, want nothing", tried)
		}
	}
	for _, there := range n.LookupMany([]string{"a", "b"}) {
		if there.Session != nil || there.Hit {
			t.Errorf("without a session: %+v, want nothing", there)
		}
	}
}
