package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"
)

// source is one server of the database that is being backed up.
type source struct {
	addr     string
	user     string
	password string
	database string
}

func (c *config) sourceAt(addr string) source { return source{addr, c.User, c.Password, c.Name} }
func (c *config) target() source              { return source{c.Target, c.TargetUser, c.TargetPassword, c.Name} }

// open returns connections to the server.
func (s source) open() (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = s.user, s.password, "tcp", s.addr, s.database
	cfg.Timeout, cfg.Logger = 5*time.Second, &mysql.NopLogger{}
	return sql.Open("mysql", cfg.FormatDSN())
}

// options writes the option file with which the server's own programs reach it.
func (s source) options(file string) error {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("[client]\nhost=%s\nport=%s\nuser=%s\npassword=\"%s\"\nprotocol=tcp\n"+
		"loose-skip-ssl-verify-server-cert\n", host, port, s.user, s.password)
	return os.WriteFile(file, []byte(text), 0o600)
}

// pick returns the first source that serves, beginning with the one that is preferred, and how far it has written.
func (c *config) pick(ctx context.Context, preferred string) (source, position, error) {
	var errs []error
	for _, addr := range append([]string{preferred}, c.sources...) {
		if addr == "" {
			continue
		}
		s := c.sourceAt(addr)
		at, err := s.position(ctx)
		if err == nil {
			return s, at, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", addr, err))
	}
	return source{}, nil, errors.Join(errs...)
}

// askTimeout is how long a server may take to say how far it has written. It is longer in tests.
var askTimeout = 5 * time.Second

// position returns how far the server's log goes: everything that was acknowledged before the call.
func (s source) position(ctx context.Context) (position, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	db, err := s.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var logs bool
	var text string
	// A node of a cluster first applies what others have acknowledged, or refuses if it is not part of it.
	if _, err := conn.ExecContext(ctx, "SET SESSION wsrep_sync_wait = 1"); err != nil && !unknownVariable(err) {
		return nil, err
	}
	if err := conn.QueryRowContext(ctx, "SELECT @@log_bin, @@gtid_binlog_pos").Scan(&logs, &text); err != nil {
		return nil, err
	}
	if !logs {
		return nil, errors.New("the server writes no binary log: start it with --log-bin")
	}
	return parsePosition(text)
}

func unknownVariable(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && e.Number == 1193
}
