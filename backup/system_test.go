package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestRoundTrip backs up, goes on, loses everything, and has it all again but the sessions: what was dumped and what
// was logged since.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	mustExec(t, d.db, "INSERT INTO woody.product (name) VALUES ('after the dump')")
	mustExec(t, d.db, "ALTER TABLE woody.product ADD COLUMN late INT DEFAULT 5")
	mustExec(t, d.db, "CREATE DATABASE woody_audits") // which is no part of the shop
	mustExec(t, d.db, "CREATE TABLE woody_audits.entry (id INT)")
	mustExec(t, d.db, "USE woody")
	mustExec(t, d.db, "UPDATE woody.product SET late = 6 WHERE name = 'Yoyo'")
	mustExec(t, d.db, "ALTER USER woody@'%' IDENTIFIED BY 'another'") // which a scratch server has not
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (3, 'c')")
	mustExec(t, d.db, "INSERT INTO woody.product (name, bytes) SELECT CONCAT('toy ', seq), REPEAT(MD5(seq), 20) "+
		"FROM woody.seq_1_to_8000") // as is the next, of more rows than are replayed at once
	mustExec(t, d.db, "UPDATE woody.product SET price = id WHERE name LIKE 'toy %'")
	mustExec(t, d.db, "INSERT INTO woody_audit.entry VALUES ('3', 'after the dump')")
	want := mustSum(t, d) // before there is a session: none is restored
	mustExec(t, d.db, "INSERT INTO woody_session VALUES ('of ann')")
	if _, has := want["woody_audit.entry"]; !has {
		t.Errorf("the sums lack the audit: %v", want)
	}
	k.awaitShipped(t)
	d.mustLose(t)
	for _, newer := range []string{ // than what is restored
		"FUNCTION woody.newer() RETURNS INT RETURN 1", "PROCEDURE woody.newer() SELECT 1", "SEQUENCE woody.newer",
		"EVENT woody.newer ON SCHEDULE EVERY 1 DAY DO SELECT 1",
	} {
		mustExec(t, d.db, "CREATE "+newer)
	}

	printed := k.must(t, "restore")
	t.Log(printed)
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM information_schema.tables "+
		"WHERE table_schema = 'woody' AND table_type = 'SEQUENCE'"); n > 0 {
		t.Error("a sequence that is newer than the backup is left")
	}
	got := mustSum(t, d)
	delete(want, epochTable)
	delete(got, epochTable)
	if names := differences(want, got); len(names) > 0 {
		t.Errorf("restored, but: %q", names)
	}
	if epoch := mustQuery[int64](t, d.db, "SELECT epoch FROM woody.woody_cache"); epoch < time.Now().Unix()-1000 {
		t.Errorf("the epoch is %d: what is kept in caches is not left behind", epoch)
	}
	// A new backup is made at once, of the history that begins here.
	k.await(t, "ok", makeFull, "1", func(v float64) bool { return v == 1 })
	now := time.Now()
	k.must(t, "now")
	k.must(t, "verify")
	for _, wrong := range [][]string{{"verify", "none"}, {"restore", "--plan", "yesterday"},
		{"restore", "2000-01-01T00:00:00Z"}} {
		if out, err := k.command(wrong...); err == nil {
			t.Errorf("%q: %s", wrong, out)
		}
	}
	for _, task := range tasks {
		k.await(t, "ok", task, "1", func(v float64) bool { return v == 1 })
	}
	if list := k.must(t, "list"); strings.Count(list, "good") < 2 || !strings.Contains(list, "before a restore") {
		t.Errorf("the list after a restore, of %v:\n%s", now, list)
	}
}

