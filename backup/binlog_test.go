package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestLogIsReadToItsLastWholeTransaction takes a server's own log, cut off at every byte, spoiled, and whole.
func TestLogIsReadToItsLastWholeTransaction(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	mustExec(t, d.db, "CREATE DATABASE other")
	mustExec(t, d.db, "CREATE TABLE other.mine (a INT PRIMARY KEY)")
	mustExec(t, d.db, "INSERT INTO other.mine VALUES (1)")
	want, err := parsePosition(mustQuery[string](t, d.db, "SELECT @@gtid_binlog_pos"))
	if err != nil {
		t.Fatal(err)
	}
	d.Stop(servers.Patience)
	logs, err := filepath.Glob(filepath.Join(d.Data(), "binlog.[0-9]*"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	content, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "log")
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(content)
	ours, at, err := readAll(t, file, 0)
	if !errors.Is(err, io.EOF) || at.String() != want.String() {
		t.Errorf("the log is read to %s (%v), want %s", at, err, want)
	}
	if others := int(want[0].seq) - ours; others < 8 || ours < 8 {
		t.Errorf("%d transactions are ours, and %d are not", ours, others)
	}
	if tx := mustReadFirst(t, file); time.Since(tx.began) > time.Hour {
		t.Errorf("%s began at %v", tx.id, tx.began)
	}
	last := uint64(0)
	for size := 0; size < len(content); size += 7 {
		write(content[:size])
		_, at, err := readAll(t, file, 0)
		if !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) {
			t.Fatalf("cut off after %d bytes: %v", size, err)
		}
		if seq := at[0].seq; seq < last || seq > last+1 {
			t.Fatalf("cut off after %d bytes it goes to %d, and to %d before", size, seq, last)
		} else {
			last = seq
		}
	}
	write(content[:4])
	if grown, at, err := readAll(t, file, 7, content...); !errors.Is(err, io.EOF) || at.String() != want.String() ||
		grown != ours {
		t.Errorf("while it grows it is read to %s, and %d are ours, want %s and %d: %v", at, grown, want, ours, err)
	}
	content[len(content)/2] ^= 4
	write(content)
	if _, _, err := readAll(t, file, 0); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a byte that is wrong: %v", err)
	}
}

