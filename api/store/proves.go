//go:build !broken

package store

// proves reports whether reads prove that their server takes writes. Only the build tag `broken` can switch it off, for
// tests that show that it is needed.
const proves = true

// remembers reports whether products keep their idempotency keys, likewise.
const remembers = true

// causal reports whether connections to a node of a cluster wait until that has caught up, likewise.
const causal = true

// settles reports whether a change is settled, likewise: a build that does not serves stale answers, for an observer to
// find.
const settles = true