// TestLongRestoreKeepsAudit restores the shop to an earlier moment, and wants the audit to have lost nothing by it, and
// what was removed of it to be there again.
func TestLongRestoreKeepsAudit(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	lines := strings.Split(strings.TrimSpace(k.must(t, "list")), "\n")
	mustExec(t, d.db, "INSERT INTO woody_audit.entry VALUES ('4', 'since')")
	mustExec(t, d.db, "DELETE FROM woody_audit.entry WHERE id = '1'")
	mustExec(t, d.db, "DELETE FROM woody.keyless")
	name := strings.Fields(lines[len(lines)-1])[0]

	mustExec(t, d.db, "REVOKE INSERT ON `woody\\_audit`.* FROM migrate@'%'")
	if _, err := k.command("restore", name); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("by a user who may not add to the audit: %v", err)
	}
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM woody.keyless"); n != 0 {
		t.Errorf("the shop was changed: %d rows", n)
	}
	mustExec(t, d.db, "GRANT INSERT ON `woody\\_audit`.* TO migrate@'%'")
	k.must(t, "restore", name)
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM woody.keyless"); n != 4 {
		t.Errorf("the shop is not what it was: %d rows", n)
	}
	ids := mustQuery[string](t, d.db, "SELECT GROUP_CONCAT(id ORDER BY id) FROM woody_audit.entry")
	if ids != "1,2,4" {
		t.Errorf("the audit has %s, want 1,2,4: nothing is taken back", ids)
	}
}

func mustSum(t *testing.T, d *database) sums {
	t.Helper()
	s, err := source{d.addr, "backup", password, "woody"}.summarize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Sums
}

// TestLongKilled kills the program in each phase: nothing half is left, and the next one goes on.
func TestLongKilled(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	mustGrow(t, d.db)
	k := newKeeping(t, nil, d.addr)
	for _, phase := range []struct{ name, sign string }{
		{"while it dumps", "tmp/dump/dump.sql"},
		{"while it keeps the dump", "tmp/dump/dump.sql"},
		{"while it loads", "tmp/load"},
		{"while the scratch server begins", "scratch/log"},
		{"while the scratch server works", "scratch/data/woody"},
		{"while it proves", "tmp/proof"},
	} {
		k.mustStart(t)
		go func() { _, _ = k.command("now") }()
		mustAppear(t, filepath.Join(k.dir, "work", phase.sign), phase.name)
		if strings.Contains(phase.name, "keeps") {
			time.Sleep(300 * time.Millisecond)
		}
		k.Kill()
		mustBeEndedWith(t, k)
	}
	k.mustStart(t)
	k.awaitGood(t)
	mustExec(t, d.db, "INSERT INTO woody.product (name) VALUES ('last')")
	k.awaitShipped(t)
	k.must(t, "now")
	k.must(t, "verify")
	if out, err := k.restic("list", "locks", "--no-lock").Output(); err != nil || len(out) > 0 {
		t.Errorf("locks are left: %v %s", err, out)
	}
	if list := k.must(t, "list"); strings.Contains(list, "not verified") {
		t.Errorf("half a backup is left:\n%s", list)
	}
	for _, folder := range []string{"tmp", "scratch"} {
		if entries, err := os.ReadDir(filepath.Join(k.dir, "work", folder)); err == nil && len(entries) > 0 {
			t.Errorf("%s has %v", folder, entries)
		}
	}
}

