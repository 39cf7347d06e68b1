package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// takeOver readies the lab's tables for the migrations, whichever way they were made: on another engine, in another
// character set, with NULLs, without a key. What can be put right without a guess is; what cannot ends the start with
// a sentence with what to do, before anything has been changed. Nothing is deleted, and it does no harm twice.
func takeOver(ctx context.Context, conn *sql.Conn, log *slog.Logger) error {
	var found []*labTable
	for _, name := range []string{"product", "order"} {
		t, err := lookAt(ctx, conn, name)
		if err != nil {
			return fmt.Errorf("look at the table %s: %w", name, err)
		}
		if t == nil {
			continue
		}
		t.log = log
		if err := t.check(ctx, conn); err != nil {
			return err
		}
		found = append(found, t)
	}
	if err := checkTaken(ctx, conn); err != nil {
		return err
	}
	for _, t := range found {
		if err := t.tidy(ctx, conn); err != nil {
			return fmt.Errorf("take over the table %s: %w", t.name, err)
		}
	}
	return onInnoDB(ctx, conn, log)
}

// textMax is the longest text in a column of the shop's, in characters.
const textMax = 255

// textTypes are the types that a column of text may have in the lab.
const textTypes = " char varchar tinytext text mediumtext longtext enum set "

// check refuses a table that the shop cannot work with.
func (t *labTable) check(ctx context.Context, conn *sql.Conn) error {
	if err := t.checkShape(); err != nil {
		return err
	}
	if err := t.checkAdded(); err != nil {
		return err
	}
	if err := t.checkReferences(ctx, conn); err != nil {
		return err
	}
	if err := t.checkKey(ctx, conn); err != nil {
		return err
	}
	return t.checkTexts(ctx, conn)
}

// refuse returns the error, one sentence, that ends the start.
func (t *labTable) refuse(format string, args ...any) error {
	return fmt.Errorf("the table %s of this database %s", quoted(t.name), fmt.Sprintf(format, args...))
}

func (t *labTable) checkShape() error {
	const apart = "rename it, or give the shop a database of its own"
	if t.kind != "BASE TABLE" {
		return t.refuse("is a %s and not an ordinary table: %s", strings.ToLower(t.kind), apart)
	}
	for _, name := range append([]string{t.key}, t.texts...) {
		c, there := t.columns[name]
		if !there {
			return t.refuse("has no column %s, so it is not the shop's: %s", quoted(name), apart)
		}
		fits := strings.Contains(textTypes, " "+c.dataType+" ") || name == "order_id" && c.dataType == "uuid"
		if name == "id" {
			fits = strings.HasSuffix(c.dataType, "int")
		}
		if !fits {
			return t.refuse("has a column %s of the type %s, with which the shop cannot work: %s",
				quoted(name), c.dataType, apart)
		}
	}
	if p := t.primary(); len(p) > 0 && t.bindsTexts(p) {
		return t.refuse("has the primary key (%s), so that two rows cannot share one: "+
			"ALTER TABLE %s DROP PRIMARY KEY, ADD PRIMARY KEY (%s)", strings.Join(p, ", "), quoted(t.name),
			quoted(t.key))
	}
	for name, c := range t.columns {
		if name == t.key || !c.notNull || c.hasValue || t.hasText(name) {
			continue
		}
		if c.counts {
			if t.name == "product" {
				return t.refuse("counts its rows in the column %s, where the shop counts in id: %s",
					quoted(name), apart)
			}
			continue
		}
		return t.refuse("has a column %s that must be given, and the shop does not know it: give it a default, with "+
			"ALTER TABLE %s ALTER COLUMN %s SET DEFAULT …, or let it be NULL", quoted(name),
			quoted(t.name), quoted(name))
	}
	return nil
}

