// Package oracle distinguishes stale, wrong and lost answers from right ones. The clients of a system that is measured
// or broken share one: a writer notes what was acknowledged; a reader notes what was acknowledged before it reads (the
// floor), and checks the answer against that. What was acknowledged only while the answer was under way may be in it or
// not, and so may a write whose end is unknown: no answer is ever checked against either.
package oracle

// Verdict is what an answer was worth.
type Verdict uint8

const (
	// Good is an answer that keeps every promise.
	Good Verdict = iota
	// Stale is an answer older than what was acknowledged before the question.
	Stale
	// Wrong is an answer that was never so.
	Wrong
	// Lost is a write that was acknowledged and is not there.
	Lost
)

// String returns the verdict as text.
func (v Verdict) String() string { return [...]string{"good", "stale", "wrong", "lost"}[v] }