// TestLongRestoreBreaksOff kills the program while it overwrites the database. Half of a shop is not backed up, and is
// not what the next restore brings back: that is what the first one was to.
func TestLongRestoreBreaksOff(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	mustGrow(t, d.db)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	want := mustSum(t, d)
	name := strings.Fields(strings.Split(k.must(t, "list"), "\n")[1])[0]
	mustExec(t, d.db, "DELETE FROM woody.product")
	k.awaitShipped(t)
	held, err := d.db.BeginTx(t.Context(), nil) // whose table cannot be emptied: it goes on overwriting until then
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback()
	if _, err := held.Exec("SELECT * FROM woody.product LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	restored := make(chan error, 1)
	go func() {
		_, err := k.command("restore", name)
		restored <- err
	}()
	mustAppear(t, filepath.Join(k.dir, "work", restoringMark), "while it overwrites")
	k.Kill()
	if err := <-restored; err == nil {
		t.Fatal("the restore was over before the program was killed")
	}
	mustBeEndedWith(t, k)
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	mustLeave(t, d, "migrate")

	k.mustStart(t)
	k.await(t, "ok", makeFull, "0", func(v float64) bool { return v == 0 })
	if out, err := k.command("now"); err == nil || !strings.Contains(err.Error(), "half restored") {
		t.Errorf("half of a shop is backed up: %v %s", err, out)
	}
	if list := k.must(t, "list"); strings.Count(list, " good ") != 1 {
		t.Errorf("half of a shop is backed up:\n%s", list)
	}
	// What fails now before it overwrites has changed nothing, but leaves half of a shop.
	mustExec(t, d.db, "REVOKE INSERT ON `woody\\_audit`.* FROM migrate@'%'")
	for _, args := range [][]string{{"restore"}, {"restore", "2000-01-01T00:00:00Z"}} {
		if _, err := k.command(args...); err == nil || !strings.Contains(err.Error(), "still half restored") ||
			strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%q by a user who may not, of a half restored database: %v", args, err)
		}
	}
	if state := k.must(t, "state"); state != "half\n" {
		t.Errorf("the database is %q", state)
	}
	mustExec(t, d.db, "GRANT INSERT ON `woody\\_audit`.* TO migrate@'%'")
	t.Log(k.must(t, "restore"))
	if state := k.must(t, "state"); !strings.HasPrefix(state, "whole 20") {
		t.Errorf("restored, the database is %q", state)
	}
	got := mustSum(t, d)
	delete(want, epochTable)
	delete(got, epochTable)
	if names := differences(want, got); len(names) > 0 {
		t.Errorf("restored, but: %q", names)
	}
	k.await(t, "ok", makeFull, "1", func(v float64) bool { return v == 1 })
	k.must(t, "verify")
}

// mustLeave waits until a user has no connection: the server carries out what its last one was to.
func mustLeave(t *testing.T, d *database, user string) {
	t.Helper()
	const query = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?"
	for deadline := time.Now().Add(servers.Patience); mustQuery[int](t, d.db, query, user) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not leave", user)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// mustGrow makes the database large enough that each phase takes a while.
func mustGrow(t *testing.T, db *sql.DB) {
	t.Helper()
	mustExec(t, db, `INSERT INTO woody.product (name, bytes) SELECT CONCAT('toy ', seq), REPEAT(MD5(seq), 10) FROM
		woody.seq_1_to_40000`)
}

// mustAppear waits until there is a file or a folder.
func mustAppear(t *testing.T, name, phase string) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: there is no %s", phase, name)
		}
	}
}

// mustBeEndedWith waits until no program that a killed one had started is left.
func mustBeEndedWith(t *testing.T, k *keeping) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(time.Millisecond) {
		left := processesWith(k.dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("these are left: %q", left)
		}
	}
}

func processesWith(text string) (found []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(line), text) && !strings.Contains(string(line), "now") {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// TestLongRestoreToASecond deletes all products under load, and brings back the shop as it was one second before: what
// was acknowledged by then is there, and nothing else.
func TestLongRestoreToASecond(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	l := mustWrite(t, d.dsn("woody"))
	l.await(t, 500)
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(2 * time.Second))) // a second to restore to
	wanted := time.Now().Truncate(time.Second)
	time.Sleep(1100 * time.Millisecond)
	mustExec(t, d.db, "DELETE FROM woody.product")
	l.await(t, l.count()+200)
	l.stop()

	began := time.Now()
	printed := k.must(t, "restore", wanted.UTC().Format(time.RFC3339))
	t.Logf("restored within %v\n%s", time.Since(began), printed)
	there := l.mustRead(t)
	for _, w := range l.acknowledged {
		switch is := there[w.name]; {
		case w.ended.Before(wanted) && !is:
			t.Fatalf("%s was acknowledged at %v, before %v, and is lost", w.name, w.ended, wanted)
		case !w.began.Before(wanted) && is:
			t.Fatalf("%s was begun at %v, not before %v, and is there", w.name, w.began, wanted)
		}
	}
	t.Logf("%d writes, of which %d are there", len(l.acknowledged), len(there))
	if len(there) < 500 || len(there) >= len(l.acknowledged)-200 {
		t.Errorf("%d of %d writes are there", len(there), len(l.acknowledged))
	}
}

