package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// list prints the backups, and how far the logs of each go.
func (k *keeper) list(ctx context.Context, w io.Writer) error {
	inv, err := k.repo.inventory(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BACKUP\tTAKEN\tIS\tLOGS TO\tKEPT")
	for _, b := range inv.backups {
		is := "not verified"
		switch {
		case b.good != "":
			is = "good"
		case b.kind == kindBefore:
			is = "before a restore"
		}
		chunks, to := inv.after(b)
		until := ""
		if len(chunks) > 0 {
			until = chunks[len(chunks)-1].saved.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", b.name, b.taken.Format(time.RFC3339), is, to, until)
	}
	return table.Flush()
}
