package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// dumpName is the file of a dump, in its folder and in its snapshot.
const dumpName = "dump.sql"

// dump writes all of the source's database, and of its audit where it has one, to a folder, as it is at one moment, in
// the order of the tables' keys, such that what is unchanged is the same bytes the next time. It returns the moment.
func (s source) dump(ctx context.Context, folder string) (position, error) {
	options := filepath.Join(folder, "..", "source.cnf")
	if err := s.options(options); err != nil {
		return nil, err
	}
	defer os.Remove(options)
	file := filepath.Join(folder, dumpName)
	args := append([]string{"--defaults-file=" + options, "--single-transaction", "--master-data=2", "--gtid"},
		dumpOptions...)
	of := []string{s.database}
	switch audited, err := s.hasDatabase(ctx, auditOf(s.database)); {
	case err != nil:
		return nil, err
	case audited:
		of = []string{"--databases", s.database, auditOf(s.database)}
	}
	cmd := exec.Command("mariadb-dump", append(append(args, "--result-file="+file), of...)...)
	if err := runChild(ctx, cmd); err != nil {
		return nil, err
	}
	return dumpPosition(file)
}

// dumpOptions are the options of every dump.
var dumpOptions = []string{
	"--routines", "--triggers", "--events", "--hex-blob", "--order-by-primary", "--quick", "--skip-add-locks",
	"--skip-disable-keys", "--skip-dump-date", "--default-character-set=utf8mb4", "--max-allowed-packet=1G",
}

var gtidLine = regexp.MustCompile(`(?m)^-- SET GLOBAL gtid_slave_pos='([^']*)';`)

// edge is how much of a dump is looked through at its end and at its beginning: versions differ in where they say their
// position.
const edge = 64 << 10

// dumpPosition returns the position that a dump says it was made at.
func dumpPosition(file string) (position, error) {
	dump, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer dump.Close()
	info, err := dump.Stat()
	if err != nil {
		return nil, err
	}
	for _, begin := range []int64{max(0, info.Size()-edge), 0} {
		text, err := io.ReadAll(io.NewSectionReader(dump, begin, edge))
		if err != nil {
			return nil, err
		}
		if found := gtidLine.FindAllSubmatch(text, -1); found != nil {
			return parsePosition(string(found[len(found)-1][1]))
		}
	}
	return nil, errors.New("the dump does not say its position")
}
