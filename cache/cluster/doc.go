// Package cluster makes the caches of several replicas one: what one has loaded the others find in Redis, and none of
// them returns what a write of any has made wrong.
//
//	c, err := cache.New(cache.Config{Cluster: &cluster.Config{Redis: options, Ledger: box}})
//
// The truth is the program's database, where the [Config.Ledger] is (package outbox). Redis may lose everything, or
// go back in time. PROTOCOL.md, in the folder above, explains what replicas send each other, and why that is enough.
//
// What comes back:
//
//   - cache.New refuses a Config that cannot work. It asks neither Redis nor the database, and does not wait for
//     them: until both have been reached, every read is a load.
//   - While Redis does not reply, or a right or the memory there is missing, reads go on from the near cache, for a
//     [Config.Lease], and then by loads; no read fails for want of Redis. The logger is told what is missing.
//   - While the database is away, what is kept is returned for a Lease; for longer where the ledger is that of the
//     only server there is (outbox.Config.Direct).
//   - A write is settled when all replicas have heard: one round over Redis and a look at the database. A replica
//     that is silent for [Config.AckTimeout] is waited for until its Lease is over. While this replica cannot reach
//     Redis, another one settles its writes, in up to two fifths of a Lease; while nobody can, a write takes about one
//     and a half, and all caches begin anew. Where the database cannot be told either, Settle returns an error, and
//     the write must not be acknowledged.
//   - A replica with another Lease than the others, or another wire format than the newest in use, does not cache.
package cluster
