package store

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
)

// Tries are counted in rows of woody_sign_in, which are locked from the first statement on, in the order of their keys:
// who comes meanwhile is counted after.

// Try implements accounts.Store.
func (s *Store) Try(
	ctx context.Context, keys []accounts.Key, allow func(now time.Time, seen []accounts.Tries) error,
) error {
	return s.writes.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		now, seen, err := s.holdTries(ctx, tx, keys)
		if err != nil {
			return err
		}
		if err := allow(now, seen); err != nil {
			return err
		}
		args := append([]any{accounts.TriesTTL.Microseconds()}, keyArgs(keys)...)
		_, err = tx.ExecContext(ctx, "UPDATE woody_sign_in SET "+
			"failures = CASE WHEN tried_us < "+s.now+" - ? THEN 1 ELSE failures + 1 END, tried_us = "+s.now+
			" WHERE what IN ("+marks(len(keys), "?")+")", args...)
		return err
	})
}

// holdTries returns how keys stand, their rows locked until the transaction ends, and the time.
func (s *Store) holdTries(ctx context.Context, tx *sql.Tx, keys []accounts.Key) (
	now time.Time, seen []accounts.Tries, err error,
) {
	_, err = tx.ExecContext(ctx, "INSERT INTO woody_sign_in (what, failures, tried_us, proved_us) VALUES "+
		marks(len(keys), "(?, 0, 0, 0)")+s.orLock, keyArgs(keys)...)
	if err != nil {
		return now, nil, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT what, failures, tried_us, proved_us, "+s.now+
		" FROM woody_sign_in WHERE what IN ("+marks(len(keys), "?")+")", keyArgs(keys)...)
	if err != nil {
		return now, nil, err
	}
	defer rows.Close()
	seen = make([]accounts.Tries, len(keys))
	for rows.Next() {
		var what []byte
		var failures, tried, proved, nowUs int64
		if err := rows.Scan(&what, &failures, &tried, &proved, &nowUs); err != nil {
			return now, nil, err
		}
		now = time.UnixMicro(nowUs)
		seen[slices.Index(keys, accounts.Key(what))] = triesOf(failures, tried, proved, now)
	}
	return now, seen, rows.Err()
}

// triesOf returns what counts of a row.
func triesOf(failures, tried, proved int64, now time.Time) (t accounts.Tries) {
	if last := time.UnixMicro(tried); now.Sub(last) <= accounts.TriesTTL {
		t.Failures, t.Last = int(failures), last
	}
	if last := time.UnixMicro(proved); now.Sub(last) <= accounts.ProvedTTL {
		t.Proved = last
	}
	return t
}

// keyArgs returns keys as arguments of a statement, in their order.
func keyArgs(keys []accounts.Key) []any {
	sorted := slices.SortedFunc(slices.Values(keys), func(a, b accounts.Key) int { return bytes.Compare(a[:], b[:]) })
	args := make([]any, len(sorted))
	for i := range sorted {
		args[i] = sorted[i][:]
	}
	return args
}

// TakeBack implements accounts.Store.
func (s *Store) TakeBack(ctx context.Context, keys []accounts.Key) error {
	return s.writes.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		return takeBack(ctx, tx, keys)
	})
}

func takeBack(ctx context.Context, tx *sql.Tx, keys []accounts.Key) error {
	_, err := tx.ExecContext(ctx, "UPDATE woody_sign_in SET failures = failures - 1 WHERE failures > 0 AND what IN ("+
		marks(len(keys), "?")+")", keyArgs(keys)...)
	return err
}

// Prove implements accounts.Store.
func (s *Store) Prove(ctx context.Context, good accounts.Good) error {
	return s.writes.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		return s.prove(ctx, tx, good)
	})
}

func (s *Store) prove(ctx context.Context, tx *sql.Tx, good accounts.Good) error {
	if len(good.Counted) > 0 {
		if err := takeBack(ctx, tx, good.Counted); err != nil {
			return err
		}
	}
	if len(good.Proved) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO woody_sign_in (what, failures, tried_us, proved_us) VALUES "+
		marks(len(good.Proved), "(?, 0, "+s.now+", 0)")+s.orLock, keyArgs(good.Proved)...)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE woody_sign_in SET failures = 0, proved_us = "+s.now+
		" WHERE what IN ("+marks(len(good.Proved), "?")+")", keyArgs(good.Proved)...)
	return err
}

// forgetTries removes tries that count no more, and of those that do the oldest where there are too many: first of
// those that only failed.
func (s *Store) forgetTries(ctx context.Context) error {
	return s.background.tx(ctx, sql.LevelReadCommitted, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM woody_sign_in WHERE tried_us < "+s.began+" - ? AND "+
			"proved_us < "+s.began+" - ?", accounts.TriesTTL.Microseconds(), accounts.ProvedTTL.Microseconds())
		if err != nil {
			return err
		}
		for _, kind := range []string{"proved_us = 0", "proved_us > 0"} {
			if err := s.forgetOldest(ctx, tx, kind); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetOldest removes those of a kind that were tried before the latest triesMax.
func (s *Store) forgetOldest(ctx context.Context, tx *sql.Tx, kind string) error {
	oldest, err := texts(ctx, tx, "SELECT tried_us FROM woody_sign_in WHERE "+kind+
		" ORDER BY tried_us DESC LIMIT 1 OFFSET ?", s.triesMax)
	if err != nil || len(oldest) == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM woody_sign_in WHERE "+kind+" AND tried_us <= ?", oldest[0])
	return err
}
