package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
)

// A lock is a node's own, so replicas at two nodes of a cluster would migrate at once. That must not be: of two nodes
// that each make a trigger on one table, MariaDB 10.11 has one wait for the other for ever, with its applier. So at a
// node the one who migrates holds a row of woody_migration. Two nodes may write it at once: one of them loses, at its
// commit.

const (
	// migrationLease is how long a claim lasts that nobody renews: the nodes' clocks may differ by less.
	migrationLease = 30 * time.Second
	// migrationRenewal is how often it is renewed.
	migrationRenewal = 5 * time.Second
)

// claimMigration claims the right to migrate, and renews the claim until release is called. Its error is errMigrating
// where somebody else has it.
func (s *Store) claimMigration(ctx context.Context, conn *sql.Conn) (release func(), err error) {
	for _, statement := range []string{
		"CREATE TABLE IF NOT EXISTS woody_migration " +
			"(id TINYINT NOT NULL PRIMARY KEY, owner CHAR(36) NOT NULL, until_us BIGINT NOT NULL) ENGINE = InnoDB",
		"INSERT IGNORE INTO woody_migration VALUES (1, '', 0)",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return nil, lostClaim(err)
		}
	}
	owner := uuid.NewString()
	held, err := s.holdMigration(ctx, conn, owner, migrationLease)
	if err == nil && !held {
		err = errMigrating
	}
	if err != nil {
		return nil, lostClaim(err)
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.renewMigration(renewing, owner)
	}()
	return func() {
		stop()
		<-ended
		// If that fails, the next one waits for the lease.
		_, _ = s.holdMigration(context.WithoutCancel(ctx), conn, owner, 0)
	}, nil
}

// execer is a connection, or a pool of them.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// holdMigration extends a claim to a time from now, and reports whether it is the owner's.
func (s *Store) holdMigration(ctx context.Context, by execer, owner string, lasts time.Duration) (bool, error) {
	done, err := by.ExecContext(ctx, "UPDATE woody_migration SET owner = ?, until_us = "+s.now+" + ? "+
		"WHERE id = 1 AND (owner = ? OR until_us <= "+s.now+")", owner, lasts.Microseconds(), owner)
	if err != nil {
		return false, err
	}
	rows, err := done.RowsAffected()
	return rows == 1, err
}

// renewMigration renews a claim until ctx ends, on a connection of its own.
func (s *Store) renewMigration(ctx context.Context, owner string) {
	tick := time.NewTicker(migrationRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		bounded, cancel := context.WithTimeout(ctx, migrationRenewal)
		if _, err := s.holdMigration(bounded, s.schema, owner, migrationLease); err != nil && ctx.Err() == nil {
			s.log.Warn("the claim to migrate was not renewed", "err", err)
		}
		cancel()
	}
}

// lostClaim returns errMigrating for an error that says that another node has just written the same.
func lostClaim(err error) error {
	if meaningOf(err) == again || meaningOf(err) == duplicate {
		return errors.Join(errMigrating, err)
	}
	return err
}
