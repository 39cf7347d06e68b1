package outbox

import (
	"context"
	"database/sql"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/handover"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// Uncached is for a program without a cache that writes to a database which others may cache: the replicas
// of the release before, in an update that brings the cache in. While nobody does, it costs a read in
// each transaction; while somebody does, its writes are acknowledged as those of a replica that is cut
// off from Redis: one that caches carries them out, or it bumps the epoch and waits. In a Galera cluster each of its
// writes is recorded: see Record.
type Uncached struct {
	*Outbox
	// Lease is the others' cluster.Config.Lease.
	Lease time.Duration
}

// Record notes the tags if there are caches, and returns 0 if there are none. The row that it reads
// stays locked against the first who begins to cache until the transaction ends. Where it has changed since the
// transaction began, as it does about once a minute, one of PostgreSQL above READ COMMITTED fails with the SQLSTATE
// 40001, and is to be made again.
//
// In a Galera cluster, whose nodes hear nothing of each other's locks, Record always notes the tags, and Settle looks
// whether there are caches.
func (u *Uncached) Record(ctx context.Context, tx Queryer, tags ...string) (record int64, err error) {
	if !u.hasNodes() {
		switch used, err := u.readUsed(ctx, tx); {
		case err != nil:
			return 0, err
		case !used:
			return 0, nil
		}
	}
	return u.Outbox.Record(ctx, tx, tags...)
}

// hasNodes reports whether the database is known to be several nodes, so that Record notes the tags of each write.
func (u *Uncached) hasNodes() bool { return u.cfg.Cluster || u.galera.Load() }

const usedSQL = "SELECT used_until_us > {now}, {proof}, {node} FROM {cache} WHERE id = 1 {share}"

// nodeSQL is whether MariaDB's server is a node of a Galera cluster. To MySQL, which has no such variable, the rest of
// it is a comment.
const nodeSQL = "0 /*M!100100 + @@wsrep_on */"

// unknownVariable is the number of MySQL's error ER_UNKNOWN_SYSTEM_VARIABLE.
const unknownVariable = 1193

// readUsed reports whether there may be caches before the transaction ends.
func (u *Uncached) readUsed(ctx context.Context, tx Queryer) (bool, error) {
	used, err := u.lockUsed(ctx, tx, u.sql.used)
	if number(err) == unknownVariable { // a MariaDB that was built without Galera
		used, err = u.lockUsed(ctx, tx, u.sql.usedAlone)
	}
	return used, asReadOnly(err)
}

func (u *Uncached) lockUsed(ctx context.Context, tx Queryer, statement string) (bool, error) {
	var used, proved, node bool
	if err := tx.QueryRowContext(ctx, statement).Scan(&used, &proved, &node); err != nil {
		return false, err
	}
	if !proved {
		return false, ErrReadOnly
	}
	if node {
		u.galera.Store(true)
	}
	return used || node, nil
}

// Settle makes a write known to the caches, if there are any. It hands it over to a replica that caches. If there is
// none now, it bumps the epoch, and waits until every replica has read it or stopped answering. For that the database
// must have been there all the time.
func (u *Uncached) Settle(record int64) error {
	if record == 0 {
		return nil
	}
	ctx := context.Background()
	var bump string
	if (!u.hasNodes() || u.isCached(ctx)) && !u.handOver(ctx, record) {
		bumped, err := u.bumps.after(u.Lease, u.bumpAndWait)
		if err != nil {
			return err
		}
		bump = bumped.Token
	}
	ctx, cancel := context.WithTimeout(ctx, u.Lease)
	defer cancel()
	_ = u.Remove(ctx, []int64{record}, bump) // if that fails, the record is carried out once more
	return nil
}

const cachedSQL = "SELECT used_until_us > {now} FROM {cache} WHERE id = 1"

// isCached reports whether there may be a cache from before a write that has been committed. One that begins later has
// the write: its claim comes after this look, which comes after the commit.
func (u *Uncached) isCached(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, u.Lease)
	defer cancel()
	cached := true
	err := u.on(ctx, func(conn *sql.Conn) error { return conn.QueryRowContext(ctx, u.sql.cached).Scan(&cached) })
	return cached || err != nil
}

func (u *Uncached) handOver(ctx context.Context, record int64) bool {
	bounded, cancel := context.WithTimeout(ctx, u.Lease)
	defer cancel()
	var tags []string
	err := u.on(bounded, func(conn *sql.Conn) (err error) {
		tags, err = u.readTags(bounded, conn, record)
		return err
	})
	return err == nil && u.hands.Try(ctx, u.Outbox, u.Lease, tags)
}

// bumpAndWait bumps the epoch, hands it to made, the zero State where that failed, and waits until every replica has
// read it or stopped answering.
func (u *Uncached) bumpAndWait(made func(ledger.State)) (bumped ledger.State, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), (handover.BumpLeases+1)*u.Lease)
	defer cancel()
	bumped, err = u.Bump(ctx, ledger.State{})
	made(bumped)
	if err != nil {
		return bumped, err
	}
	return bumped, handover.AwaitBumped(func() bool { return u.reachable(ctx, bumped) })
}

const tagsSQL = "SELECT tags FROM {outbox} WHERE id = ?"

func (o *Outbox) readTags(ctx context.Context, conn *sql.Conn, record int64) (tags []string, err error) {
	var list string
	if err := conn.QueryRowContext(ctx, o.sql.tags, record).Scan(&list); err != nil {
		return nil, err
	}
	return decodeTags(list)
}

// reachable reports whether the database could be reached for a lease, whenever it was asked, and has the bump. A
// replica that caches reads the ledger at every beat anyway, and judges by that; one without a cache has nobody who
// does, so it asks for a whole lease itself. Where an answer comes so long after the one before was asked for that the
// database may have counted as unreachable for others in between, it was not there.
func (u *Uncached) reachable(ctx context.Context, bumped ledger.State) bool {
	all, last := true, time.Now()
	for range readings {
		time.Sleep(u.Lease / readings)
		asked := time.Now()
		err := u.once(ctx, func(conn *sql.Conn) error {
			has, err := u.readBump(ctx, conn, bumped.Token)
			all = all && has
			return err
		})
		all = all && err == nil && time.Since(last) <= handover.Overlap(u.Lease)
		last = asked
	}
	return all
}

// readings is how often the database is asked in a lease.
const readings = 10
