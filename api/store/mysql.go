package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/api/callers"
)

// backgroundPool is how many connections workers, health checks and upkeep share.
const backgroundPool = 2

// CheckDSN returns an error that names what is wrong with a data source name; it never shows the
// password. The empty string is valid: it selects SQLite.
func CheckDSN(dsn string) error {
	if dsn == "" {
		return nil
	}
	_, err := parseDSN(dsn)
	return err
}

func parseDSN(dsn string) (*mysql.Config, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil || cfg.DBName == "" {
		return nil, errors.New("not a MariaDB/MySQL address: write it as user:password@tcp(host:3306)/database")
	}
	cfg.InterpolateParams = true // one round trip for a statement, not three; the driver escapes
	cfg.ClientFoundRows = true   // an UPDATE returns how many rows it found, changed or not
	cfg.Collation = "utf8mb4_bin"
	cfg.Loc = time.UTC
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"] = "'+00:00'" // claims must not jump when the server's own zone does
	if cfg.Timeout == 0 {
		cfg.Timeout = 3 * time.Second
	}
	return cfg, nil
}

func openMySQL(cfg Config) (*Store, error) {
	schema, err := openSchema(cfg)
	if err != nil {
		return nil, err
	}
	background, err := openServer(cfg, cfg.DSN, backgroundPool)
	if err != nil {
		return nil, err
	}
	background.checksWrites = true
	callers, err := openServer(cfg, cfg.DSN, cfg.Pool)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dialect: mysqlDialect, slowQuery: cfg.SlowQuery, wait: cfg.Wait, journal: cfg.Journal, log: cfg.Logger,
		reads: &readers{pool: callers}, writes: callers, background: background, watch: background, schema: schema,
		migrator: cfg.MigrateDSN != "",
		closers:  []func() error{schema.Close, callers.db.Close, background.db.Close},
	}
	if err := s.openServerAudit(cfg); err != nil {
		return nil, err
	}
	if cfg.ReadDSN == "" || cfg.ReadDSN == cfg.DSN {
		return s, nil
	}
	apart, err := openServer(cfg, cfg.ReadDSN, cfg.Pool)
	if err != nil {
		return nil, err
	}
	s.reads = newReaders(apart, callers, cfg.Logger)
	s.closers = append(s.closers, apart.db.Close)
	return s, nil
}

// openServerAudit opens the connections of the audit, where there is to be one.
func (s *Store) openServerAudit(cfg Config) error {
	if !cfg.Audit {
		return nil
	}
	to, err := parseDSN(cfg.DSN)
	if err != nil {
		return err
	}
	cfg.Wait = auditPatience
	p, err := openServer(cfg, cfg.DSN, maxAuditWorkers)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, p.db.Close)
	s.openAudit(to.DBName, p)
	return nil
}

// openSchema opens connections for migrations: without timeouts, and none is kept.
func openSchema(cfg Config) (*sql.DB, error) {
	to, err := parseDSN(cmp.Or(cfg.MigrateDSN, cfg.DSN))
	if err != nil {
		return nil, err
	}
	to.Logger = driverLog{cfg.Logger}
	db, _, err := connect(to, nil)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(-1)
	return db, nil
}

// openServer opens a pool of connections to where a DSN leads.
func openServer(cfg Config, dsn string, size int) (*pool, error) {
	to, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	to.Logger = driverLog{cfg.Logger}
	if to.ReadTimeout == 0 {
		// behind what bounds each statement, and COMMIT; the only bound of a ROLLBACK
		to.ReadTimeout = cfg.Timeout + time.Second
	}
	// The server does not see that a caller has left who waits for a row: it would keep what it has locked before that.
	if _, own := to.Params["innodb_lock_wait_timeout"]; !own {
		to.Params["innodb_lock_wait_timeout"] = strconv.Itoa(max(1, int(cfg.Timeout.Seconds()*.9)))
	}
	db, link, err := connect(to, cfg.Follow)
	if err != nil {
		return nil, err
	}
	p := newPool(db, size, cfg.Wait, cfg.Timeout)
	p.link = link
	return p, nil
}

// OpenPool opens connections to the same server for somebody else's use, at most size of them.
func OpenPool(dsn string, size int, log *slog.Logger) (*sql.DB, error) {
	cfg, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	cfg.Logger = driverLog{log}
	db, _, err := connect(cfg, nil)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

const (
	// connLifetime is how long a connection is used, give or take a fifth. It bounds how long one may go on to where
	// the address led before.
	connLifetime = 5 * time.Minute
	// connIdleTime is how long one is kept that nobody uses.
	connIdleTime = time.Minute
)

func connect(cfg *mysql.Config, follow follow) (*sql.DB, *link, error) {
	plain, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("open the database: %w", err)
	}
	link := newLink(plain, follow)
	db := sql.OpenDB(link)
	db.SetConnMaxLifetime(connLifetime*4/5 + rand.N(connLifetime*2/5)) // jitter: not all replicas at once
	db.SetConnMaxIdleTime(connIdleTime)
	return db, link, nil
}

var mysqlDialect = dialect{
	name:        "mysql",
	remote:      true,
	now:         "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)",
	began:       "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
	skipLocked:  "FOR UPDATE SKIP LOCKED",
	byReserved:  "FORCE INDEX (woody_reserved)",
	orLock:      " ON DUPLICATE KEY UPDATE failures = failures",
	migrations:  mysqlMigrations,
	takeOver:    takeOver,
	locked:      withMySQLLock,
	sleep:       sleepInMySQL,
	tryRoom:     tryTableRoom,
	alreadyDone: func(err error) bool { return meaningOf(err) == inPlace },
}

// sleepPart is how long a caller who leaves goes on sleeping at most.
const sleepPart = 250 * time.Millisecond

// sleepInMySQL sleeps in short statements, and cancels none: that would cost the connection while the server went on
// sleeping.
func sleepInMySQL(ctx context.Context, conn *sql.Conn, d time.Duration) error {
	begun, cancel := callers.Begun(ctx)
	defer cancel()
	until := time.Now().Add(d)
	for left := d; left > 0 && ctx.Err() == nil; left = time.Until(until) {
		if _, err := conn.ExecContext(begun, "DO SLEEP(?)", min(left, sleepPart).Seconds()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// errMigrating is returned when another replica migrates for longer than this one waits.
var errMigrating = errors.New("another replica is migrating")

// lockPatience is how long connecting and then waiting for the lock may take, each time it is tried.
const lockPatience = 3 * time.Second

// withMySQLLock holds a lock that belongs to the connection, so that it is gone with a replica
// that dies under it. It is a server's own, and a node of a cluster may refuse it: then there is none.
func withMySQLLock(ctx context.Context, db *sql.DB, migrate func(conn *sql.Conn) error) error {
	bounded, cancel := context.WithTimeout(ctx, lockPatience+time.Second)
	defer cancel()
	conn, err := db.Conn(bounded)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := mustTakeWrites(bounded, held{Conn: conn, linked: linkedOf(conn)}); err != nil {
		drop(conn)
		return err
	}
	var got sql.NullInt64
	const name = "CONCAT('woody_migrate.', MD5(DATABASE()))" // MySQL takes 64 characters
	err = conn.QueryRowContext(bounded, "SELECT GET_LOCK("+name+", ?)", lockPatience.Seconds()).Scan(&got)
	var my *mysql.MySQLError
	if errors.As(err, &my) && my.Number == 1235 { // ER_NOT_SUPPORTED_YET
		return migrate(conn)
	}
	if err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errMigrating
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK("+name+")")
	return migrate(conn)
}
