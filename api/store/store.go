// Package store keeps the shop's products and orders in MariaDB or MySQL, or in an embedded SQLite
// file, behind one contract: shop.Store. The shop's accounts are kept there too, by another: accounts.Store.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// Config is which database to use, and how.
type Config struct {
	// DSN is a go-sql-driver/mysql data source name. Default: empty, a SQLite file in DataDir.
	DSN string
	// ReadDSN is where callers' reads are made, if elsewhere than at DSN: at nodes of the Galera cluster that DSN leads
	// to a node of. They have connections of their own, Pool of them. Servers that are no nodes are not read: they may
	// lack what was written. Default: empty, reads are made at DSN.
	ReadDSN string
	// MigrateDSN leads to the same database as DSN for a user who may change its tables, where DSN's may not. Migrate
	// waits for a server that does not let that user in, which may be made yet. Default: empty, DSN's does it.
	MigrateDSN string
	// DataDir is the folder of the SQLite file, made when it is missing. Used without a DSN only.
	DataDir string
	// Sync makes every SQLite write survive a loss of power, and not only of the process.
	// Default: false. A database server has settings of its own for this.
	Sync bool
	// Pool is how many connections serve callers; background work has its own. Default: 8.
	Pool int
	// Wait is how long a caller waits for one of them before it gets Busy. Default: 30s.
	Wait time.Duration
	// Timeout is how long the database may take over one piece of work, the simulated slow query
	// not counted, before it is held Unavailable. Default: 10s.
	Timeout time.Duration
	// SlowQuery is how long reading the last product holds its connection. Default: 0.
	SlowQuery time.Duration
	// ReserveFor is how long an order with items has to be validated, before it lapses. Default: 15m.
	ReserveFor time.Duration
	// Follow, where it is not nil, is called before each statement, BEGIN and COMMIT among them, that is sent on behalf
	// of ctx. What it returns is called when the database has replied; it may be nil. Default: nil.
	// A read that several callers share is sent on behalf of each of them.
	Follow func(ctx context.Context, statement string) (end func(err error))
	// Audit adds an audit to the store: Migrate makes its table, which AddEntry adds to. Default: false.
	Audit bool
	// Journal records every change. Default: none does.
	Journal Journal
	// Logger gets what callers do not see. Default: slog.Default().
	Logger *slog.Logger
}

