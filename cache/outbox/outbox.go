package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/handover"
	"github.com/woodytoys/woodytoys/cache/internal/namespace"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// Config is what an Outbox is made of.
type Config struct {
	// DB is the database that the writes go to. Three connections of its own are best: a ledger that waits behind
	// slow queries is a cache that is not used, and each write waits for a look at the epoch. Where the primary may be
	// replaced by another server, its data source name has rejectReadOnly=true (MySQL) or
	// target_session_attrs=read-write (pgx), and nothing in between moves a connection that is there to another server.
	// Required.
	DB *sql.DB
	// Namespace is what the names of the program's cache begin with: its tables, NAMESPACE_cache and NAMESPACE_outbox,
	// and its keys and channels in Redis, NAMESPACE:*. Programs that share a database, each with a cache of its own,
	// have one each; the replicas of a program have the same. A letter and up to 31 letters, digits or underscores, in
	// lower case. Required.
	Namespace string
	// Dialect is what DB is. Default: MySQL.
	Dialect Dialect
	// Direct declares that the address of DB is that of the one server that takes writes: no proxy, balancer or cluster
	// of several servers is there, nor several addresses of one name. If it refuses connections, or is silent for five
	// leases, nobody can be writing, and what is cached is served on until it is back. Elsewhere that proves nothing of
	// what others can reach. A node of a Galera cluster is never taken for the one server. Default: false; without a
	// database nothing is answered from the caches for longer than a lease.
	Direct bool
	// Cluster declares that the address of DB leads, as a proxy's does, to the nodes of one Galera cluster, and that
	// all writers come by that way. When for five leases nobody is heard there who takes part in the cluster, nobody
	// can be writing, and what is cached is served on until somebody is: a refusal, a connection that ends, a node that
	// is not of the majority, and no reply are all the same. New fails with Direct beside it, and with another dialect
	// than MySQL. Default: false.
	Cluster bool
}

func (c *Config) check() error {
	if c.DB == nil {
		return errors.New("outbox: Config.DB is missing")
	}
	if err := namespace.Check(c.Namespace); err != nil {
		return fmt.Errorf("outbox: Config.Namespace: %w", err)
	}
	if c.Dialect != MySQL && c.Dialect != Postgres {
		return fmt.Errorf("outbox: Config.Dialect is %v, and must be MySQL or Postgres", c.Dialect)
	}
	if c.Cluster && (c.Direct || c.Dialect != MySQL) {
		return errors.New("outbox: Config.Cluster is for an address that leads to the nodes of a Galera cluster: set " +
			"it without Direct, and with the dialect MySQL")
	}
	return nil
}

// Outbox is a ledger.Ledger in two tables. It is safe for concurrent use.
type Outbox struct {
	cfg        Config
	sql        statements
	claimAgain atomic.Int64 // when a claim that has not run out may be tried again, in ns since 1970
	galera     atomic.Bool  // a server was a node of a Galera cluster
	demoted    atomic.Bool  // the server that responded last takes no writes
	links      links
	hands      handover.HandOvers // of Uncached
	bumps      sharedBumps        // of Uncached
}

var _ ledger.Ledger = (*Outbox)(nil)

// New returns an outbox. It does not use the database; the tables are made by Migrate. It fails without a DB or a
// Namespace.
func New(cfg Config) (*Outbox, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Outbox{cfg: cfg, sql: newStatements(cfg.Dialect, cfg.Namespace)}, nil
}

// Namespace implements ledger.Ledger.
func (o *Outbox) Namespace() string { return o.cfg.Namespace }

const recordSQL = "INSERT INTO {outbox} (id, tags, recorded_us)" +
	" SELECT {bigint}, {text}, {now} {nowhere} WHERE {proof}"

// Record notes the tags of what a transaction changes. It returns the record, for Settle. Rolling the
// transaction back undoes it. An error that is ErrReadOnly means that the transaction must be rolled back and its
// connection ended: its server has been demoted, or never was the primary. In PostgreSQL no transaction can commit in
// which a statement has failed, this one or one before.
func (o *Outbox) Record(ctx context.Context, tx Execer, tags ...string) (record int64, err error) {
	list, err := encodeTags(tags)
	if err != nil {
		return 0, err
	}
	record = newRecord()
	done, err := tx.ExecContext(ctx, o.sql.record, record, list)
	if err := changed(done, err); err != nil {
		return 0, err
	}
	return record, nil
}

// Read implements ledger.Ledger. A reading counts only from a server that has proved, since it was asked, that it takes
// writes. One that has the state and not the outbox, since that took too long, is an error with the state: a database
// that replies is not silent.
func (o *Outbox) Read(ctx context.Context, grace time.Duration) (state ledger.State, left []ledger.Record, err error) {
	err = o.on(ctx, func(conn *sql.Conn) error {
		state, left = ledger.State{}, nil
		read, err := o.readState(ctx, conn)
		if err == nil {
			state = read // whose claim that there are caches is made
			if left, err = o.readLeft(ctx, conn, grace); err != nil && ctx.Err() != nil {
				err = fmt.Errorf("the epoch came, and the outbox not in time: %v", err) // which is no silence
			}
		}
		return err
	})
	return state, left, err
}

const leftSQL = "(SELECT id, tags, FALSE FROM {outbox} WHERE recorded_us > ? AND" +
	" (recorded_us < {now} - ? OR recorded_us > {now} AND recorded_us <= {now} + ?)" +
	" ORDER BY recorded_us LIMIT 100) UNION ALL" +
	" (SELECT id, tags, TRUE FROM {outbox} WHERE recorded_us <= ? ORDER BY recorded_us LIMIT 100)"

// readLeft reads what writers have left: up to a hundred records of those who are gone, and as many that were handed
// over, however many there are of the others. From a record that cannot be read nobody learns what it was about: the
// epoch is bumped for it.
//
// A record of the future was made by another server, whose clock is ahead: its age is unknown, and by this
// clock it would come of age late. So it counts as left. Among the nodes of a cluster, which all make records, it is
// most likely of a moment ago; and a cluster loses no bump, by which such a record would be needed at once.
func (o *Outbox) readLeft(ctx context.Context, conn *sql.Conn, grace time.Duration) (left []ledger.Record, err error) {
	ahead := mostAhead
	if o.galera.Load() {
		ahead = 0
	}
	rows, err := conn.QueryContext(ctx, o.sql.left, taken, grace.Microseconds(), ahead.Microseconds(), taken)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lost []int64
	for rows.Next() {
		var record ledger.Record
		var list string
		if err := rows.Scan(&record.ID, &list, &record.Waited); err != nil {
			return nil, err
		}
		tags, err := decodeTags(list)
		if err != nil {
			lost = append(lost, record.ID)
			continue
		}
		record.Tags = tags
		left = append(left, record)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	if len(lost) > 0 {
		if _, err := o.bump(ctx, conn, ledger.State{}); err != nil {
			return nil, err
		}
		err = o.remove(ctx, conn, lost, "")
	}
	return left, err
}
