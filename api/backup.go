package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/woodytoys/woodytoys/api/store"
)

// errServer is what a database server has other programs for.
var errServer = errors.New("backup and restore are for the SQLite file, and WOODY_DB_DSN is set: see docs/swarm.md " +
	"for a database server")

// backUp does `api backup FILE`.
func (c config) backUp(ctx context.Context, stdout io.Writer) error {
	if c.DBDSN != "" {
		return errServer
	}
	if err := store.Backup(ctx, c.DataDir, c.Backup.File); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "The shop in %s is in %s.\n", c.DataDir, c.Backup.File)
	return err
}

// restore does `api restore FILE`.
func (c config) restore(ctx context.Context, stdout io.Writer) error {
	if c.DBDSN != "" {
		return errServer
	}
	former, err := store.Restore(ctx, c.DataDir, c.Restore.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The shop in %s is that of %s.\n", c.DataDir, c.Restore.File)
	if former != "" {
		fmt.Fprintf(stdout, "What was there is kept in %s: remove it when nobody needs it.\n", former)
	}
	return nil
}