// write is an acknowledged write.
type write struct {
	name         string
	began, ended time.Time
}

// load writes products from a few connections.
type load struct {
	db           *sql.DB
	ending       chan struct{}
	writers      sync.WaitGroup
	n            atomic.Int64
	mu           sync.Mutex
	acknowledged []write
}

func mustWrite(t *testing.T, dsn string) *load {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	l := &load{db: db, ending: make(chan struct{})}
	for range 4 {
		l.writers.Go(l.write)
	}
	t.Cleanup(func() { l.stop(); db.Close() })
	return l
}

func (l *load) write() {
	for {
		select {
		case <-l.ending:
			return
		case <-time.After(2 * time.Millisecond):
		}
		w := write{name: "written " + strconv.FormatInt(l.n.Add(1), 10), began: time.Now()}
		if _, err := l.db.Exec("INSERT INTO product (name) VALUES (?)", w.name); err != nil {
			continue
		}
		w.ended = time.Now()
		l.mu.Lock()
		l.acknowledged = append(l.acknowledged, w)
		l.mu.Unlock()
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

func (l *load) await(t *testing.T, count int) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); l.count() < count; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d writes were acknowledged, want %d", l.count(), count)
		}
	}
}

func (l *load) stop() {
	select {
	case <-l.ending:
	default:
		close(l.ending)
	}
	l.writers.Wait()
}

// mustRead returns which writes are there.
func (l *load) mustRead(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := l.db.Query("SELECT name FROM product WHERE name LIKE 'written %'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	there := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		there[name] = true
	}
	return there
}