// WithDefaults returns the configuration with the default of every field that is not set.
func (c Config) WithDefaults() Config {
	if c.Pool <= 0 {
		c.Pool = 8
	}
	if c.Wait <= 0 {
		c.Wait = 30 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.ReserveFor <= 0 {
		c.ReserveFor = 15 * time.Minute
	}
	if c.Journal == nil {
		c.Journal = noJournal{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Store is a shop.Store on a database. It is safe for concurrent use.
type Store struct {
	dialect
	slowQuery time.Duration
	wait      time.Duration
	journal   Journal
	log       *slog.Logger
	followed  bool // by Config.Follow: additions keep the contexts of their callers

	reads      *readers // callers' reads
	writes     *pool    // callers' writes; the same pool where the database takes many writers
	background *pool    // writes that must not queue behind callers': of workers and upkeep
	watch      *pool    // the same for reads: of workers, health and metrics
	schema     *sql.DB  // for migrations, without timeouts
	migrator   bool     // schema is of a user of its own
	inserts    groupQueue[*insert]
	reserveFor time.Duration // Config.ReserveFor
	claimed    atomic.Int64  // how many orders ClaimOrders has returned
	claimedFor atomic.Int64  // for how long it last did, in microseconds
	apart      *slots.Slots  // the slow queries that nobody shares, see Last

	reservations groupQueue[*reservation]

	triesMax      int   // accounts.TriesMax
	audits        *pool // of the audit's statements; nil without one
	auditQueue    groupQueue[*auditing]
	auditWait     time.Duration // auditPatience
	auditDatabase string        // its name; empty where the table is in the shop's file
	auditTable    string        // its name in a statement

	products *byID[int64, shop.Product]
	orders   *byID[string, foundOrder]

	clock   clock
	room    room
	replies replies
	wal     *writeAheadLog // SQLite's; nil with a database server
	closers []func() error
}

var _ shop.Store = (*Store)(nil)

// dialect is where the databases differ.
type dialect struct {
	name string
	// remote is a server, which may be away and come back.
	remote bool
	// now is SQL for the time in microseconds since 1970, by the database's clock.
	now string
	// began is SQL for when the statement began, likewise. An index can be searched by it, and not by MySQL's now.
	began string
	// skipLocked ends a SELECT that takes rows and passes over those that others hold.
	skipLocked string
	// byReserved makes a query use the index of reservations, where the database would read a queue of others first.
	byReserved string
	// orLock ends an INSERT of rows some of which may be there: those are locked, and left as they are.
	orLock     string
	migrations []migration
	// takeOver readies tables that somebody else made for the migrations; nil where nobody else can have.
	takeOver func(ctx context.Context, conn *sql.Conn, log *slog.Logger) error
	// locked runs the migrations while no other replica does.
	locked func(ctx context.Context, db *sql.DB, migrate func(conn *sql.Conn) error) error
	// sleep holds the connection inside the database.
	sleep func(ctx context.Context, conn *sql.Conn, d time.Duration) error
	// tryRoom writes something and takes it back; it returns nil if there is room for it.
	tryRoom func(ctx context.Context, s *Store) error
	// alreadyDone reports whether an error is that of a migration's statement that had run before.
	alreadyDone func(err error) bool
}

// Open connects to the database that cfg names. A database server need not be there yet: Migrate
// waits for it. A SQLite file must be free: an error of one sentence names the case that another process
// has it.
func Open(cfg Config) (*Store, error) {
	cfg = cfg.WithDefaults()
	open := openMySQL
	if cfg.DSN == "" {
		open = openSQLite
	}
	followed := cfg.Follow != nil
	cfg.Follow = followEach(cfg.Follow)
	s, err := open(cfg)
	if err != nil {
		return nil, err
	}
	s.clock.opened = time.Now()
	s.writes.room, s.background.room = &s.room, &s.room
	s.writes.replies, s.reads.replies = &s.replies, &s.replies
	s.followed = followed
	s.reserveFor = cfg.ReserveFor
	s.apart = slots.New(cfg.Pool/apartPart, cfg.Wait)
	s.triesMax = accounts.TriesMax
	s.inserts.queue = newQueue[*insert](maxInsertWorkers, maxInsertGroup)
	s.reservations.queue = newQueue[*reservation](maxReserveWorkers, maxReserveGroup)
	s.reservations.pace = reservePace
	s.products = newByID(s.reads, s.wait, productRows)
	s.orders = newByID(s.reads, s.wait, orderRows)
	return s, nil
}

// Close ends the connections; work under way fails.
func (s *Store) Close() error {
	var errs []error
	for _, closer := range s.closers {
		errs = append(errs, closer())
	}
	return errors.Join(errs...)
}

// Ping returns nil when the database responds, takes writes and has room for them, a Full error when it has none, and
// an Unavailable error otherwise.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.watch.row(ctx, "SELECT 1", nil, &one); err != nil {
		return err
	}
	return s.room.missing(func() error { return s.tryRoom(ctx, s) })
}

// Name returns "sqlite" or "mysql".
func (s *Store) Name() string { return s.dialect.name }

// Upkeep does the database's regular small jobs: it folds the product tally, forgets
// idempotency keys of more than a day ago, probes that nobody writes any more, sessions that have expired and tries to
// sign in that count no more, has orders whose claim has lapsed be as old as they are, shortens claims that last for
// hours since the clock was set back, and shrinks SQLite's write-ahead log. It forgets nothing while the database's
// clock seems to be ahead.
// It is meant to be called about once a minute by every replica; it does no harm more often.
func (s *Store) Upkeep(ctx context.Context) error {
	return errors.Join(s.foldTally(ctx), s.forgetOld(ctx), s.dropLapsed(ctx), s.shortenClaims(ctx), s.wal.shrink(ctx))
}

// DBs returns the connection pools by what they are for, for metrics.
func (s *Store) DBs() map[string]*sql.DB {
	if s.writes == s.background {
		return map[string]*sql.DB{"readers": s.reads.db, "writer": s.writes.db}
	}
	dbs := map[string]*sql.DB{"callers": s.writes.db, "background": s.background.db}
	if s.reads.writer != nil {
		dbs["readers"] = s.reads.db
	}
	return dbs
}

// Slots returns the connections that callers' reads share.
func (s *Store) Slots() *slots.Slots { return s.reads.slots }

// WriteSlots returns the connections that callers' writes share, where reads have others (Config.ReadDSN); else nil.
func (s *Store) WriteSlots() *slots.Slots {
	if s.reads.writer == nil {
		return nil
	}
	return s.writes.slots
}

func notFound(what string, id any) error {
	return &shop.Error{Kind: shop.NotFound, Detail: fmt.Sprintf("There is no %s %v.", what, id)}
}
