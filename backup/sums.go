package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"slices"
	"strings"
)

// sums are what a database is, by the names of its tables and of all else that it has, such that two that have the same
// sums are the same.
type sums map[string]sum

// sum is a table's number of rows with a checksum over all of them in the order of their key, and a checksum of the
// statement that makes it; or the latter alone.
type sum struct {
	Rows   int64  `json:"rows,omitempty"`
	Sum    string `json:"sum,omitempty"`
	Schema string `json:"schema"`
}

// sumUp reads everything that a database has within the connection's transaction.
func sumUp(ctx context.Context, conn *sql.Conn, database string) (sums, error) {
	found := sums{}
	tables, err := column(ctx, conn, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY table_name`, database)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if found[table], err = sumTable(ctx, conn, database, table); err != nil {
			return nil, fmt.Errorf("sum up the table %s: %w", table, err)
		}
	}
	for kind, query := range otherThings {
		texts, err := column(ctx, conn, query, database)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			name, definition, _ := strings.Cut(text, "\x00")
			found[kind+" "+name] = sum{Schema: digest(definition)}
		}
	}
	return found, nil
}

// otherThings are the queries for what a database has beside tables: a name, a zero byte, and what it does.
var otherThings = map[string]string{
	"trigger": `SELECT CONCAT_WS('\0', trigger_name, event_object_table, action_timing, event_manipulation,
		action_statement, sql_mode) FROM information_schema.triggers WHERE trigger_schema = ?`,
	"routine": `SELECT CONCAT_WS('\0', routine_name, routine_type, routine_definition, sql_mode)
		FROM information_schema.routines WHERE routine_schema = ?`,
	"view": `SELECT CONCAT_WS('\0', table_name, view_definition) FROM information_schema.views WHERE table_schema = ?`,
	"event": `SELECT CONCAT_WS('\0', event_name, event_definition, IFNULL(interval_value, ''))
		FROM information_schema.events WHERE event_schema = ?`,
}

// counter is left out: ids that were given to rows that were not kept raise it, and no log says so.
var counter = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

func sumTable(ctx context.Context, conn *sql.Conn, database, table string) (s sum, err error) {
	var name, schema string
	name = quote(database) + "." + quote(table)
	if err := conn.QueryRowContext(ctx, "SHOW CREATE TABLE "+name).Scan(&table, &schema); err != nil {
		return s, err
	}
	s.Schema = digest(counter.ReplaceAllString(schema, ""))
	key, err := column(ctx, conn, `SELECT column_name FROM information_schema.statistics
		WHERE table_schema = ? AND table_name = ? AND index_name = 'PRIMARY' ORDER BY seq_in_index`, database, table)
	if err != nil {
		return s, err
	}
	query := "SELECT * FROM " + name
	if len(key) > 0 {
		for i := range key {
			key[i] = quote(key[i])
		}
		query += " ORDER BY " + strings.Join(key, ", ")
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return s, err
	}
	defer rows.Close()
	s.Rows, s.Sum, err = sumRows(rows, len(key) > 0)
	return s, err
}

// sumRows reads rows to their end. The sum of those that have no order is that of their sums in an order.
func sumRows(rows *sql.Rows, ordered bool) (n int64, sum string, err error) {
	names, err := rows.Columns()
	if err != nil {
		return 0, "", err
	}
	values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	all, each := sha256.New(), []string(nil)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return 0, "", err
		}
		n++
		if ordered {
			hashRow(all, values)
			continue
		}
		one := sha256.New()
		hashRow(one, values)
		each = append(each, string(one.Sum(nil)))
	}
	slices.Sort(each)
	for _, one := range each {
		all.Write([]byte(one))
	}
	return n, hex.EncodeToString(all.Sum(nil)), rows.Err()
}

// hashRow writes each value with its length before it, such that no two rows are the same bytes.
func hashRow(to hash.Hash, values []sql.RawBytes) {
	var length [8]byte
	for _, value := range values {
		size := uint64(len(value)) + 1
		if value == nil {
			size = 0
		}
		binary.BigEndian.PutUint64(length[:], size)
		to.Write(length[:])
		to.Write(value)
	}
}

// differences names what two databases do not have in common, in order.
func differences(was, is sums) (names []string) {
	for name, want := range was {
		if got, ok := is[name]; !ok {
			names = append(names, name+" is missing")
		} else if got != want {
			names = append(names, fmt.Sprintf("%s differs (%d rows, and %d restored)", name, want.Rows, got.Rows))
		}
	}
	for name := range is {
		if _, ok := was[name]; !ok {
			names = append(names, name+" is there, and was not")
		}
	}
	slices.Sort(names)
	return names
}

func column(ctx context.Context, conn *sql.Conn, query string, args ...any) (values []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
