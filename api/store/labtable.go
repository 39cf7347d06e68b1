package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"strings"
)

// labTable is a table of the lab's, as the server describes it; its columns' names in lower case, since to the server
// they are the same in any.
type labTable struct {
	name  string
	key   string   // the column that names a row
	texts []string // the columns of text that the shop uses, beside the key
	log   *slog.Logger

	kind      string // BASE TABLE, VIEW, …
	engine    string
	rowFormat string
	columns   map[string]labColumn
	unique    map[string][]string // the columns of each unique index, by its name
}

type labColumn struct {
	dataType string
	notNull  bool
	hasValue bool // without being given one: it has a default, or is computed
	counts   bool // AUTO_INCREMENT
	done     bool // it has the type that the migrations give it
}

// lookAt describes the table product or order, or returns nil where there is none.
func lookAt(ctx context.Context, conn *sql.Conn, name string) (*labTable, error) {
	t := &labTable{name: name, columns: map[string]labColumn{}, unique: map[string][]string{}}
	t.key, t.texts = "id", []string{"name"}
	if name == "order" {
		t.key, t.texts = "order_id", []string{"status", "product"}
	}
	err := conn.QueryRowContext(ctx, `SELECT TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(ROW_FORMAT, '')
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
		name).Scan(&t.kind, &t.engine, &t.rowFormat)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = t.lookAtColumns(ctx, conn)
	}
	if err == nil {
		err = t.lookAtIndexes(ctx, conn)
	}
	return t, err
}

func (t *labTable) lookAtColumns(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(COLLATION_NAME, ''),
		IS_NULLABLE, COLUMN_DEFAULT IS NOT NULL, EXTRA
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c labColumn
		var name, fullType, collation, nullable, extra string
		if err := rows.Scan(&name, &c.dataType, &fullType, &collation, &nullable, &c.hasValue, &extra); err != nil {
			return err
		}
		extra = strings.ToLower(extra)
		c.notNull = nullable == "NO"
		c.counts = strings.Contains(extra, "auto_increment")
		c.hasValue = c.hasValue || strings.Contains(extra, "generated")
		c.done = c.notNull && (strings.HasPrefix(fullType, "bigint") && !strings.Contains(fullType, "unsigned") ||
			fullType == "varchar(255)" && (collation == "utf8mb4_nopad_bin" || collation == "utf8mb4_0900_bin"))
		t.columns[strings.ToLower(name)] = c
	}
	return rows.Err()
}

func (t *labTable) lookAtIndexes(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, `SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0
		ORDER BY INDEX_NAME, SEQ_IN_INDEX`, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var index, column string
		if err := rows.Scan(&index, &column); err != nil {
			return err
		}
		t.unique[index] = append(t.unique[index], strings.ToLower(column))
	}
	return rows.Err()
}

// isUnique reports whether the server sees to it that no two rows have the same in a column.
func (t *labTable) isUnique(column string) bool {
	for _, columns := range t.unique {
		if slices.Equal(columns, []string{column}) {
			return true
		}
	}
	return false
}

// bindsTexts reports whether a unique index forbids what the shop does: rows that differ by their key alone.
func (t *labTable) bindsTexts(columns []string) bool {
	return !slices.ContainsFunc(columns,
		func(column string) bool { return column == t.key || t.columns[column].counts })
}

func (t *labTable) primary() []string { return t.unique["PRIMARY"] }

func (t *labTable) hasText(column string) bool { return slices.Contains(t.texts, column) }

// quoted returns a name as SQL has it.
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
