package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// partSize is about how much of a log is one statement of its replay. mariadb-binlog makes one of all the rows that a
// statement has changed. It holds that in memory, as do the client and the server, which has it more than once: for
// 93 MB of rows that took 800 MB, and takes 80 in parts.
const partSize = 4 << 20

// statementEnd is the flag of the last one of the events that have a statement's rows.
const statementEnd = 1

// isRows reports whether events of a kind have rows: those of MariaDB, of MySQL, and compressed ones.
func isRows(kind byte) bool {
	return kind >= 23 && kind <= 25 || kind >= 30 && kind <= 32 || kind >= 166 && kind <= 171
}

// splitter copies the events of a transaction such that the rows of a large statement are those of several.
type splitter struct {
	in     *bufio.Reader
	out    io.Writer
	sums   bool   // each event ends with its checksum
	tables []byte // the events that say which tables the statement's rows are of
	rows   int64  // how much the statement has so far
	event  []byte
}

func (s *splitter) copy() error {
	for {
		header, err := s.in.Peek(headerSize + 8)
		if len(header) < headerSize && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		kind, size := header[4], int64(binary.LittleEndian.Uint32(header[9:]))
		last := isRows(kind) && len(header) == headerSize+8 && header[headerSize+6]&statementEnd != 0
		if kind == tableEvent || isRows(kind) && size <= partSize {
			err = s.copySmall(kind, size, last)
		} else {
			_, err = io.CopyN(s.out, s.in, size)
		}
		if err != nil {
			return err
		}
		if last {
			s.rows, s.tables = 0, s.tables[:0]
		}
	}
}

// copySmall copies an event that is held whole. Rows of which there were enough become the last of their statement, and
// those that follow are those of another one.
func (s *splitter) copySmall(kind byte, size int64, last bool) error {
	s.event = slices.Grow(s.event[:0], int(size))[:size]
	if _, err := io.ReadFull(s.in, s.event); err != nil {
		return err
	}
	if kind == tableEvent {
		s.tables = append(s.tables, s.event...)
		_, err := s.out.Write(s.event)
		return err
	}
	if s.rows += size; last || s.rows < partSize {
		_, err := s.out.Write(s.event)
		return err
	}
	s.rows = 0
	s.event[headerSize+6] |= statementEnd
	if s.sums {
		content := s.event[:size-checksumSize]
		binary.LittleEndian.PutUint32(s.event[size-checksumSize:], crc32.ChecksumIEEE(content))
	}
	if _, err := s.out.Write(s.event); err != nil {
		return err
	}
	_, err := s.out.Write(s.tables)
	return err
}
