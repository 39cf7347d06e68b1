package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// The names of what the migrations add may be taken in the lab's database, by something else. A migration's step leaves
// alone what is there by its name, for it may have been cut off: so it must be the shop's own.

// addedColumns are the columns that the shop adds to the lab's tables, each table's in one statement.
var addedColumns = map[string][]string{
	"product": {"version"},
	"order":   {"version", "created_us", "claim", "claimed_until_us"},
}

// checkAdded refuses columns that are called like the shop's and are others.
func (t *labTable) checkAdded() error {
	var there []string
	for _, name := range addedColumns[t.name] {
		c, taken := t.columns[name]
		if !taken {
			continue
		}
		there = append(there, name)
		if !c.notNull || !c.hasValue || c.dataType != "bigint" && (name != "claim" || c.dataType != "char") {
			return t.refuseColumn(name)
		}
	}
	if len(there) > 0 && len(there) < len(addedColumns[t.name]) {
		return t.refuseColumn(there[0])
	}
	return nil
}

func (t *labTable) refuseColumn(name string) error {
	return t.refuse("has a column %s of its own, whose name the shop needs: rename it, with "+
		"ALTER TABLE %s RENAME COLUMN %s TO …", quoted(name), quoted(t.name), quoted(name))
}

// addedTables are the tables that the shop adds, with the columns that it uses.
var addedTables = map[string][]string{
	"order_key":     {"idempotency_key", "order_id", "created_us"},
	"product_key":   {"idempotency_key", "product_id", "name", "created_us"},
	"product_tally": {"connection", "n"},
}

// checkTaken refuses tables, triggers and indexes that are called like the shop's and are others.
func checkTaken(ctx context.Context, conn *sql.Conn) error {
	for name, columns := range addedTables {
		query := "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"
		there, err := namesOf(ctx, conn, query, name)
		if err != nil {
			return err
		}
		foreign := slices.ContainsFunc(columns, func(column string) bool { return !slices.Contains(there, column) })
		if len(there) > 0 && foreign {
			return fmt.Errorf("the table %s of this database is not the shop's, which needs the name: "+
				"rename it, or give the shop a database of its own", quoted(name))
		}
	}
	triggers, err := namesOf(ctx, conn, `SELECT TRIGGER_NAME FROM information_schema.TRIGGERS
		WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME IN ('product_added', 'product_deleted')
		AND (EVENT_OBJECT_TABLE <> 'product' OR ACTION_STATEMENT NOT LIKE 'INSERT INTO product_tally %')`)
	if err != nil {
		return err
	}
	if len(triggers) > 0 {
		return fmt.Errorf("the trigger %s of this database is not the shop's, which needs the name: "+
			"drop it, and make it again under another", quoted(triggers[0]))
	}
	indexes, err := namesOf(ctx, conn, `SELECT CONCAT(TABLE_NAME, ' ', INDEX_NAME) FROM information_schema.STATISTICS
		WHERE TABLE_SCHEMA = DATABASE() AND SEQ_IN_INDEX = 1 AND (TABLE_NAME = 'product' AND INDEX_NAME = 'product_name'
		AND COLUMN_NAME <> 'name' OR TABLE_NAME = 'order' AND INDEX_NAME = 'order_waiting'
		AND COLUMN_NAME <> 'status')`)
	if err != nil || len(indexes) == 0 {
		return err
	}
	table, index, _ := strings.Cut(indexes[0], " ")
	return fmt.Errorf(
		"the table %s of this database has an index %s of its own, whose name the shop needs: rename it, with "+
			"ALTER TABLE %s RENAME INDEX %s TO …", quoted(table), quoted(index), quoted(table), quoted(index))
}

// namesOf reads names, in lower case.
func namesOf(ctx context.Context, conn *sql.Conn, query string, args ...any) (names []string, err error) {
	err = each(ctx, conn, query, args, func(scan func(dest ...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, strings.ToLower(name))
		return err
	})
	return names, err
}
