package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"regexp"
	"slices"
	"time"
)

// The types of events that mark where transactions begin and end (MariaDB: sql/log_event.h).
const (
	queryEvent  = 2
	formatEvent = 15
	xidEvent    = 16
	tableEvent  = 19
	gtidEvent   = 162
)

// Sizes of MariaDB's binary log, version 4.
const (
	headerSize   = 19
	checksumSize = 4
	maxEvent     = 1 << 30 // what a server sends is less
)

const logMagic = "\xfebin"

// standalone is the flag of a GTID whose transaction is one event, and has no COMMIT.
const standalone = 1

// held is how much of an event is held in memory: more than can be before a statement's text. Of what follows the
// checksum is made, and in a statement the wanted database's name is looked for.
const held = 128 << 10

// transaction is a transaction of a binary log.
type transaction struct {
	id       gtid
	began    time.Time // when the statement that ended it began, in whole seconds
	from, to int64     // where its events are in the file
	ours     bool      // it may be about the database that is wanted, or its audit
}

// logReader reads the transactions of a binary log file that may still grow. However large one is, no more of it than
// held is in memory.
type logReader struct {
	file   *os.File
	in     *bufio.Reader
	at     int64  // what is before it was read
	format []byte // the event that says how to read the others
	sums   bool   // each event ends with its checksum

	body   io.LimitedReader // of the event that is read
	summed io.Reader        // reads body into sum
	sum    hash.Hash32
	bytes  []byte // what is held of it

	database string // the one that is wanted, beside its audit's
	named    *regexp.Regexp

	begun  transaction // the one that begin has returned
	inside bool        // it is not read to its end
	alone  bool        // it has one event
}

var errTorn = errors.New("the log ends within a transaction")

// openLog opens a file, of which one database is wanted. An error that is errTorn says that it is too short yet.
func openLog(name, database string) (*logReader, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r := &logReader{file: file, in: bufio.NewReaderSize(file, 1<<16), sum: crc32.NewIEEE(), database: database,
		named: regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(database) + `(` + auditSuffix + `)?\b`)}
	r.summed = io.TeeReader(&r.body, r.sum)
	magic := make([]byte, len(logMagic))
	if _, err := io.ReadFull(r.in, magic); err != nil {
		file.Close()
		return nil, errTorn
	}
	if string(magic) != logMagic {
		file.Close()
		return nil, fmt.Errorf("%s is not a binary log", name)
	}
	r.at = int64(len(logMagic))
	return r, nil
}

// next returns the next whole transaction, or io.EOF or errTorn where the file has no more yet: it may be called again
// once the file has grown, and goes on from there.
func (r *logReader) next() (transaction, error) {
	if _, err := r.begin(); err != nil {
		return transaction{}, err
	}
	return r.finish()
}

// begin returns the next transaction as far as its first event says: its id and its second. It is io.EOF where the file
// has no other yet. One that finish has not returned is returned again.
func (r *logReader) begin() (transaction, error) {
	for !r.inside {
		from := r.at
		event, _, err := r.event()
		if err != nil {
			return transaction{}, err
		}
		if event[4] != gtidEvent {
			continue // what the server notes for itself
		}
		id, alone, err := readGTID(event)
		if err != nil {
			r.at = from
			return transaction{}, r.again(err)
		}
		began := time.Unix(int64(binary.LittleEndian.Uint32(event)), 0)
		r.begun, r.inside, r.alone = transaction{id: id, began: began, from: from}, true, alone
	}
	return r.begun, nil
}

// finish reads the transaction that begin has returned to its end, and returns it. It is errTorn where the file has not
// all of it yet.
func (r *logReader) finish() (transaction, error) {
	for r.inside {
		from := r.at
		event, ours, err := r.event()
		if errors.Is(err, io.EOF) {
			err = errTorn
		}
		if err != nil {
			return transaction{}, err
		}
		if event[4] == gtidEvent { // of another one: this one has no end, and was none
			r.at, r.inside, r.begun.ours = from, false, false
			return r.begun, r.again(nil)
		}
		r.begun.to, r.begun.ours = r.at, r.begun.ours || ours
		r.inside = !(r.alone || event[4] == xidEvent || event[4] == queryEvent && ends(event))
	}
	return r.begun, nil
}

// event reads one event, and checks it against its checksum. It returns what is held of it until the next call, without
// the checksum, and whether it is about the wanted database. It is io.EOF where the file has not all of it yet. After
// an error the same event comes again.
func (r *logReader) event() (event []byte, ours bool, err error) {
	header, err := r.in.Peek(headerSize)
	if err != nil {
		return nil, false, r.again(err)
	}
	kind, size := header[4], int64(binary.LittleEndian.Uint32(header[9:]))
	content := size
	if r.sums && kind != formatEvent {
		content -= checksumSize
	}
	if content < headerSize || size > maxEvent {
		return nil, false, r.again(fmt.Errorf("%s: an event of %d bytes: the log is damaged", r.file.Name(), size))
	}
	event, ours, err = r.content(kind, content)
	if err == nil && content < size {
		err = r.checkSum()
	}
	if err == nil && kind == formatEvent {
		err = r.takeFormat(event)
	}
	if err != nil {
		return nil, false, r.again(err)
	}
	r.at += size
	return event, ours, nil
}

