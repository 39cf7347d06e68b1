package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestLargeStatementsBecomeSeveral cuts a transaction of two statements, the first of which has 20 MB of rows of two
// tables, and wants each that comes of it to have a few, and to say of which tables they are.
func TestLargeStatementsBecomeSeveral(t *testing.T) {
	const rowsSize = 1 << 20
	rows := func(i int, flags byte) []byte {
		return madeEvent(rowsEvent, 1, append([]byte{byte(i), 0, 0, 0, 0, 0, flags, 0}, make([]byte, rowsSize)...))
	}
	log := append(madeLog(), madeBegin(1, 1, "woody")...)
	another := madeBegin(1, 1, "other")[len(madeGTID(1, 1, 0)):]
	log = append(log, another...)
	for i := range 19 {
		log = append(log, rows(i, 0)...)
	}
	log = append(append(append(log, rows(19, statementEnd)...), another...), rows(20, statementEnd)...)
	log = append(log, madeEnd(1)...)
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "binlog.000001"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := cut("woody", []string{from}, t.TempDir(), nil, stopAt{})
	if err != nil || len(c.files) != 1 {
		t.Fatal(c.files, err)
	}
	if _, at, err := readAll(t, c.files[0], 0); !errors.Is(err, io.EOF) || at.String() != "0-1-1" {
		t.Fatalf("what is written goes to %s: %v", at, err)
	}

	content, err := os.ReadFile(c.files[0])
	if err != nil {
		t.Fatal(err)
	}
	var is []byte // T of tables, r of rows, R of a statement's last
	next := byte(0)
	for content = content[len(logMagic):]; len(content) > 0; {
		size := binary.LittleEndian.Uint32(content[9:])
		switch event := content[:size]; event[4] {
		case tableEvent:
			is = append(is, 'T')
		case rowsEvent:
			is = append(is, "rR"[event[headerSize+6]])
			if event[headerSize] != next {
				t.Fatalf("rows %d come where %d are wanted", event[headerSize], next)
			}
			next++
		}
		content = content[size:]
	}
	if want := bytes.Repeat([]byte("TTrrrR"), 5); !bytes.Equal(is, append(want, "TR"...)) {
		t.Errorf("the events are %s", is)
	}
}
