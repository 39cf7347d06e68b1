package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
)

// migration is one step of the schema. Steps only add, so that the release before can go on
// working on a schema that is one release ahead of it.
//
// MariaDB and MySQL commit each change of a table at once, so a step may be cut off between its
// statements and is then run again from its first: a statement is written so that it does no harm
// twice, or returns an error that the dialect reports as alreadyDone.
type migration []string

// retryEvery is how long Migrate waits between two tries to reach the database.
const retryEvery = time.Second

// logEvery is how often it logs that it is still waiting.
const logEvery = 3 * time.Second

// crossingsMax is how often Migrate fails, at a node of a cluster, before it gives up: another replica may be migrating
// at another node.
const crossingsMax = 5

// Migrate brings the schema up to date, waiting for a database that is away until ctx ends. Several
// replicas may call it at once: one migrates, the others wait for it. A schema that is newer than
// this program is left as it is.
//
// At a node of a cluster the one who migrates has a claim that all nodes know: see claimMigration. Should it lose that
// and go on, a change that has been made by another replica counts as made, and what changes rows commits together with
// the row of its step in woody_schema, which one of the two can write. What else fails for the other's sake is looked
// at again.
func (s *Store) Migrate(ctx context.Context) error {
	var logged time.Time
	for crossings := 0; ; {
		cluster := false
		err := s.locked(ctx, s.schema, func(conn *sql.Conn) error {
			l := linkedOf(conn)
			cluster = l != nil && l.node.galera
			if err := s.migrate(ctx, conn); err != nil {
				return err
			}
			return s.migrateAudit(ctx, conn)
		})
		if err == nil && s.migrator {
			err = s.admitted(ctx)
		}
		if err == nil {
			err = s.mayAudit(ctx)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case s.remote && (IsAway(err) || errors.Is(err, errMigrating)), s.migrator && IsRefused(err):
		case cluster && crossings < crossingsMax:
			crossings++
		default:
			return fmt.Errorf("migrate the database: %w%s", err, adviceOn(err))
		}
		if time.Since(logged) >= logEvery {
			logged = time.Now()
			s.log.Warn("waiting for the database", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}

// admitted returns nil if the database lets the user in who reads and writes, of whom a migration by another one shows
// nothing: a replica that is refused must not become ready.
func (s *Store) admitted(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	var version int
	return s.writes.db.QueryRowContext(bounded, "SELECT MAX(version) FROM woody_schema").Scan(&version)
}

// IsRefused reports whether an error is that of a server that does not let the user in, or not to the database: one who
// has not been made yet, or whose password is another.
func IsRefused(err error) bool {
	var my *mysql.MySQLError
	// ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR
	return errors.As(err, &my) && (my.Number == 1044 || my.Number == 1045)
}

// adviceOn returns what to do about a migration's error that a server only names, or "".
func adviceOn(err error) string {
	var my *mysql.MySQLError
	if !errors.As(err, &my) || errors.As(err, new(errNoAudit)) {
		return ""
	}
	switch my.Number {
	case 1044, 1142, 1227: // ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR
		return ": the user who migrates (WOODY_DB_MIGRATE_DSN, or else WOODY_DB_DSN) needs all rights on the " +
			"database (GRANT ALL ON database.* TO user), and the shop starts again then"
	}
	return ""
}

func (s *Store) migrate(ctx context.Context, conn *sql.Conn) error {
	const table = "CREATE TABLE IF NOT EXISTS woody_schema (version INTEGER PRIMARY KEY)"
	if _, err := conn.ExecContext(ctx, table); err != nil {
		return err
	}
	done, err := schemaOf(ctx, conn)
	if err != nil {
		return err
	}
	if newest := len(s.migrations); done >= newest {
		if done > newest {
			s.log.Info("the schema is newer than this program", "schema", done, "program", newest)
		}
		return nil
	}
	if l := linkedOf(conn); l != nil && l.node.galera {
		release, err := s.claimMigration(ctx, conn)
		if err != nil {
			return err
		}
		defer release()
		if done, err = schemaOf(ctx, conn); err != nil { // somebody else may just have been done
			return err
		}
	}
	if done < len(s.migrations) && s.takeOver != nil {
		if err := s.takeOver(ctx, conn, s.log); err != nil {
			return err
		}
	}
	for i, step := range s.migrations[min(done, len(s.migrations)):] {
		version := done + i + 1
		switch err := s.apply(ctx, conn, version, step); {
		case errors.Is(err, errApplied): // by a replica at another node
		case err != nil:
			return fmt.Errorf("step %d: %w", version, err)
		default:
			s.log.Info("migrated the database", "schema", version)
		}
	}
	return nil
}

// schemaOf returns the last step that has been applied to a database; 0 for none.
func schemaOf(ctx context.Context, conn *sql.Conn) (done int, err error) {
	err = conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM woody_schema").Scan(&done)
	return done, err
}

// errApplied is a step that another replica has applied meanwhile.
var errApplied = errors.New("another replica has applied the step")

// apply runs a step and notes that it ran, in one transaction where the database allows it. It returns errApplied, and
// takes back what it can, where the step was noted meanwhile.
func (s *Store) apply(ctx context.Context, conn *sql.Conn, version int, step migration) error {
	return once(ctx, conn, sql.LevelDefault, func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range step {
			if _, err := tx.ExecContext(ctx, statement); err != nil && !s.alreadyDone(err) {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO woody_schema (version) VALUES (?)", version)
		if meaningOf(err) == duplicate {
			return errApplied
		}
		return err
	})
}
