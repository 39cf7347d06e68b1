package store

import (
	"context"
	"strings"
	"testing"
	"time"
)

// ExactSteps are the statements that make comparisons exact.
var ExactSteps = mysqlMigrations[3]

// For the tests of the tables of errors.
var (
	MeaningOf     = meaningOf
	MySQLMeanings = mysqlMeanings
	IsUndone      = isUndone
)

const (
	Duplicate = duplicate
	InPlace   = inPlace
	Again     = again
	Busy      = busy
	Full      = full
	ReadOnly  = readOnly
	Away      = away
	Ending    = ending
	MaxTries  = maxTries
)

// Reads reads a number by a query, and reports whether its connection counts then as one whose server takes
// writes.
func (s *Store) Reads(ctx context.Context, query string) (proved bool, err error) {
	err = s.reads.read(ctx, func(ctx context.Context, r *reading) error {
		var n int
		err := r.row(ctx, query, nil, &n)
		proved = r.linked.proved != 0
		return err
	})
	return proved, err
}

// MySQLMigrations are the steps of a database server's schema.
var MySQLMigrations = mysqlMigrations

// SetReaderPatience sets how long reads wait for a reader.
func (s *Store) SetReaderPatience(d time.Duration) { s.reads.readTimeout = d }

// AuditPatience is how long an entry of the audit waits.
const AuditPatience = auditPatience

// SetAuditPatience has entries of the audit wait so long.
func (s *Store) SetAuditPatience(d time.Duration) { s.auditWait = d }

// HoldTransactions has a server leave transactions for a minute that a test holds back. It comes before any call.
func (s *Store) HoldTransactions() {
	if s.writes.link != nil {
		s.writes.link.idleInWrite = time.Minute
	}
}

// ReaderPatience is how long a read waits for a reader.
const ReaderPatience = readerTimeout

// ReadWorkers is how many reads by id are made at a time.
func (s *Store) ReadWorkers() int { return s.products.maxWorkers }

// MustExec runs SQL past the store's rules.
func (s *Store) MustExec(ctx context.Context, statement string, args ...any) {
	if _, err := s.writes.db.ExecContext(ctx, statement, args...); err != nil {
		panic(err)
	}
}

// MustCount counts rows FROM somewhere.
func (s *Store) MustCount(ctx context.Context, from string) (n int) {
	if err := s.writes.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		panic(err)
	}
	return n
}

// SetTriesMax sets how many keys of a kind keep their tries.
func (s *Store) SetTriesMax(n int) { s.triesMax = n }

// ClaimQueries returns the queries by which orders are claimed, one of each at most, by the indexes that they are to
// use.
func (s *Store) ClaimQueries() map[string]string {
	rest, _ := s.oldest(nil)
	one := strings.NewReplacer("LIMIT ?", "LIMIT 1", "?", "1000000")
	return map[string]string{
		"woody_reserved": one.Replace(s.pickQuery(s.byReserved, s.reserved())),
		"order_waiting":  one.Replace(s.pickQuery("", rest)),
	}
}

// UpkeepQueries returns queries that look for what is over, by the indexes that they are to use.
func (s *Store) UpkeepQueries() map[string][]string {
	one := strings.NewReplacer("LIMIT ?", "LIMIT 1", "?", "1000000")
	until := func(table, column string) []string { return []string{one.Replace(s.forgetUntil(table, column))} }
	return map[string][]string{
		"order_key_created":   until("order_key", "created_us"),
		"product_key_created": until("product_key", "created_us"),
		"woody_session_until": until("woody_session", "until_us"),
		"order_waiting":       {"SELECT order_id FROM `order` WHERE " + s.lapsed()},
		"woody_reserved": {one.Replace(s.reservedUntil("BETWEEN 1 AND " + s.began + " - 1")),
			one.Replace(s.reservedUntil("> " + s.began + " + ?"))},
	}
}

// AdvanceClock has the database's clock seem to go that much further, and PassTime what was found wrong with it be so
// for longer.
func (s *Store) AdvanceClock(d time.Duration) {
	s.clock.ahead, s.clock.doubted = s.clock.ahead-d, s.clock.doubted-d
}
func (s *Store) PassTime(d time.Duration) { s.clock.since -= d }

// SetLink has files be linked by f until a test ends.
func SetLink(t testing.TB, f func(from, to string) error) {
	former := linkFile
	linkFile = f
	t.Cleanup(func() { linkFile = former })
}

// ForgetGroup is how many rows are forgotten at a time, about.
const ForgetGroup = forgetGroup
