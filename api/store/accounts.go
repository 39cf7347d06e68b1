package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
)

// What is said of accounts is read and written by the server that takes writes. Two nodes of a cluster may be that for
// a moment; then what a write decides by is written by it too, so that of two that would not both be allowed one is
// made again: a new session, and the end of all sessions, raise the version of the account; and who would be an
// administrator no more raises those of all administrators.

var _ accounts.Store = (*Store)(nil)

const accountColumns = "id, name, role, created_us, password"

func scanAccount(scan func(dest ...any) error, a *accounts.Account, password *string) error {
	var created int64
	err := scan(&a.ID, &a.Name, &a.Role, &created, password)
	a.Created = time.UnixMicro(created).UTC()
	return err
}

// Account implements accounts.Store.
func (s *Store) Account(ctx context.Context, id string) (accounts.Account, string, error) {
	return s.account(ctx, "id", id)
}

// AccountNamed implements accounts.Store.
func (s *Store) AccountNamed(ctx context.Context, name string) (accounts.Account, string, error) {
	return s.account(ctx, "name", name)
}

func (s *Store) account(ctx context.Context, column, value string) (a accounts.Account, password string, err error) {
	err = scanAccount(func(dest ...any) error {
		const query = "SELECT " + accountColumns + " FROM woody_account WHERE "
		return row(ctx, s.reads.behind().read, query+column+" = ?", []any{value}, dest...)
	}, &a, &password)
	if errors.Is(err, sql.ErrNoRows) {
		return accounts.Account{}, "", noAccount()
	}
	return a, password, err
}

func noAccount() error { return &shop.Error{Kind: shop.NotFound, Detail: "There is no such account."} }

// Accounts implements accounts.Store.
func (s *Store) Accounts(ctx context.Context, above string, limit int) ([]accounts.Account, error) {
	found := make([]accounts.Account, 0, limit)
	err := s.reads.behind().read(ctx, func(ctx context.Context, r *reading) error {
		const page = "SELECT " + accountColumns + " FROM woody_account WHERE id > ? ORDER BY id LIMIT ?"
		found = found[:0]
		return r.rows(ctx, page, []any{above, limit}, func(scan func(...any) error) error {
			var a accounts.Account
			var password string
			err := scanAccount(scan, &a, &password)
			found = append(found, a)
			return err
		})
	})
	return found, err
}

// HasAdministrator implements accounts.Store.
func (s *Store) HasAdministrator(ctx context.Context) (has bool, err error) {
	const query = "SELECT COUNT(*) > 0 FROM woody_account WHERE role = ?"
	err = row(ctx, s.reads.behind().read, query, []any{accounts.Administrator}, &has)
	return has, err
}

// AddAccount implements accounts.Store. The unique indexes refuse the second of two that come at once.
func (s *Store) AddAccount(ctx context.Context, a accounts.Account, look, password string) error {
	return s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		applied := ""
		if a.Role == accounts.Administrator {
			applied = password
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO woody_account "+
			"(id, name, look, role, password, applied, version, created_us) VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
			a.ID, a.Name, look, a.Role, password, applied, a.Created.UnixMicro())
		if meaningOf(err) == duplicate {
			return nil, accounts.Taken()
		}
		return nil, err
	})
}

// SetPassword implements accounts.Store.
func (s *Store) SetPassword(ctx context.Context, id, was, password string, keep accounts.RenewedSession) error {
	return s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if _, err := s.holdAccount(ctx, tx, id, was); err != nil {
			return nil, err
		}
		_, err := tx.ExecContext(ctx, "UPDATE woody_account SET password = ?, version = version + 1 WHERE id = ?",
			password, id)
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM woody_session WHERE account = ? AND id <> ?", id, keep.ID)
		if err == nil && keep.ID != "" {
			_, err = tx.ExecContext(ctx, "UPDATE woody_session SET family = ?, secret = ?, former = ?, salt = ?, "+
				"renewed_us = "+s.now+" WHERE id = ? AND account = ?", keep.Family[:], keep.Secret[:],
				make([]byte, len(keep.Secret)), make([]byte, len(keep.Secret)), keep.ID, id)
		}
		return []string{shop.AccountTag(id)}, err
	})
}

