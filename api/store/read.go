package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Every read proves, in the statement that reads, that its server takes writes. A primary is made read-only before
// another takes its place, so what is read from a server that takes writes lacks no write that was acknowledged
// before; what a demoted one returns may lack any. cache/PROTOCOL.md explains what caches need of it.

// What a server is asked, for proof to read. The short one is in every read; the other setting does not change while a
// server runs, and is asked for when a connection is new.
const (
	askBriefly = "SELECT @@read_only w,"
	askFully   = "SELECT CONCAT(@@read_only,@@innodb_read_only) w"
)

// proof is whether a server takes writes, as it reports itself.
type proof bool

// Scan implements sql.Scanner: a server takes writes where its settings are off, which it reports as a number or a
// string.
func (p *proof) Scan(value any) error {
	switch value := value.(type) {
	case int64:
		*p = value == 0
	case []byte:
		switch string(value) {
		case "0", "OFF", "00", "OFFOFF", "OFF0", "0OFF":
			*p = true
		default:
			*p = false
		}
	default:
		return fmt.Errorf("whether the server takes writes is %v, want a number or a text", value)
	}
	return nil
}

// provedFor is how long one proof counts as the one before a reading. A server evaluates a proof when it likes, maybe
// after it has read. Two proofs hold what lies between them, unless a server is made read-only and a primary again
// between the two; nobody does that so fast.
const provedFor = 500 * time.Millisecond

// read calls f with a connection to read with. Where its server is read-only, f is called once more, with a
// connection that was begun after read was. If that one's server is read-only too, as in an operator's maintenance,
// what was read counts only for those who accept it: see shop.AcceptReadOnly.
func (p *pool) read(ctx context.Context, f func(ctx context.Context, r *reading) error) error {
	return p.readFor(ctx, p.timeout, f)
}

func (p *pool) readFor(
	ctx context.Context, timeout time.Duration, f func(ctx context.Context, r *reading) error,
) error {
	var by string
	err := p.runFor(ctx, timeout, func(ctx context.Context, conn held) error {
		by = conn.name()
		r := &reading{held: conn}
		if err := f(ctx, r); err != nil || !r.unproved {
			return conn.asBehind(err)
		}
		if r.fresh && p.rests == nil && shop.UsedReadOnly(ctx) {
			return nil
		}
		p.link.renew(r.began)
		return errReadOnly
	})
	p.note(ctx, ForRead, by, err)
	return err
}

// errBehind is a node of a cluster that has not caught up in time with what the others have committed, or cannot.
var errBehind = errors.New("the database's node lags behind the others, or is cut off from them")

// asBehind returns the error of a read. A read waits for no lock: one that ends with a lock's timeout has waited in
// vain for its node to catch up.
func (h held) asBehind(err error) error {
	if h.linked != nil && h.linked.node.galera && meaningOf(err) == again {
		return fmt.Errorf("%w (%v)", errBehind, err)
	}
	return err
}

// reading is a connection that reads.
type reading struct {
	held
	unproved bool // something was read, and the server takes no writes
	// began is when the work began that the connection is for, by the link's clock; zero if that was before a
	// connection was asked for.
	began int64
}

// row reads one row into dest; it returns sql.ErrNoRows when there is none. The query begins with SELECT.
func (r *reading) row(ctx context.Context, query string, args []any, dest ...any) error {
	some := false
	err := r.rows(ctx, query, args, func(scan func(dest ...any) error) error {
		if some {
			return nil
		}
		some = true
		return scan(dest...)
	})
	if err == nil && !some {
		return sql.ErrNoRows
	}
	return err
}

// rows reads rows, each by a call of next, whose scan reads it. The query begins with SELECT.
func (r *reading) rows(ctx context.Context, query string, args []any, next eachRow) error {
	if !r.mustProve() {
		return each(ctx, r.Conn, query, args, next)
	}
	if r.linked.proved == 0 || r.linked.link.now()-r.linked.proved > int64(provedFor) {
		if err := r.prove(ctx); err != nil {
			return err
		}
	}
	asked := r.linked.link.now()
	proved, some := proof(true), false
	query = askBriefly + strings.TrimPrefix(query, "SELECT")
	err := each(ctx, r.Conn, query, args, func(scan func(dest ...any) error) error {
		some = true
		return next(func(dest ...any) error { return scan(append([]any{&proved}, dest...)...) })
	})
	switch {
	case some:
		r.note(asked, bool(proved))
	case err == nil:
		return r.prove(ctx) // there was no row to carry the proof
	}
	return err
}

// prove queries whether the server takes writes.
func (r *reading) prove(ctx context.Context) error {
	asked := r.linked.link.now()
	var proved proof
	if err := r.QueryRowContext(ctx, askFully).Scan(&proved); err != nil {
		return err
	}
	r.note(asked, bool(proved))
	return nil
}

// note records whether the server takes writes, as it has just reported.
func (r *reading) note(asked int64, proved bool) {
	if proved {
		r.linked.proved = asked
	} else {
		r.unproved = true
	}
}

// beganAt notes that what is read is for work that began at a time, which may be after its connection was begun.
func (r *reading) beganAt(then time.Time) {
	if r.linked != nil {
		r.began = int64(then.Sub(r.linked.link.began))
		r.fresh = r.fresh && r.linked.begun >= r.began
	}
}

// mustProve reports whether the database can be another one than a moment ago.
func (h held) mustProve() bool { return proves && h.linked != nil }

// mustTakeWrites returns an error that isReadOnly means, where a connection's server takes no writes.
func mustTakeWrites(ctx context.Context, conn held) error {
	if !conn.mustProve() {
		return nil
	}
	r := &reading{held: conn}
	if err := r.prove(ctx); err != nil || !r.unproved {
		return err
	}
	return errReadOnly
}

// eachRow is called for each row of an answer; scan reads it.
type eachRow func(scan func(dest ...any) error) error

func each(ctx context.Context, conn *sql.Conn, query string, args []any, next eachRow) error {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := next(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// row reads one row into dest; it returns sql.ErrNoRows when there is none.
func (p *pool) row(ctx context.Context, query string, args []any, dest ...any) error {
	return row(ctx, p.read, query, args, dest...)
}

// read is a pool's way to read.
type read func(ctx context.Context, f func(ctx context.Context, r *reading) error) error

func row(ctx context.Context, by read, query string, args []any, dest ...any) error {
	missing := false
	err := by(ctx, func(ctx context.Context, r *reading) error {
		err := r.row(ctx, query, args, dest...)
		if missing = err == sql.ErrNoRows; missing {
			return nil
		}
		return err
	})
	if err == nil && missing {
		return sql.ErrNoRows
	}
	return err
}
