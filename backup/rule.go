package main

import "time"

// task is what is to be done next.
type task string

const (
	nothing   task = ""
	makeFull  task = "full"
	doVerify  task = "verify"
	doShip    task = "ship"    // not chosen by the rule: it goes on beside the others
	doForget  task = "forget"  // part of a full backup
	doRestore task = "restore" // asked for
)

// tasks are all that may fail.
var tasks = []task{makeFull, doVerify, doShip, doForget, doRestore}

// facts are what the rule goes by.
type facts struct {
	now      time.Time
	good     time.Time // when the newest good backup was taken; zero if there is none
	broken   bool      // the logs do not go on from there: a restore would end where they break off
	verified time.Time // when a backup was last verified, and the whole repository read
	failed   time.Time // when the last full backup or verification failed; zero if it did not
	failures int       // how many did in a row
}

// made notes a good backup. It was restored and compared, as in a verification, which reads the rest of the repository
// too: so that does not come later by this one, but for the first.
func (f *facts) made(taken, now time.Time) {
	f.good = taken
	if f.verified.IsZero() {
		f.verified = now
	}
}

// rhythm is how often things are done.
type rhythm struct{ every, verifyEvery, retryAfter time.Duration }

// maxDoublings bounds how far apart attempts that fail become: 32 times the first distance.
const maxDoublings = 5

// clockSlack is how far the clock may be set back without a word.
const clockSlack = time.Minute

// due reports whether it is so long since then. It is where the clock has gone back behind then: how long is unknown.
func (f facts) due(then time.Time, every time.Duration) bool {
	return !f.now.Before(then.Add(every)) || then.After(f.now.Add(clockSlack))
}

// next returns what is to be done now. A full backup comes first where there is no good one, or its logs break off; one
// that fails is tried again, at twice the distance each time.
func (r rhythm) next(f facts) task {
	if f.failures > 0 && f.now.Before(f.failed.Add(r.retryAfter<<min(f.failures-1, maxDoublings))) {
		return nothing
	}
	switch {
	case f.good.IsZero(), f.broken, f.due(f.good, r.every):
		return makeFull
	case f.due(f.verified, r.verifyEvery):
		return doVerify
	}
	return nothing
}
