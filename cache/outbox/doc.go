// Package outbox keeps the part of a cluster's cache that is in the program's database: the epoch, and a record of
// every write whose invalidation has not been carried out yet. It is a ledger.Ledger in two tables of MariaDB, MySQL
// or PostgreSQL (see [Config]), by database/sql and the program's own driver.
//
//	box, err := outbox.New(outbox.Config{DB: db, Namespace: "toys", Direct: true}) // db is one server, and no proxy
//	err = box.Migrate(ctx)
//	c, err := cache.New(cache.Config{Cluster: &cluster.Config{Redis: options, Ledger: box}})
//
// and for each write, in its transaction and after its commit:
//
//	record, err := box.Record(ctx, tx, "toy:7")
//	err = tx.Commit()
//	err = c.Settle(record, "toy:7") // with 0 for the record when it is unknown whether the commit went through
//
// What becomes of a write:
//
//   - It is rolled back: its record goes with it.
//   - Record fails: the transaction has to be rolled back. With [ErrReadOnly] its connection has to be ended too: the
//     server is not, or is no longer, the one that takes writes.
//   - The process dies after the commit, or does not call Settle: another replica carries the record out when it is
//     older than half a lease. Until then the write was not acknowledged.
//   - The commit fails, and may have gone through: Settle with 0 makes it known, and leaves the record for a commit
//     that comes late.
//   - Settle returns an error: the write must not be acknowledged, though it has happened. Its record is left, and
//     carried out when that is possible again.
//   - The database is away: nothing is written, and what is kept is returned for a lease; for as long as it is away
//     where Config.Direct declares that it is the only server, and again after five leases where Config.Cluster
//     declares that its address leads to one Galera cluster.
//
// A write in a program that does not cache, beside others that do, is recorded by [Uncached].
//
// The package links no driver; it is tested with go-sql-driver/mysql and pgx. A transaction of the program may have any
// isolation, and may be of pgx's own: see [ExecFunc]. The statements of the ledger itself are single ones, each a
// transaction of its own. Behind PgBouncer in transaction mode pgx needs default_query_exec_mode=exec in its data
// source name, as for any statements. A program whose database is a SQLite file needs no outbox: it is one process, and
// its cache dies with it.
package outbox
