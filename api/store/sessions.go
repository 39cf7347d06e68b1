package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
)

// AddSession implements accounts.Store. No cache can have the absence of a session whose id nobody has heard yet, so
// that a new one has no tags.
func (s *Store) AddSession(ctx context.Context, n accounts.NewSession, was string, good accounts.Good) error {
	return s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		held, err := found(tx.ExecContext(ctx,
			"UPDATE woody_account SET version = version + 1, signed_in_us = "+s.now+" WHERE id = ? AND password = ?",
			n.Account, was))
		if err != nil {
			return nil, err
		}
		if !held {
			return nil, errOtherPassword
		}
		tags, err := endOldest(ctx, tx, n.Account)
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO woody_session "+
			"(id, account, family, secret, former, salt, created_us, renewed_us, until_us) "+
			"VALUES (?, ?, ?, ?, ?, ?, "+s.now+", "+s.now+", "+s.now+" + ?)",
			n.ID, n.Account, n.Family[:], n.Secret[:], make([]byte, len(n.Secret)), make([]byte, len(n.Secret)),
			min(accounts.SessionIdle, accounts.SessionMax).Microseconds())
		if err != nil {
			return nil, err
		}
		return tags, s.prove(ctx, tx, good)
	})
}

// endOldest makes room for one more session of an account, and returns the tags of those that it has ended.
func endOldest(ctx context.Context, tx *sql.Tx, account string) (tags []string, err error) {
	ids, err := texts(ctx, tx, "SELECT id FROM woody_session WHERE account = ? ORDER BY renewed_us DESC, id "+
		"LIMIT 1000 OFFSET ?", account, accounts.SessionsMax-1)
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, "DELETE FROM woody_session WHERE id = ?", id); err != nil {
			return nil, err
		}
		tags = append(tags, shop.SessionTag(id))
	}
	return tags, err
}

// RenewSession implements accounts.Store. A new secret changes nothing of what the session may do. A family that nobody
// has, as anybody can make up, is looked for by a read, which holds nothing and waits for nobody.
func (s *Store) RenewSession(
	ctx context.Context, family accounts.Hash, judge func(accounts.HeldSession) accounts.Renewal,
) (held accounts.HeldSession, err error) {
	var there bool
	query := "SELECT COUNT(*) > 0 FROM woody_session WHERE family = ? AND until_us > " + s.now
	err = row(ctx, s.reads.behind().read, query, []any{family[:]}, &there)
	switch {
	case err != nil:
		return held, err
	case !there:
		return held, noSession()
	}
	err = s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		if held, err = s.holdSession(ctx, tx, family); err != nil {
			return nil, err
		}
		switch renewal := judge(held); {
		case renewal.End:
			_, err := tx.ExecContext(ctx, "DELETE FROM woody_session WHERE id = ?", held.ID)
			return []string{shop.SessionTag(held.ID)}, err
		case renewal.Secret != (accounts.Hash{}):
			return nil, s.renew(ctx, tx, held, renewal)
		}
		return nil, nil
	})
	return held, err
}

// holdSession returns the session of a family, its row locked until the transaction ends.
func (s *Store) holdSession(ctx context.Context, tx *sql.Tx, family accounts.Hash) (h accounts.HeldSession, err error) {
	var account, password string
	var secret, former, salt []byte
	var renewed, now int64
	query := "SELECT id, account, secret, former, salt, renewed_us, " + s.now + " FROM woody_session " +
		"WHERE family = ? AND until_us > " + s.now + s.forUpdate()
	err = tx.QueryRowContext(ctx, query, family[:]).
		Scan(&h.ID, &account, &secret, &former, &salt, &renewed, &now)
	if err == nil {
		query := "SELECT " + accountColumns + " FROM woody_account WHERE id = ?"
		err = scanAccount(tx.QueryRowContext(ctx, query, account).Scan, &h.Account, &password)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return h, noSession()
	}
	copy(h.Secret[:], secret)
	copy(h.Former[:], former)
	copy(h.Salt[:], salt)
	h.Renewed, h.Now = time.UnixMicro(renewed), time.UnixMicro(now)
	return h, err
}

func noSession() error { return &shop.Error{Kind: shop.NotFound, Detail: "There is no such session."} }

func (s *Store) renew(ctx context.Context, tx *sql.Tx, h accounts.HeldSession, by accounts.Renewal) error {
	idle := s.now + " + ?"
	_, err := tx.ExecContext(ctx, "UPDATE woody_session SET former = secret, secret = ?, salt = ?, renewed_us = "+s.now+
		", until_us = CASE WHEN "+idle+" < created_us + ? THEN "+idle+" ELSE created_us + ? END WHERE id = ?",
		by.Secret[:], by.Salt[:], accounts.SessionIdle.Microseconds(), accounts.SessionMax.Microseconds(),
		accounts.SessionIdle.Microseconds(), accounts.SessionMax.Microseconds(), h.ID)
	return err
}

// Session implements accounts.Store.
func (s *Store) Session(ctx context.Context, id string) (caller accounts.Caller, left time.Duration, err error) {
	var leftUs int64
	query := "SELECT a.id, a.name, a.role, s.until_us - " + s.now + " FROM woody_session s " +
		"JOIN woody_account a ON a.id = s.account WHERE s.id = ?"
	err = row(ctx, s.reads.behind().read, query, []any{id}, &caller.Account, &caller.Name, &caller.Role, &leftUs)
	if errors.Is(err, sql.ErrNoRows) || err == nil && leftUs <= 0 {
		return accounts.Caller{}, 0, noSession()
	}
	caller.Session = id
	return caller, time.Duration(leftUs) * time.Microsecond, err
}

// EndSession implements accounts.Store. One that has ended is settled once more: whoever ended it may not have heard
// that it has.
func (s *Store) EndSession(ctx context.Context, id string) (ended bool, err error) {
	err = s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) (_ []string, err error) {
		ended, err = found(tx.ExecContext(ctx, "DELETE FROM woody_session WHERE id = ?", id))
		return []string{shop.SessionTag(id)}, err
	})
	return ended && err == nil, err
}

// EndSessions implements accounts.Store.
func (s *Store) EndSessions(ctx context.Context, account string) (ended bool, err error) {
	err = s.change(ctx, s.writes, func(ctx context.Context, tx *sql.Tx) ([]string, error) {
		there, err := found(tx.ExecContext(ctx, "UPDATE woody_account SET version = version + 1 WHERE id = ?", account))
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, noAccount()
		}
		ended, err = found(tx.ExecContext(ctx, "DELETE FROM woody_session WHERE account = ?", account))
		return []string{shop.AccountTag(account)}, err
	})
	return ended && err == nil, err
}

// forgetSessions removes sessions that have expired. No cache keeps one for longer than it lasts.
func (s *Store) forgetSessions(ctx context.Context) error {
	return s.forget(ctx, "woody_session", "until_us", 0)
}

// found reports whether a statement found a row.
func found(done sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}
