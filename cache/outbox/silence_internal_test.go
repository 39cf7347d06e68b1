package outbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// TestSilence distinguishes what shows that a cluster is there, behind its proxy, from what does not.
func TestSilence(t *testing.T) {
	server := func(number uint16) error { return &mysql.MySQLError{Number: number} }
	box, err := New(Config{DB: sql.OpenDB(nil), Namespace: "toys", Cluster: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		what string
		err  error
		want bool
	}{
		{"a refusal", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{"no route", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, true},
		{"DNS does not answer", &net.DNSError{IsTemporary: true}, true},
		{"no reply", fmt.Errorf("read: %w", context.DeadlineExceeded), true},
		{"a connection that ended", driver.ErrBadConn, true},
		{"one that ended in between", mysql.ErrInvalidConn, true},
		{"one that was half closed", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{"a node without the majority", fmt.Errorf("read: %w", server(1047)), true},
		{"a node that loses it", errors.Join(errors.New("bump"), server(1180)), true},
		{"a node that cannot catch up", server(1205), true},
		{"a node that shuts down", server(1053), true},
		{"no such table", server(1146), false},
		{"too many connections", server(1040), false},
		{"lost against another", server(1213), false},
		{"a node that takes no writes", fmt.Errorf("read: %w", ErrReadOnly), false},
		{"no such row", sql.ErrNoRows, false},
		{"a ledger without a name", errNameless, false},
		{"given up", context.Canceled, false},
	} {
		got := box.explain(row.err)
		if errors.Is(got, ledger.ErrSilent) != row.want || !errors.Is(got, row.err) ||
			errors.Is(got, ledger.ErrUnreachable) {
			t.Errorf("%s: %v, want ErrSilent: %v, and never ErrUnreachable", row.what, got, row.want)
		}
	}
	if box.explain(nil) != nil {
		t.Error("no error is one")
	}
}

// TestNumber checks that only a MySQL server's error has a number.
func TestNumber(t *testing.T) {
	for _, row := range []struct {
		err  error
		want uint64
	}{
		{nil, 0},
		{&mysql.MySQLError{Number: 1213}, 1213},
		{fmt.Errorf("bump: %w", &mysql.MySQLError{Number: 1213}), 1213},
		{errors.Join(io.EOF, fmt.Errorf("bump: %w", &mysql.MySQLError{Number: 1213})), 1213},
		{&pgconn.PgError{Code: "40001"}, 0},
		{(*mysql.MySQLError)(nil), 0},
		{syscall.ECONNRESET, 0},
		{struct {
			error
			Number string
		}{io.EOF, "1213"}, 0},
	} {
		if got := number(row.err); got != row.want {
			t.Errorf("%#v: %d, want %d", row.err, got, row.want)
		}
	}
}