// Applied implements accounts.Store.
func (s *Store) Applied(ctx context.Context, id string) (applied string, err error) {
	const query = "SELECT applied FROM woody_account WHERE id = ?"
	err = row(ctx, s.reads.behind().read, query, []any{id}, &applied)
	if errors.Is(err, sql.ErrNoRows) {
		return "", noAccount()
	}
	return applied, err
}

// Apply implements accounts.Store.
func (s *Store) Apply(ctx context.Context, id, was, password string) error {
	return s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if _, err := s.holdAccount(ctx, tx, id, ""); err != nil {
			return nil, err
		}
		held, err := found(tx.ExecContext(ctx, "UPDATE woody_account SET password = ?, applied = ?, "+
			"version = version + 1 WHERE id = ? AND applied = ?", password, password, id, was))
		if err != nil {
			return nil, err
		}
		if !held {
			return nil, errOtherPassword
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM woody_session WHERE account = ?", id)
		return []string{shop.AccountTag(id)}, err
	})
}

// SetRole implements accounts.Store.
func (s *Store) SetRole(ctx context.Context, id string, role accounts.Role) (a accounts.Account, err error) {
	err = s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if a, err = s.holdAccount(ctx, tx, id, ""); err != nil {
			return nil, err
		}
		if err := s.spareAdministrator(ctx, tx, a, role); err != nil {
			return nil, err
		}
		a.Role = role
		_, err := tx.ExecContext(ctx, "UPDATE woody_account SET role = ?, version = version + 1 WHERE id = ?", role, id)
		return []string{shop.AccountTag(id)}, err
	})
	return a, err
}

// DeleteAccount implements accounts.Store.
func (s *Store) DeleteAccount(ctx context.Context, id, was string) error {
	return s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		a, err := s.holdAccount(ctx, tx, id, was)
		if err != nil {
			return nil, err
		}
		if err := s.spareAdministrator(ctx, tx, a, ""); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM woody_session WHERE account = ?", id); err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM woody_account WHERE id = ?", id)
		return []string{shop.AccountTag(id)}, err
	})
}

// forgetUnused removes customers' accounts that were never signed in with. They have no session, so that no cache has
// anything of them.
func (s *Store) forgetUnused(ctx context.Context) error {
	return s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM woody_account WHERE signed_in_us = 0 AND created_us < "+s.began+
			" - ? AND role = ?", accounts.UnusedTTL.Microseconds(), accounts.Customer)
		return err
	})
}

// holdAccount returns an account, its row locked until the transaction ends. It returns NotFound where there is none,
// and Changed where was is not empty and not the hash of its password.
func (s *Store) holdAccount(ctx context.Context, tx *sql.Tx, id, was string) (a accounts.Account, err error) {
	var password string
	query := "SELECT " + accountColumns + " FROM woody_account WHERE id = ?" + s.forUpdate()
	err = scanAccount(tx.QueryRowContext(ctx, query, id).Scan, &a, &password)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return a, noAccount()
	case err == nil && was != "" && password != was:
		return a, errOtherPassword
	}
	return a, err
}

var errOtherPassword = &shop.Error{Kind: shop.Changed, Detail: "The account has another password by now."}

// spareAdministrator returns Needed where an account is the shop's only administrator, and would not be one in another
// role. It writes the rows of all administrators: of two who are to go at once, the second finds the first gone.
func (s *Store) spareAdministrator(ctx context.Context, tx *sql.Tx, a accounts.Account, role accounts.Role) error {
	if a.Role != accounts.Administrator || role == accounts.Administrator {
		return nil
	}
	done, err := tx.ExecContext(ctx, "UPDATE woody_account SET version = version + 1 WHERE role = ?",
		accounts.Administrator)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n > 1 {
		return err
	}
	return &shop.Error{
		Kind: shop.Needed, Detail: "This is the shop's only administrator: make another account one first.",
	}
}

// forUpdate ends a SELECT whose rows are locked until the transaction ends. SQLite's one writer needs no lock.
func (s *Store) forUpdate() string {
	if s.skipLocked == "" {
		return ""
	}
	return " FOR UPDATE"
}
