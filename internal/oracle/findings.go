package oracle

import (
	"fmt"
	"slices"
	"sync"
)

// Findings are what the clients of one system found, counted. The zero Findings are none.
type Findings struct {
	mu  sync.Mutex
	sum Sum
}

// Sum is how many answers were of each verdict but Good.
type Sum struct {
	Stale, Wrong, Lost int
	// Examples are the first of them, in words.
	Examples []string
}

// maxExamples bounds what is remembered of a system that is wrong all the time.
const maxExamples = 100

// All returns how many there are in all.
func (s Sum) All() int { return s.Stale + s.Wrong + s.Lost }

// Add counts a verdict with the answer in words, and returns it. Good is not counted.
func (f *Findings) Add(verdict Verdict, format string, args ...any) Verdict {
	if verdict == Good {
		return Good
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch verdict {
	case Stale:
		f.sum.Stale++
	case Wrong:
		f.sum.Wrong++
	case Lost:
		f.sum.Lost++
	}
	if len(f.sum.Examples) < maxExamples {
		f.sum.Examples = append(f.sum.Examples, fmt.Sprintf(format, args...))
	}
	return verdict
}

// Sum returns what was found so far.
func (f *Findings) Sum() Sum {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.sum
	sum.Examples = slices.Clone(sum.Examples)
	return sum
}

// Any reports whether anything was found.
func (f *Findings) Any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sum.All() > 0
}

// Take returns what was found since it was called last.
func (f *Findings) Take() Sum {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.sum
	f.sum = Sum{}
	return sum
}
