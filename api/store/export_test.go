package store

import (
	"context"
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

// Reads has a query be a read of a number, and reports whether its connection counts then as one whose server takes
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

// SetReaderPatience has reads wait so long for a reader.
func (s *Store) SetReaderPatience(d time.Duration) { s.reads.patience = d }

// ReaderPatience is how long a read waits for a reader.
const ReaderPatience = readerPatience