// checkSum reads the checksum of the event that was read.
func (r *logReader) checkSum() error {
	sum, err := r.in.Peek(checksumSize)
	if err != nil {
		return err
	}
	if r.sum.Sum32() != binary.LittleEndian.Uint32(sum) {
		return fmt.Errorf("%s: an event's checksum is wrong: the log is damaged", r.file.Name())
	}
	_, err = r.in.Discard(checksumSize)
	return err
}

// content reads an event but for its checksum.
func (r *logReader) content(kind byte, size int64) (event []byte, ours bool, err error) {
	r.body = io.LimitedReader{R: r.in, N: size}
	r.sum.Reset()
	n := int(min(size, held))
	r.bytes = slices.Grow(r.bytes[:0], n)[:n]
	if _, err := io.ReadFull(r.summed, r.bytes); err != nil {
		return nil, false, err
	}
	ours = r.isOurs(r.bytes)
	if r.body.N == 0 {
		return r.bytes, ours, nil
	}
	if text := statement(r.bytes); kind == queryEvent && !ours && !aboutUsers.Match(text) {
		ours = r.named.MatchReader(bufio.NewReader(io.MultiReader(bytes.NewReader(text), r.summed)))
	}
	if _, err := io.Copy(io.Discard, r.summed); err != nil {
		return nil, false, err
	}
	if r.body.N > 0 {
		return nil, false, io.ErrUnexpectedEOF
	}
	return r.bytes, ours, nil
}

// again seeks back to r.at, and returns err, or io.EOF for an end that came too early.
func (r *logReader) again(err error) error {
	if _, failed := r.file.Seek(r.at, io.SeekStart); failed != nil {
		return failed
	}
	r.in.Reset(r.file)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// takeFormat takes the event that says how to read the others: whether they have checksums.
func (r *logReader) takeFormat(event []byte) error {
	if len(event) < headerSize+checksumSize+1 {
		return errors.New("the log has no format: it is damaged")
	}
	r.format = append([]byte(nil), event...)
	r.sums = event[len(event)-checksumSize-1] == 1
	return nil
}

func readGTID(event []byte) (id gtid, alone bool, err error) {
	if len(event) < headerSize+13 {
		return id, false, errors.New("a GTID that is too short: the log is damaged")
	}
	body := event[headerSize:]
	return gtid{
		domain: binary.LittleEndian.Uint32(body[8:]), server: binary.LittleEndian.Uint32(event[5:]),
		seq: binary.LittleEndian.Uint64(body),
	}, body[12]&standalone != 0, nil
}

// aboutUsers are statements that a server with other users may not run, and need not.
var aboutUsers = regexp.MustCompile(
	`(?is)^\s*((CREATE|ALTER|DROP|RENAME)\s+(OR\s+REPLACE\s+)?(USER|ROLE)|GRANT|REVOKE|` +
		`SET\s+(PASSWORD|DEFAULT\s+ROLE)|FLUSH|ANALYZE|OPTIMIZE)\b`)

// statement returns the text of a statement, as far as it is held.
func statement(event []byte) []byte {
	const fixed = 13 // thread 4, seconds 4, length of the database's name 1, error 2, length of the variables 2
	body := event[headerSize:]
	if len(body) < fixed {
		return nil
	}
	begin := fixed + int(binary.LittleEndian.Uint16(body[11:])) + int(body[8]) + 1
	return body[min(begin, len(body)):]
}

// isOurs reports whether an event changes the database that is wanted: one of its tables' rows, or something by a
// statement that was given in it or names it.
func (r *logReader) isOurs(event []byte) bool {
	body := event[headerSize:]
	switch event[4] {
	case tableEvent:
		const fixed = 9 // number 6, flags 2, length of the database's name 1
		return len(body) > fixed && len(body) > fixed+int(body[8]) && r.wants(string(body[fixed:fixed+int(body[8])]))
	case queryEvent:
		text := statement(event)
		if ends(event) || aboutUsers.Match(text) {
			return false
		}
		return r.named.Match(text) || r.wants(defaultDatabase(event))
	}
	return false
}

// wants reports whether a database is the one that is wanted, or its audit's.
func (r *logReader) wants(database string) bool {
	return database == r.database || database == auditOf(r.database)
}

// defaultDatabase returns the default database that a statement ran with, or "".
func defaultDatabase(event []byte) string {
	body := event[headerSize:]
	end := len(body) - len(statement(event)) - 1
	if len(body) < 9 || end < int(body[8]) {
		return ""
	}
	return string(body[end-int(body[8]) : end])
}

// ends reports whether a statement is the end of a transaction: of one whose tables have none.
func ends(event []byte) bool {
	text := statement(event)
	return string(text) == "COMMIT" || string(text) == "ROLLBACK"
}

func (r *logReader) close() { r.file.Close() }