// TestLongDamage damages a repository in each way, and checks that the verification finds it and that an alert
// fires.
func TestLongDamage(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	mustGrow(t, d.db)
	for _, damage := range []struct {
		name  string
		spoil func(t *testing.T, k *keeping)
	}{
		{"corrupted", func(t *testing.T, k *keeping) {
			mustSpoil(t, k, func(content []byte) []byte {
				content[len(content)/2] ^= 1
				return content
			})
		}},
		{"truncated", func(t *testing.T, k *keeping) {
			mustSpoil(t, k, func(content []byte) []byte { return content[:len(content)/2] })
		}},
		{"wrong key", func(t *testing.T, k *keeping) {
			key := filepath.Join(k.dir, "key")
			if err := os.WriteFile(key, []byte("another key"), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := k.restic("key", "passwd", "--new-password-file", key).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}},
	} {
		t.Run(damage.name, func(t *testing.T) {
			t.Parallel()
			k := mustKeep(t, nil, d.addr)
			k.awaitGood(t)
			k.must(t, "verify")
			prometheus := mustWatch(t, k)
			damage.spoil(t, k)
			if out, err := k.command("verify"); err == nil {
				t.Errorf("the verification finds nothing: %s", out)
			} else {
				t.Log(err)
			}
			k.await(t, "ok", doVerify, "0", func(v float64) bool { return v == 0 })
			if damage.name != "wrong key" { // with which nothing can be told of the backup
				k.await(t, "good_timestamp_seconds", nothing, "0", func(v float64) bool { return v == 0 })
				awaitAlert(t, prometheus, "BackupOld")
			}
			awaitAlert(t, prometheus, "BackupFailing")
		})
	}
}

// mustSpoil changes the largest file of the repository's data: the dump's.
func mustSpoil(t *testing.T, k *keeping, change func([]byte) []byte) {
	t.Helper()
	largest, size := "", int64(0)
	data := filepath.Join(k.dir, "repository", "data")
	err := filepath.WalkDir(data, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > size {
			largest, size = file, info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(largest)
	if err != nil {
		t.Fatal(err)
	}
	content = change(content)
	if err := os.Chmod(largest, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(largest, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLongGap removes the logs that were not followed yet: a full backup begins at once.
func TestLongGap(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	k.Stop(servers.Patience)
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (10, 'not followed')")
	mustExec(t, d.db, "FLUSH BINARY LOGS")
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (11, 'followed')")
	last := mustQuery[string](t, d.db, "SELECT SUBSTRING_INDEX(variable_value, '/', -1) FROM "+
		"information_schema.global_status WHERE variable_name = 'binlog_snapshot_file'")
	mustPurge(t, d, last)
	began := float64(time.Now().Unix())
	k.mustStart(t)
	k.await(t, "gaps_total", nothing, "1", func(v float64) bool { return v == 1 })
	k.await(t, "good_timestamp_seconds", nothing, "new", func(v float64) bool { return v > began })
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (12, 'after')")
	k.awaitShipped(t)
	want := mustSum(t, d)
	d.mustLose(t)
	k.must(t, "restore")
	got := mustSum(t, d)
	delete(want, epochTable)
	delete(got, epochTable)
	if names := differences(want, got); len(names) > 0 {
		t.Errorf("restored, but: %q", names)
	}
}

// TestLongClockGoesBack makes all backups and logs by a clock that is two hours ahead, goes on with the right one, and
// checks that a backup is made at once and that nothing logged by either clock is lost.
func TestLongClockGoesBack(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (60, 'by the clock that was ahead')")
	k.awaitShipped(t)
	k.Stop(servers.Patience)
	mustSetAhead(t, k, 2*time.Hour)
	k.mustStart(t)
	now := float64(time.Now().Unix())
	k.await(t, "good_timestamp_seconds", nothing, "of now", func(v float64) bool { return v > 0 && v < now+3600 })
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (61, 'by the right clock')")
	k.awaitShipped(t)
	lines := strings.Split(strings.TrimSpace(k.must(t, "list")), "\n")
	last := strings.Fields(lines[len(lines)-1])
	if taken, err := time.Parse(time.RFC3339, last[1]); err != nil || time.Until(taken) > time.Hour || len(lines) != 3 {
		t.Errorf("the newest backup is not the last one (%v):\n%s", err, strings.Join(lines, "\n"))
	}
	if at := mustQuery[string](t, d.db, "SELECT @@gtid_binlog_pos"); !strings.Contains(lines[1], " "+at+" ") {
		t.Errorf("the logs of the older backup do not go to %s:\n%s", at, strings.Join(lines, "\n"))
	}
	d.mustLose(t)
	t.Log(k.must(t, "restore"))
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM woody.keyless WHERE a IN (60, 61)"); n != 2 {
		t.Errorf("of what was logged by the two clocks %d rows are there, want 2", n)
	}
	k.await(t, "ok", makeFull, "1", func(v float64) bool { return v == 1 })
}

// mustSetAhead gives all that a repository has the names and times of a clock that is ahead.
func mustSetAhead(t *testing.T, k *keeping, by time.Duration) {
	t.Helper()
	out, err := k.restic("snapshots", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []snapshot
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for i, tag := range s.Tags {
			name, value, _ := strings.Cut(tag, ":")
			if is, err := time.Parse(timeForm, value); err == nil {
				s.Tags[i] = name + ":" + is.Add(by).Format(timeForm)
			}
		}
		if out, err := k.restic("tag", "--set", strings.Join(s.Tags, ","), s.ID).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestLongLostIsNotTheShop loses the database: the empty one in its place is not backed up by itself, so that a restore
// brings back what was there. Only who asks for a backup of it has one.
func TestLongLostIsNotTheShop(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, nil, d.addr)
	k.awaitGood(t)
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (40, 'after the dump')")
	k.awaitShipped(t)
	d.mustLose(t)
	k.await(t, "ok", makeFull, "0", func(v float64) bool { return v == 0 })
	k.Stop(servers.Patience)
	k.mustStart(t) // what goes by the repository alone refuses too
	k.await(t, "ok", makeFull, "0", func(v float64) bool { return v == 0 })
	if list := k.must(t, "list"); strings.Count(list, "\n") != 2 {
		t.Errorf("the database that is not the shop is backed up:\n%s", list)
	}
	began := float64(time.Now().Unix())
	k.must(t, "restore")
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM woody.keyless WHERE a = 40"); n != 1 {
		t.Errorf("what was written after the dump is there %d times", n)
	}
	k.await(t, "good_timestamp_seconds", nothing, "new", func(v float64) bool { return v > began })

	d.mustLose(t)
	k.await(t, "gaps_total", nothing, "more", func(v float64) bool { return v > 0 })
	k.await(t, "ok", makeFull, "0", func(v float64) bool { return v == 0 })
	d.mustFill(t)
	k.must(t, "now")
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (41, 'of the new shop')")
	k.awaitShipped(t)
	k.must(t, "verify")
	k.must(t, "restore")
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM woody.keyless WHERE a IN (40, 41)"); n != 1 {
		t.Errorf("of the old and the new shop's rows %d are there, want 1", n)
	}
}

// TestEndShips ends the program, and then loses the database: what was followed by then is kept, though it was not to
// be shipped for a long time.
func TestEndShips(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	k := mustKeep(t, []string{"WOODY_BACKUP_SHIP_EVERY=5m"}, d.addr)
	k.awaitGood(t)
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (50, 'just before the end')")
	at := mustQuery[string](t, d.db, "SELECT @@gtid_binlog_pos")
	mustFollow(t, k, at)
	k.Stop(servers.Patience)
	d.mustLose(t)
	k.mustStart(t)
	if list := k.must(t, "list"); !strings.Contains(list, at) {
		t.Errorf("the list has no logs to %s:\n%s", at, list)
	}
}

// mustFollow waits until all up to a position has come into the work folder with the log. A transaction of which only a
// part has come is not there.
func mustFollow(t *testing.T, k *keeping, to string) {
	t.Helper()
	want, err := parsePosition(to)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(20 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(k.dir, "work", "logs", "*", "*.[0-9]*"))
		for _, file := range files {
			if _, at, _ := readAll(t, file, 0); at.covers(want) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not followed", to)
		}
	}
}

// mustPurge removes the logs before one. The server leaves one that it sends to somebody, and the connection of who has
// just ended counts until it sends something there.
func mustPurge(t *testing.T, d *database, to string) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; time.Sleep(50 * time.Millisecond) {
		mustExec(t, d.db, "PURGE BINARY LOGS TO '"+to+"'")
		var first string
		var size int64
		if err := d.db.QueryRow("SHOW BINARY LOGS").Scan(&first, &size); err != nil {
			t.Fatal(err)
		}
		if first == to {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the logs before %s are still there", to)
		}
	}
}

// TestLongRemoteGoesAway stores backups and secrets at restic's REST server, which goes away and comes back.
func TestLongRemoteGoesAway(t *testing.T) {
	t.Parallel()
	d := mustStartDatabase(t)
	d.mustFill(t)
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	addr, folder := net.JoinHostPort("127.0.0.1", port), t.TempDir()
	remote := mustServeREST(t, addr, folder)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("secrets' key"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := mustKeep(t, []string{"WOODY_BACKUP_REPOSITORY=rest:http://" + addr + "/",
		"WOODY_BACKUP_SECRETS_KEY_FILE=" + key}, d.addr)
	k.mustKeepSecrets(t, "remote")
	k.awaitGood(t)
	remote.Kill()
	mustExec(t, d.db, "INSERT INTO woody.keyless VALUES (20, 'while it is away')")
	k.await(t, "ok", doShip, "0", func(v float64) bool { return v == 0 })
	mustServeREST(t, addr, folder)
	k.awaitShipped(t)
	k.await(t, "ok", doShip, "1", func(v float64) bool { return v == 1 })
	want := mustSum(t, d)
	d.mustLose(t)
	k.must(t, "restore")
	if n := mustQuery[int](t, d.db, "SELECT COUNT(*) FROM woody.keyless WHERE a = 20"); n != 1 {
		t.Errorf("what was written while the repository was away is there %d times", n)
	}
	if len(want) == 0 {
		t.Error("nothing was there")
	}
	if got := k.must(t, "secrets", "--restore"); got != "remote" {
		t.Errorf("the secrets that were kept are %q", got)
	}
}

// TestSecretsPlace checks that secrets are kept beside the backups, also of a server that has nothing else.
func TestSecretsPlace(t *testing.T) {
	for backups, want := range map[string]string{
		"/backup/repository":            "/backup/repository-secrets",
		"/backup/repository/":           "/backup/repository-secrets",
		"s3:https://s3.example.org/b":   "s3:https://s3.example.org/b-secrets",
		"s3:https://s3.example.org/b/w": "s3:https://s3.example.org/b/w-secrets",
		"rest:http://backups:8000/":     "rest:http://backups:8000/secrets",
		"rest:https://a:b@backups":      "rest:https://a:b@backups/secrets",
		"rest:https://backups/woody/":   "rest:https://backups/woody-secrets",
	} {
		if got := secretsPlace(backups); got != want {
			t.Errorf("beside %s: %s, want %s", backups, got, want)
		}
	}
}

// mustKeepSecrets has the program keep secrets.
func (k *keeping) mustKeepSecrets(t *testing.T, content string) {
	t.Helper()
	cmd := program("secrets")
	cmd.Env = append(cmd.Env, k.settings...)
	cmd.Stdin = strings.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func mustServeREST(t *testing.T, addr, folder string) *servers.Process {
	t.Helper()
	program, err := servers.LookPath("rclone")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", "restic", "--addr", addr, folder)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG="+filepath.Join(t.TempDir(), "none"))
	p, err := servers.Start(cmd, filepath.Join(t.TempDir(), "rclone"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	err = p.AwaitReady(servers.Patience, func() error {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSecrets checks that secrets are stored under a key of their own, and come back from it.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("secrets' key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := mustKeep(t, []string{"WOODY_BACKUP_SECRETS_KEY_FILE=" + key}, "127.0.0.1:1") // no database
	k.mustKeepSecrets(t, "first")
	k.mustKeepSecrets(t, "a\x00b")
	broken := io.MultiReader(strings.NewReader("half of them"), iotest.ErrReader(io.ErrUnexpectedEOF))
	for _, in := range []io.Reader{broken, strings.NewReader("")} {
		cfg := config{WorkDir: k.setting("WOODY_BACKUP_WORK_DIR")}
		if err := cfg.ask("secrets", nil, in, io.Discard); err == nil {
			t.Error("half of the secrets are taken for all")
		}
	}
	if got := k.must(t, "secrets", "--restore"); got != "a\x00b" {
		t.Errorf("%q was kept", got)
	}
	k.settings = append(k.settings, "WOODY_BACKUP_REPOSITORY="+k.setting("WOODY_BACKUP_REPOSITORY")+"-secrets")
	out, err := k.restic("snapshots").CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("wrong password")) {
		t.Errorf("the backups' key opens the secrets, or something else is wrong: %v %s", err, out)
	}
}
