package cluster

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// number is a command that is answered with its double.
type number struct {
	n, bytes, double int
}

func (c *number) what() string { return strconv.Itoa(c.n) }
func (c *number) size() int    { return c.bytes }

// line is a pipeline that takes a second for each bundle, and what was sent through it.
type line struct {
	*pipeline[*number]

	mu         sync.Mutex
	sent       []int // the commands of each bundle
	now, peaks int   // bundles under way
}

func newLine(timeout time.Duration) *line {
	l := &line{}
	l.pipeline = newPipeline(timeout, func(numbers []*number) error {
		l.mu.Lock()
		l.sent = append(l.sent, len(numbers))
		l.now++
		l.peaks = max(l.peaks, l.now)
		l.mu.Unlock()
		time.Sleep(time.Second)
		for _, c := range numbers {
			c.double = 2 * c.n
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.now--
		return nil
	})
	return l
}

// ask sends numbers from many callers, who come one after the other, and returns how many were told that they are late.
func (l *line) ask(t *testing.T, numbers ...*number) (late int) {
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, c := range numbers {
		group.Go(func() {
			got, err := l.do(c)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errLate):
				late++
			case err != nil || got.double != 2*c.n:
				t.Errorf("%d was answered with %d, %v", c.n, got.double, err)
			}
		})
		synctest.Wait()
	}
	group.Wait()
	return late
}

func numbers(n, bytes int) (all []*number) {
	for i := range n {
		all = append(all, &number{n: i, bytes: bytes})
	}
	return all
}

func (l *line) total() (commands, most int) {
	for _, n := range l.sent {
		commands, most = commands+n, max(most, n)
	}
	return commands, most
}

// TestPipelinesAreBounded checks how many commands go together, and how many bundles at a time, when many callers come
// at once.
func TestPipelinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Hour)
		l.ask(t, numbers(1000, 0)...)
		if commands, most := l.total(); commands != 1000 || most != mostTogether || l.peaks != mostUnderWay {
			t.Errorf("%d commands, up to %d together and %d bundles at a time, want 1000, %d and %d",
				commands, most, l.peaks, mostTogether, mostUnderWay)
		}
	})
}

// TestLargeCommandsGoApart checks that large commands are sent in small bundles.
func TestLargeCommandsGoApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Hour)
		l.ask(t, numbers(20, mostBytes/2)...)
		if commands, most := l.total(); commands != 20 || most != 2 {
			t.Errorf("%d commands, up to %d together, want 20 and 2", commands, most)
		}
	})
}

// TestTheSameIsAskedOnce checks that what many callers ask for is sent once, while it is under way and while it waits.
func TestTheSameIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(time.Hour)
		var all []*number
		for i := range 400 {
			all = append(all, &number{n: i % 8}) // four go at once, and four wait
		}
		l.ask(t, all...)
		if commands, _ := l.total(); commands != 8 {
			t.Errorf("%d commands were sent, want 8", commands)
		}
	})
}

// TestALateTurn checks that nobody waits for a turn for longer than the timeout, and that who comes after is answered.
func TestALateTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1500 * time.Millisecond) // the second turn is in time, the third is not
		began := time.Now()
		const inTime = mostUnderWay + mostUnderWay*mostTogether
		if late := l.ask(t, numbers(inTime+100, 0)...); late != 100 {
			t.Errorf("%d were late, want 100", late)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the last was answered after %v", took)
		}
		if late := l.ask(t, numbers(100, 0)...); late != 0 || len(l.underWay)+len(l.waiting)+len(l.asked) != 0 {
			t.Errorf("%d were late afterwards, and %d bundles are left", late, len(l.underWay)+len(l.waiting))
		}
	})
}