// readAll reads a log to its end, and returns how many of its transactions are ours, and how far they go. While it has
// less than content, it grows by some bytes.
func readAll(t *testing.T, file string, by int, content ...byte) (ours int, at position, err error) {
	t.Helper()
	at = position{}
	r, err := openLog(file, "woody")
	if err != nil {
		return 0, at, err
	}
	defer r.close()
	for size := len(logMagic); ; {
		tx, err := r.next()
		switch {
		case (errors.Is(err, io.EOF) || errors.Is(err, errTorn)) && size < len(content):
			size = min(size+by, len(content))
			if err := os.WriteFile(file, content[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		case err != nil:
			return ours, at, err
		case tx.ours:
			ours++
		}
		if tx.to <= tx.from {
			t.Fatalf("%s is from %d to %d", tx.id, tx.from, tx.to)
		}
		at.advance(tx.id)
	}
}

func mustReadFirst(t *testing.T, file string) transaction {
	t.Helper()
	r, err := openLog(file, "woody")
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	tx, err := r.next()
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// madeEvent returns an event as a server writes it, with its checksum.
func madeEvent(kind byte, second uint32, body []byte) []byte {
	event := make([]byte, headerSize, headerSize+len(body)+checksumSize)
	binary.LittleEndian.PutUint32(event, second)
	event[4], event[5] = kind, 1
	binary.LittleEndian.PutUint32(event[9:], uint32(cap(event)))
	event = append(event, body...)
	return binary.LittleEndian.AppendUint32(event, crc32.ChecksumIEEE(event))
}

// madeLog returns the beginning of a log.
func madeLog() []byte {
	return append([]byte(logMagic), madeEvent(formatEvent, 0, []byte{1})...) // there are checksums
}

// madeBegin returns the events with which a transaction of rows begins, and madeEnd the one with which it ends.
func madeBegin(seq uint64, second uint32, database string) []byte {
	table := append(append(make([]byte, 8), byte(len(database))), database+"\x00\x01t\x00"...)
	return append(madeGTID(seq, second, 0), madeEvent(tableEvent, second, table)...)
}

func madeGTID(seq uint64, second uint32, flags byte) []byte {
	body := binary.LittleEndian.AppendUint64(nil, seq)
	return madeEvent(gtidEvent, second, append(body, 0, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0))
}

func madeEnd(second uint32) []byte { return madeEvent(xidEvent, second, make([]byte, 8)) }

// rowsEvent is the type of an event that is not looked into.
const rowsEvent = 25

// TestCutHoldsNoTransaction cuts a log before, through and behind a transaction of 200 MB, and wants it never to be in
// memory.
func TestCutHoldsNoTransaction(t *testing.T) {
	const size = 200 << 20
	from := t.TempDir()
	file, err := os.Create(filepath.Join(from, "binlog.000001"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	write := func(parts ...[]byte) {
		t.Helper()
		if _, err := file.Write(bytes.Join(parts, nil)); err != nil {
			t.Fatal(err)
		}
	}
	write(madeLog(), madeBegin(1, 100, "woody"), madeEnd(100), madeBegin(2, 200, "woody"))
	rows := madeEvent(rowsEvent, 200, make([]byte, 1<<20))
	for range size / len(rows) {
		write(rows)
	}
	write(madeEnd(200), madeBegin(3, 300, "woody"), madeEnd(300))

	seq := func(n uint64) position { return position{0: gtid{0, 1, n}} }
	for _, test := range []struct {
		name string
		from position
		stop stopAt
		at   uint64
		size int64 // of what is written, in whole megabytes
	}{
		{"before it by time", nil, stopAt{before: time.Unix(200, 0)}, 1, 0},
		{"before it by its id", nil, stopAt{at: seq(1)}, 1, 0},
		{"behind it", seq(2), stopAt{}, 3, 0},
		{"through it", nil, stopAt{at: seq(2)}, 2, size >> 20},
	} {
		to := t.TempDir()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := cut("woody", []string{from}, to, test.from, test.stop)
		runtime.ReadMemStats(&after)
		if err != nil || c.at.String() != seq(test.at).String() || len(c.files) != 1 {
			t.Fatalf("%s: %v to %s: %v", test.name, c.files, c.at, err)
		}
		info, err := os.Stat(c.files[0])
		if err != nil {
			t.Fatal(err)
		}
		if written := info.Size() >> 20; written > test.size || written < test.size-1 {
			t.Errorf("%s: %d MB are written, want %d", test.name, written, test.size)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 5<<20 {
			t.Errorf("%s: %d bytes of memory were used", test.name, used)
		}
		if _, last, err := readAll(t, c.files[0], 0); !errors.Is(err, io.EOF) || last.String() != c.at.String() {
			t.Errorf("%s: what is written goes to %s: %v", test.name, last, err)
		}
	}
}

// TestCutSaysThatTheClockWentBack stops at a second that the log has twice, and at one that only a transaction that
// waited for others has again.
func TestCutSaysThatTheClockWentBack(t *testing.T) {
	log := madeLog()
	for i, second := range []uint32{7000, 14000, 14010, 7010, 7020, 9000, 15000, 14970} {
		log = append(append(log, madeBegin(uint64(i+1), second, "woody")...), madeEnd(second)...)
	}
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "binlog.000001"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		before int64
		at     string
		back   int
	}{{7000, "", 0}, {7015, "0-1-1", 1}, {10000, "0-1-1", 3}, {14000, "0-1-1", 3}, {14990, "0-1-6", 0}} {
		stop := stopAt{before: time.Unix(test.before, 0)}
		c, err := cut("woody", []string{from, from}, t.TempDir(), nil, stop)
		if err != nil || c.at.String() != test.at || c.back != test.back {
			t.Errorf("before %d: to %s, and %d were left out, want %s and %d: %v", test.before, c.at, c.back, test.at,
				test.back, err)
		}
	}
}

// TestCutMissesWhatLogsShouldHave cuts a log that is torn before what it was kept for.
func TestCutMissesWhatLogsShouldHave(t *testing.T) {
	log := bytes.Join([][]byte{madeLog(), madeBegin(1, 100, "woody"), madeEnd(100), madeBegin(2, 200, "woody")}, nil)
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "binlog.000001"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	one, two := position{0: gtid{0, 1, 1}}, position{0: gtid{0, 1, 2}}
	for _, test := range []struct {
		stop stopAt
		ok   bool
	}{
		{stopAt{least: one}, true}, {stopAt{least: two}, false}, {stopAt{at: one, least: two}, true},
		{stopAt{at: two}, false}, {stopAt{before: time.Unix(200, 0), least: two}, true},
		{stopAt{before: time.Unix(201, 0), least: two}, false},
	} {
		c, err := cut("woody", []string{from}, t.TempDir(), nil, test.stop)
		if (err == nil) != test.ok || c.at.String() != one.String() {
			t.Errorf("%+v: to %s: %v", test.stop, c.at, err)
		}
	}
}

// TestLongStatementsAreRead looks for a database's name in a statement that is longer than what is held of it.
func TestLongStatementsAreRead(t *testing.T) {
	query := func(database, text string) []byte {
		body := make([]byte, 13)
		body[8] = byte(len(database))
		return madeEvent(queryEvent, 1, append(body, database+"\x00"+text...))
	}
	const begun = "INSERT INTO t VALUES ('"
	fill := strings.Repeat("x", 2*held)
	border := strings.Repeat("x", held-headerSize-13-len("other")-1-len(begun)-len(" woo"))
	for name, test := range map[string]struct {
		database, text string
		want           bool
	}{
		"in the shop":             {"woody", begun + fill + "')", true},
		"elsewhere":               {"other", begun + fill + "')", false},
		"at its end":              {"other", begun + fill + "'); -- woody_audit", true},
		"part of a word":          {"other", begun + fill + "woody')", false},
		"at the border":           {"other", begun + border + " woody " + fill + "')", true},
		"at the border of a word": {"other", begun + border + "xwoody " + fill + "')", false},
		"about users":             {"woody", "GRANT ALL ON woody.* TO x -- " + fill, false},
	} {
		log := append(append(madeLog(), madeGTID(1, 1, standalone)...), query(test.database, test.text)...)
		log = append(append(log, madeGTID(2, 1, standalone)...), query("other", "SELECT 1")...)
		file := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(file, log, 0o600); err != nil {
			t.Fatal(err)
		}
		ours, at, err := readAll(t, file, 0)
		if want := map[bool]int{true: 1}[test.want]; !errors.Is(err, io.EOF) || at.String() != "0-1-2" || ours != want {
			t.Errorf("%s: %d are ours, to %s: %v", name, ours, at, err)
		}
		log[len(log)/2] ^= 1
		if err := os.WriteFile(file, log, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readAll(t, file, 0); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s, a byte that is wrong: %v", name, err)
		}
	}
}
