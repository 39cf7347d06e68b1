package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/handover"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// Bare is for a program without a cache that writes to a database which others may cache: the replicas
// of the release before, in an update that brings the cache in. While nobody does, it costs a read in
// each transaction; while somebody does, its writes are acknowledged as those of a replica that is cut
// off from Redis: one that caches carries them out, or it bumps the epoch and waits.
type Bare struct {
	*Outbox
	// Lease is the others' cluster.Config.Lease.
	Lease time.Duration
}

// Record notes the tags if there are caches, and returns 0 if there are none. The row that it reads
// stays locked against the first who begins to cache until the transaction ends.
func (b *Bare) Record(ctx context.Context, tx *sql.Tx, tags ...string) (record int64, err error) {
	var used, proved bool
	query := "SELECT used_until_us > " + nowUs + ", " + takesWrites() +
		" FROM woody_cache WHERE id = 1 LOCK IN SHARE MODE"
	switch err := tx.QueryRowContext(ctx, query).Scan(&used, &proved); {
	case err != nil:
		return 0, err
	case !proved:
		return 0, ErrReadOnly
	case !used:
		return 0, nil
	}
	return b.Outbox.Record(ctx, tx, tags...)
}

// Settle makes a write known to the caches, if there are any. It hands it over to a replica that caches. If there is
// none now, it bumps the epoch, and waits until every replica has read it or stopped answering. For that the database
// must have been there all the time.
func (b *Bare) Settle(record int64) error {
	if record == 0 {
		return nil
	}
	ctx := context.Background()
	var bump string
	if !b.handOver(ctx, record) {
		bumped, err := b.bumpAndWait(ctx)
		if err != nil {
			return err
		}
		bump = bumped.Token
	}
	ctx, cancel := context.WithTimeout(ctx, b.Lease)
	defer cancel()
	_ = b.Remove(ctx, []int64{record}, bump) // left there, it is carried out once more
	return nil
}

func (b *Bare) handOver(ctx context.Context, record int64) bool {
	bounded, cancel := context.WithTimeout(ctx, b.Lease)
	defer cancel()
	var tags []string
	err := b.on(bounded, func(conn *sql.Conn) (err error) {
		tags, err = readTags(bounded, conn, record)
		return err
	})
	return err == nil && b.hands.Try(ctx, b.Outbox, b.Lease, tags)
}

func (b *Bare) bumpAndWait(ctx context.Context) (bumped ledger.State, err error) {
	ctx, cancel := context.WithTimeout(ctx, (handover.BumpLeases+1)*b.Lease)
	defer cancel()
	if bumped, err = b.Bump(ctx, ledger.State{}); err != nil {
		return bumped, err
	}
	return bumped, handover.AwaitBumped(func() bool { return b.reachable(ctx, bumped) })
}

func readTags(ctx context.Context, conn *sql.Conn, record int64) (tags []string, err error) {
	var list string
	if err := conn.QueryRowContext(ctx, "SELECT tags FROM woody_outbox WHERE id = ?", record).Scan(&list); err != nil {
		return nil, err
	}
	err = json.Unmarshal([]byte(list), &tags)
	return tags, err
}

// reachable reports whether the database could be reached for a lease, whenever it was asked, and has the bump. A
// replica that caches reads the ledger at every beat anyway, and judges by that; a bare one has nobody who does, so it
// asks for a whole lease itself. Where an answer comes so long after the one before was asked for that the database may
// have counted as unreachable for others in between, it was not there.
func (b *Bare) reachable(ctx context.Context, bumped ledger.State) bool {
	all, last := true, time.Now()
	for range readings {
		time.Sleep(b.Lease / readings)
		asked := time.Now()
		err := b.once(ctx, func(conn *sql.Conn) error {
			has, err := readBump(ctx, conn, bumped.Token)
			all = all && has
			return err
		})
		all = all && err == nil && time.Since(last) <= handover.Overlap(b.Lease)
		last = asked
	}
	return all
}

// readings is how often the database is asked in a lease.
const readings = 10
