package main

import (
	"context"
	"database/sql"
	"fmt"
)

// summary is what a database was at one position of its binary log.
type summary struct {
	At   position
	Sums sums
}

// summarize reads all of the source in one transaction, whose position it notes.
func (s source) summarize(ctx context.Context) (*summary, error) {
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
	for _, statement := range []string{
		"SET SESSION time_zone = '+00:00'", "SET SESSION net_write_timeout = 3600",
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	found := summary{}
	if found.At, err = snapshotPosition(ctx, conn); err != nil {
		return nil, err
	}
	found.Sums, err = sumUpAll(ctx, conn, s.database)
	return &found, err
}

// snapshotPosition returns where in the binary log the snapshot of the connection's transaction is.
func snapshotPosition(ctx context.Context, conn *sql.Conn) (position, error) {
	var file, name string
	var offset int64
	for variable, value := range map[string]any{"binlog_snapshot_file": &file, "binlog_snapshot_position": &offset} {
		if err := conn.QueryRowContext(ctx, "SHOW STATUS LIKE '"+variable+"'").Scan(&name, value); err != nil {
			return nil, fmt.Errorf("ask for %s: %w", variable, err)
		}
	}
	var text sql.NullString
	err := conn.QueryRowContext(ctx, "SELECT BINLOG_GTID_POS(?, ?)", file, offset).Scan(&text)
	if err != nil {
		return nil, err
	}
	if !text.Valid {
		return nil, fmt.Errorf("the server does not say which transaction is at %s:%d", file, offset)
	}
	return parsePosition(text.String)
}
