//go:build !broken

package store

// proves is whether reads prove that their server takes writes. Only the build tag `broken` can switch it off, for
// tests that show that it is needed.
const proves = true

// remembers is whether products keep their idempotency keys, likewise.
const remembers = true

// settles is whether caches are told of a change, likewise: without it a build answers what is stale, for whoever is to
// notice.
const settles = true
