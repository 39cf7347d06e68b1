package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// The audit is in a database of its own (api/audit), beside the shop's. It is backed up with it. A restore of the shop
// to what it was does not take the audit back: what somebody did since was done. It only adds what is missing.

const (
	auditSuffix = "_audit" // as store.AuditSuffix has it
	auditTable  = "entry"
)

// auditOf returns the name of the audit's database beside the shop's.
func auditOf(database string) string { return database + auditSuffix }

// isAudit reports whether a name in sums is of the audit.
func isAudit(database, name string) bool { return strings.HasPrefix(name, auditOf(database)+".") }

// sumUpAll is sumUp of the shop's database and of its audit, whose tables have the database's name before theirs.
func sumUpAll(ctx context.Context, conn *sql.Conn, database string) (sums, error) {
	found, err := sumUp(ctx, conn, database)
	if err != nil {
		return nil, err
	}
	audit, err := sumUp(ctx, conn, auditOf(database))
	for name, s := range audit {
		found[auditOf(database)+"."+name] = s
	}
	return found, err
}

// hasDatabase reports whether a server has a database.
func (s source) hasDatabase(ctx context.Context, name string) (there bool, err error) {
	db, err := s.open()
	if err != nil {
		return false, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM information_schema.schemata WHERE schema_name = ?", name).
		Scan(&there)
	return there, err
}

// addAudit adds the entries of a restored audit to that of the target, if there is one. It changes and removes none
// that are there.
func (k *keeper) addAudit(ctx context.Context, restored *scratch, is sums) error {
	audit := auditOf(k.cfg.Name)
	if _, there := is[audit+"."+auditTable]; !there {
		return nil
	}
	file := k.cfg.below("tmp", "audit.sql")
	defer os.Remove(file)
	if err := restored.dumpAudit(ctx, file); err != nil {
		return err
	}
	made, err := restored.auditMade(ctx)
	if err != nil {
		return err
	}
	target := k.cfg.target()
	target.database = ""
	db, err := target.open()
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{"CREATE DATABASE IF NOT EXISTS " + quote(audit), made} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w: %s needs CREATE and INSERT on %s.* (scripts/secrets)", err, target.user, audit)
		}
	}
	target.database = audit
	if err := target.run(ctx, file); err != nil {
		return err
	}
	var n int64
	reader := k.cfg.sourceAt(k.cfg.Target)
	reader.database = audit
	entries, err := reader.open()
	if err != nil {
		return err
	}
	defer entries.Close()
	err = entries.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+auditTable).Scan(&n)
	if want := is[audit+"."+auditTable].Rows; err == nil && n < want {
		err = fmt.Errorf("it has %d entries then, and %d were to be in it", n, want)
	}
	return err
}

// dumpAudit writes the entries of the scratch server's audit, such that whoever loads them adds what is missing.
func (s *scratch) dumpAudit(ctx context.Context, file string) error {
	return runChild(ctx, exec.Command("mariadb-dump", "--no-defaults", "--socket="+s.socket(), "--user=root",
		"--single-transaction", "--no-create-info", "--insert-ignore", "--skip-triggers", "--hex-blob",
		"--order-by-primary", "--quick", "--skip-add-locks", "--skip-disable-keys", "--default-character-set=utf8mb4",
		"--max-allowed-packet=1G", "--result-file="+file, auditOf(s.cfg.Name), auditTable))
}

// auditMade returns the statement that makes the audit's table where there is none.
func (s *scratch) auditMade(ctx context.Context) (statement string, err error) {
	db, err := s.open("")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var name string
	table := quote(auditOf(s.cfg.Name)) + "." + quote(auditTable)
	if err := db.QueryRowContext(ctx, "SHOW CREATE TABLE "+table).Scan(&name, &statement); err != nil {
		return "", err
	}
	columns, ok := strings.CutPrefix(statement, "CREATE TABLE "+quote(auditTable))
	if !ok {
		return "", errors.New("the audit's table is made in an unknown way: " + statement)
	}
	return "CREATE TABLE IF NOT EXISTS " + table + columns, nil
}