// checkReferences refuses foreign keys on columns whose type has yet to change, which the server would not let happen.
func (t *labTable) checkReferences(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, `SELECT CONSTRAINT_NAME, TABLE_NAME,
		IF(TABLE_NAME = ?, COLUMN_NAME, REFERENCED_COLUMN_NAME)
		FROM information_schema.KEY_COLUMN_USAGE
		WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
			AND ? IN (TABLE_NAME, REFERENCED_TABLE_NAME)`, t.name, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var constraint, of, column string
		if err := rows.Scan(&constraint, &of, &column); err != nil {
			return err
		}
		column = strings.ToLower(column)
		if (column == t.key || t.hasText(column)) && !t.columns[column].done {
			return t.refuse("is tied by the foreign key %s to another, so that its column %s cannot be changed: "+
				"ALTER TABLE %s DROP FOREIGN KEY %s", quoted(constraint), quoted(column), quoted(of),
				quoted(constraint))
		}
	}
	return rows.Err()
}

// checkKey refuses rows without a key of their own.
func (t *labTable) checkKey(ctx context.Context, conn *sql.Conn) error {
	key, table := quoted(t.key), quoted(t.name)
	wrong, want := key+" IS NULL", "an "+t.key
	if t.name == "product" {
		wrong, want = key+" IS NULL OR "+key+" < 1 OR "+key+" > 9223372036854775807",
			"an id from 1 to 9223372036854775807"
	}
	n, err := t.count(ctx, conn, wrong)
	if err != nil {
		return err
	}
	if n > 0 {
		return t.refuse("has rows without %s (%d of them): give them one, or delete them (WHERE %s)", want, n, wrong)
	}
	if t.name == "order" {
		long := fmt.Sprintf("CHAR_LENGTH(%s) > %d", key, textMax)
		if n, err = t.count(ctx, conn, long); err != nil {
			return err
		}
		if n > 0 {
			return t.refuse("has rows with an %s of more than %d characters (%d of them): give them a shorter one, or "+
				"delete them (WHERE %s)", t.key, textMax, n, long)
		}
	}
	if t.isUnique(t.key) {
		return nil
	}
	var twice sql.NullString
	query := "SELECT MIN(" + key + ") FROM " + table + " GROUP BY BINARY " + key + " HAVING COUNT(*) > 1 LIMIT 1"
	if err := conn.QueryRowContext(ctx, query).Scan(&twice); err == nil {
		return t.refuse("has several rows with the %s %q: each must have its own", t.key, twice.String)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return nil
}

// checkTexts refuses what would not fit.
func (t *labTable) checkTexts(ctx context.Context, conn *sql.Conn) error {
	for _, column := range t.texts {
		if t.columns[column].done {
			continue
		}
		long := fmt.Sprintf("CHAR_LENGTH(%s) > %d", quoted(column), textMax)
		n, err := t.count(ctx, conn, long)
		if err != nil {
			return err
		}
		if n > 0 {
			return t.refuse("has rows with a %s of more than %d characters (%d of them): shorten them, with "+
				"UPDATE %s SET %s = LEFT(%s, %d) WHERE %s", column, textMax, n,
				quoted(t.name), quoted(column), quoted(column), textMax, long)
		}
	}
	return nil
}

// unnamed is what a text that is NULL becomes. An order without a status has not been looked at yet.
var unnamed = map[string]string{"name": "(sans nom)", "product": "(sans nom)", "status": "Pending"}

// tidy changes what stands in the way of the migrations.
func (t *labTable) tidy(ctx context.Context, conn *sql.Conn) error {
	if t.engine != "InnoDB" || t.rowFormat != "Dynamic" && t.rowFormat != "Compressed" {
		// Only InnoDB has transactions, and only these formats can index 255 characters.
		err := t.run(ctx, conn, "it was not on InnoDB, or in an old row format",
			"ALTER TABLE "+quoted(t.name)+" ENGINE = InnoDB, ROW_FORMAT = DYNAMIC")
		if err != nil {
			return err
		}
	}
	if err := t.tidyIndexes(ctx, conn); err != nil {
		return err
	}
	for _, column := range t.texts {
		if err := t.tidyNULLs(ctx, conn, column); err != nil {
			return err
		}
	}
	if t.name == "order" && t.columns["order_id"].dataType != "uuid" {
		return t.tidyIDs(ctx, conn)
	}
	return nil
}

// tidyNULLs replaces each NULL text. The column may be too short for the word, or of a type that does not know it.
func (t *labTable) tidyNULLs(ctx context.Context, conn *sql.Conn, column string) error {
	if t.columns[column].notNull {
		return nil
	}
	n, err := t.count(ctx, conn, quoted(column)+" IS NULL")
	if err != nil || n == 0 {
		return err
	}
	_, err = conn.ExecContext(ctx,
		"ALTER TABLE "+quoted(t.name)+" MODIFY "+quoted(column)+" VARCHAR(255) "+exact+" NULL")
	if err != nil {
		return err
	}
	return t.run(ctx, conn, "rows had no "+column,
		"UPDATE "+quoted(t.name)+" SET "+quoted(column)+" = ? WHERE "+quoted(column)+" IS NULL", unnamed[column])
}

// tidyIndexes makes each row's key unique, and nothing else: products may share a name.
func (t *labTable) tidyIndexes(ctx context.Context, conn *sql.Conn) error {
	if !t.isUnique(t.key) {
		if err := t.addKey(ctx, conn); err != nil {
			return err
		}
	}
	for name, columns := range t.unique {
		if name == "PRIMARY" || !t.bindsTexts(columns) {
			continue
		}
		err := t.run(ctx, conn, "dropped the unique index "+name+", for rows may share what it binds",
			"ALTER TABLE "+quoted(t.name)+" DROP INDEX "+quoted(name))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *labTable) addKey(ctx context.Context, conn *sql.Conn) error {
	change := "ALTER TABLE " + quoted(t.name)
	if t.name == "order" {
		// What the lab's collation holds to be equal may be two orders.
		change += " MODIFY order_id VARCHAR(255) " + exact + " NOT NULL,"
	}
	kind := " ADD UNIQUE ("
	if len(t.primary()) == 0 {
		kind = " ADD PRIMARY KEY ("
	}
	return t.run(ctx, conn, "the key was missing", change+kind+quoted(t.key)+")")
}

// tidyIDs writes the ids that are UUIDs as CleanOrderID does; one that is there already in that spelling is left alone.
// Orders whose id is no UUID stay, and are validated, and nobody can ask for them.
func (t *labTable) tidyIDs(ctx context.Context, conn *sql.Conn) error {
	const form = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
	err := t.run(ctx, conn, "order ids are written in lower case, without spaces",
		"UPDATE IGNORE `order` SET order_id = LOWER(TRIM(order_id)) "+
			"WHERE order_id REGEXP '^ *"+form+" *$' AND BINARY order_id <> LOWER(TRIM(order_id))")
	if err != nil {
		return err
	}
	n, err := t.count(ctx, conn, "NOT (order_id REGEXP '^"+form+"$' AND BINARY order_id = LOWER(order_id))")
	if err == nil && n > 0 {
		t.log.Warn("orders whose id is no UUID in lower case cannot be asked for", "orders", n)
	}
	return err
}

// run carries a statement out and logs what it did, if it did anything.
func (t *labTable) run(ctx context.Context, conn *sql.Conn, what, statement string, args ...any) error {
	done, err := conn.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 || strings.HasPrefix(statement, "ALTER") {
		t.log.Warn("changed a table that was there: "+what, "table", t.name, "rows", n)
	}
	return nil
}

func (t *labTable) count(ctx context.Context, conn *sql.Conn, where string) (n int64, err error) {
	err = conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quoted(t.name)+" WHERE "+where).Scan(&n)
	return n, err
}

// onInnoDB moves the shop's own tables to InnoDB, where the server's default was another: without transactions a
// write and the record of its invalidation could come apart.
func onInnoDB(ctx context.Context, conn *sql.Conn, log *slog.Logger) error {
	rows, err := conn.QueryContext(ctx, `SELECT TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = DATABASE() AND ENGINE <> 'InnoDB'
		AND TABLE_NAME IN ('order_key', 'product_tally', 'woody_schema', 'woody_cache', 'woody_outbox')`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		_, err := conn.ExecContext(ctx, "ALTER TABLE "+quoted(name)+" ENGINE = InnoDB, ROW_FORMAT = DYNAMIC")
		if err != nil {
			return fmt.Errorf("move the table %s to InnoDB: %w", name, err)
		}
		log.Warn("moved a table to InnoDB", "table", name)
	}
	return nil
}
