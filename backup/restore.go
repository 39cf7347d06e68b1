package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// plan is what a restore would do.
type plan struct {
	backup backup
	stop   stopAt
	to     position // how far the logs go that follow the backup
}

// parseTime reads a time with its zone, and returns it in whole seconds, as the log has them.
func parseTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(form, text); err == nil {
			return t.Truncate(time.Second), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time with its zone, such as 2026-11-27T07:00:00Z", text)
}

// planFor chooses the backup for a time, which is empty for all there is, or a backup's name.
func planFor(inv inventory, text string) (p plan, err error) {
	var ok bool
	if p.backup, ok = inv.named(text); ok {
		p.stop.at, p.to = p.backup.at, p.backup.at
		return p, nil
	}
	if text != "" {
		if p.stop.before, err = parseTime(text); err != nil {
			return p, err
		}
		if p.stop.before.After(time.Now()) {
			return p, fmt.Errorf("%s is in the future: without a time all there is is restored", text)
		}
	}
	if p.backup, ok = inv.newest(p.stop.before); !ok {
		return p, errors.New("there is no good backup from before then: the command list shows what there is")
	}
	_, p.to = inv.after(p.backup)
	return p, nil
}

// check refuses a time that the logs do not come up to, and all there is where something between is missing: the shop
// would be an older one.
func (p plan) check(inv inventory, now present) error {
	goesOn := now.line != "" && p.backup.line == now.line
	switch {
	case p.stop.at != nil, goesOn && p.to.covers(now.at), p.stop.before.IsZero() && !goesOn:
		return nil
	case p.stop.before.IsZero():
		return fmt.Errorf("the logs of the backup %s go only to %s, and logs are kept to %s: some between are "+
			"missing. Give a time up to %s, or a backup's name", p.backup.name, p.to, now.at,
			inv.reach(p.backup).Format(time.RFC3339))
	}
	if until := inv.reach(p.backup); p.stop.before.After(until) {
		return fmt.Errorf("what is kept from before %s goes only to %s (the backup %s, and its logs to %s): give that "+
			"time, or a backup's name", p.stop.before.UTC().Format(time.RFC3339), until.Format(time.RFC3339),
			p.backup.name, p.to)
	}
	return nil
}

func (p plan) String() string {
	until := "everything that is kept"
	switch {
	case p.stop.at != nil:
		until = "that moment"
	case !p.stop.before.IsZero():
		until = "just before " + p.stop.before.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("the backup %s of %s, and its logs (%s to %s) up to %s", p.backup.name,
		p.backup.taken.Format(time.RFC3339), p.backup.at, p.to, until)
}

// restore puts the database back to what it was, but nobody is signed in. Nothing of it is touched before all of that
// is there in a scratch server, and what it was until then is kept as a backup, if it can be read. The caller sees to
// it that nobody writes.
func (k *keeper) restore(ctx context.Context, text string, planned bool, say sayer) error {
	if !planned && k.cfg.TargetPassword == "" {
		return k.unchanged(
			errors.New("WOODY_BACKUP_TARGET_PASSWORD_FILE names no password: nothing can be restored"))
	}
	if !planned {
		k.restores.Add(1)
		defer k.restores.Add(-1)
	}
	return k.do(ctx, doRestore, say, func(ctx context.Context) error {
		began := time.Now()
		p, err := k.planNow(ctx, text, say)
		if planned {
			return err
		}
		var with replacement
		if err == nil {
			with, err = k.rebuild(ctx, p, say)
		}
		if err != nil {
			return k.unchanged(err)
		}
		if err := k.replace(ctx, with); err != nil {
			return err
		}
		say.say("restored: %d rows, compared, after %.1f s; a new backup is made", with.rows(),
			time.Since(began).Seconds())
		k.set(func(f *facts) { f.failures = 0 }) // the next backup is not to wait for what failed before
		return nil
	})
}

// planNow returns what is to be restored, and says it.
func (k *keeper) planNow(ctx context.Context, text string, say sayer) (plan, error) {
	now := present{}
	if at, err := k.shipNow(ctx); err != nil {
		say.say("the database's log cannot be followed to its end now: %v", err)
	} else {
		now = present{k.ship.history(), at}
	}
	inv, err := k.repo.inventory(ctx)
	if err != nil {
		return plan{}, err
	}
	p, err := k.choose(inv, text, now)
	if err == nil {
		say.say("to be restored: %s", p)
	}
	return p, err
}

// choose returns what is to be restored: without a time what a restore that has broken off was to.
func (k *keeper) choose(inv inventory, text string, now present) (plan, error) {
	if text == "" {
		if p, ok, err := k.brokenOff(inv); err != nil || ok {
			return p, err
		}
	}
	p, err := planFor(inv, text)
	if err == nil {
		err = p.check(inv, now)
	}
	if err != nil {
		return p, mistake{err}
	}
	return p, nil
}

// replacement is what a restore puts in the database's place.
type replacement struct {
	backup string   // the name of the one that it was built of
	at     position // up to where
	file   string   // its dump
	is     sums
	before string // the name of the backup of what the database had; empty if that could not be kept
}

func (r replacement) rows() (n int64) {
	for _, s := range r.is {
		n += s.Rows
	}
	return n
}

// rebuild makes what is to be restored, and keeps what the database has. It changes nothing of the shop, but adds to
// the audit what that lacks.
func (k *keeper) rebuild(ctx context.Context, p plan, say sayer) (r replacement, err error) {
	began := time.Now()
	restored, at, err := k.build(ctx, p.backup, p.stop)
	if err != nil {
		return r, err
	}
	defer restored.close()
	r = replacement{backup: p.backup.name, at: at, file: k.cfg.below("tmp", "restored.sql")}
	if err := restored.endSessions(ctx); err != nil {
		return r, err
	}
	if r.is, err = restored.sums(ctx); err != nil {
		return r, err
	}
	say.say("restored into a scratch server, up to %s, after %.1f s", at, time.Since(began).Seconds())
	if restored.back > 0 {
		say.say("the database's clock has gone back: %d transactions from before %s came later than the first that is "+
			"not, and are left out", restored.back, p.stop.before.UTC().Format(time.RFC3339))
	}
	if before, err := k.takeDump(ctx, k.cfg.sourceAt(k.cfg.Target), kindBefore, "-before"); err == nil {
		r.before = before.name
		say.say("what is there now is kept as %s", before.name)
	} else {
		say.say("what is there now cannot be kept: %v", err)
	}
	if err := restored.dump(ctx, r.file); err != nil {
		return r, err
	}
	if err := k.addAudit(ctx, restored, r.is); err != nil {
		return r, fmt.Errorf("add to the audit what it lacks, of which some may be there now: %w", err)
	}
	return r, nil
}

// replace puts it in the database's place. What breaks off in here leaves the restoring mark.
func (k *keeper) replace(ctx context.Context, with replacement) error {
	begun := mark{Time: time.Now(), Backup: with.backup, At: with.at.String()}
	if err := k.setMark(restoringMark, begun); err != nil {
		return k.unchanged(err)
	}
	k.ship.lose() // what follows is another history
	if err := k.overwrite(ctx, with.file); err != nil {
		was := "what was there could not be kept"
		if with.before != "" {
			was = "what was there is " + with.before
		}
		return fmt.Errorf("the database is not whole: restore again (%s): %w", was, err)
	}
	now, err := k.compare(ctx, with.is)
	if err != nil {
		return fmt.Errorf("the database is not what was restored: restore again: %w", err)
	}
	err = k.setMark(restoredMark, mark{Time: time.Now(), Name: k.repo.newName(), At: now.String()})
	if err == nil {
		err = os.Remove(k.cfg.below(restoringMark))
	}
	if err != nil {
		return fmt.Errorf("the database is restored, but that cannot be noted: restore again: %w", err)
	}
	return nil
}

// unchanged returns the error of a restore that has overwritten nothing. It says what the database is: what it was
// before, or half of what a restore was to bring back that has broken off.
func (k *keeper) unchanged(err error) error {
	if k.half() {
		return fmt.Errorf("the database is still half restored, by a restore that has broken off: restore again: %w",
			err)
	}
	return fmt.Errorf("nothing was changed: %w", err)
}

// endSessions removes the sessions of the shop's accounts, if it has any: some were ended since.
func (s *scratch) endSessions(ctx context.Context) error {
	db, err := s.open(s.cfg.Name)
	if err != nil {
		return err
	}
	defer db.Close()
	var there bool
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) > 0 FROM information_schema.tables "+
		"WHERE table_schema = ? AND table_name = ?", s.cfg.Name, sessionTable).Scan(&there)
	if err == nil && there {
		_, err = db.ExecContext(ctx, "DELETE FROM "+quote(sessionTable))
	}
	if err != nil {
		return fmt.Errorf("end the sessions that were: %w", err)
	}
	return nil
}

// sessionTable is where the shop's sessions are (api/store).
const sessionTable = "woody_session"

// dump writes all of the scratch server's database, such that whoever loads it owns what it makes.
func (s *scratch) dump(ctx context.Context, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command("mariadb-dump", append([]string{"--no-defaults", "--socket=" + s.socket(), "--user=root",
		"--single-transaction"}, append(dumpOptions, s.cfg.Name)...)...)
	read, write := io.Pipe()
	cmd.Stdout = write
	ended := make(chan error, 1)
	go func() {
		err := runChild(ctx, cmd)
		write.CloseWithError(err)
		ended <- err
	}()
	_, err = io.Copy(out, withoutDefiners(read))
	read.CloseWithError(err)
	return errors.Join(err, <-ended)
}

// definer finds who owns what is made: triggers and events, views, and routines, as mariadb-dump writes each. It has
// one anchor before all of them: with one each, a line that begins otherwise is searched to its end.
var definer = regexp.MustCompile("^(?:(/\\*!50[0-9]{3} CREATE\\*/ )/\\*!50[0-9]{3} DEFINER=`[^`]*`@`[^`]*`\\*/|" +
	"(/\\*!50013 )DEFINER=`[^`]*`@`[^`]*` |(CREATE )DEFINER=`[^`]*`@`[^`]*` )")

// withoutDefiners returns a dump whose triggers, views and the like belong to whoever loads it.
func withoutDefiners(dump io.Reader) io.Reader {
	read, write := io.Pipe()
	go func() {
		lines := bufio.NewReaderSize(dump, 1<<16)
		begins := true
		for {
			part, err := lines.ReadSlice('\n')
			whole := part
			if begins && len(part) < 1<<16 {
				whole = definer.ReplaceAll(part, []byte("$1$2$3"))
			}
			begins = err == nil
			if _, failed := write.Write(whole); failed != nil {
				return
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				write.CloseWithError(err)
				return
			}
		}
	}()
	return read
}

// overwrite empties the database, loads a dump into it, and invalidates all that is cached of what it was.
func (k *keeper) overwrite(ctx context.Context, file string) error {
	target := k.cfg.target()
	db, err := target.open()
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := empty(ctx, conn, target.database); err != nil {
		return err
	}
	if err := target.run(ctx, file); err != nil {
		return err
	}
	return raiseEpoch(ctx, conn)
}

// run sends the statements of a file to the server. The file's folder has the client's options meanwhile.
func (s source) run(ctx context.Context, file string) error {
	options := filepath.Join(filepath.Dir(file), "target.cnf")
	if err := s.options(options); err != nil {
		return err
	}
	defer os.Remove(options)
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := exec.Command("mariadb", "--defaults-file="+options, "--default-character-set=utf8mb4", "--binary-mode",
		"--max-allowed-packet=1G", s.database)
	cmd.Stdin = in
	return runChild(ctx, cmd)
}

// empty removes all that a database has: what is newer than a backup would stay beside it.
func empty(ctx context.Context, conn *sql.Conn, database string) error {
	if _, err := conn.ExecContext(ctx, "SET SESSION foreign_key_checks = 0"); err != nil {
		return err
	}
	for kind, query := range map[string]string{
		"VIEW": "SELECT table_name FROM information_schema.views WHERE table_schema = ?",
		"TABLE": "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' " +
			"AND table_schema = ?",
		"SEQUENCE": "SELECT table_name FROM information_schema.tables WHERE table_type = 'SEQUENCE' " +
			"AND table_schema = ?",
		"PROCEDURE": "SELECT routine_name FROM information_schema.routines WHERE routine_type = 'PROCEDURE' " +
			"AND routine_schema = ?",
		"FUNCTION": "SELECT routine_name FROM information_schema.routines WHERE routine_type = 'FUNCTION' " +
			"AND routine_schema = ?",
		"EVENT": "SELECT event_name FROM information_schema.events WHERE event_schema = ?",
	} {
		names, err := column(ctx, conn, query, database)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := conn.ExecContext(ctx, "DROP "+kind+" "+quote(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// epochTable is where the cache keeps its epoch (cache/outbox).
const epochTable = "woody_cache"

// raiseEpoch raises the epoch of the caches beyond every one that there was, whatever was lost: it is raised less than
// once a second, and becomes the number of seconds since 1970. It does nothing where there is none.
func raiseEpoch(ctx context.Context, conn *sql.Conn) error {
	there, err := column(ctx, conn, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_name = ?`, epochTable)
	if err != nil || len(there) == 0 {
		return err
	}
	token := strings.ReplaceAll(time.Now().UTC().Format("20060102150405.000000000"), ".", "")
	_, err = conn.ExecContext(ctx, "UPDATE "+epochTable+` SET epoch = GREATEST(epoch + 1, UNIX_TIMESTAMP()), token = ?,
		bumps = LEFT(CONCAT(?, ',', bumps), 1024) WHERE id = 1`, "restored"+token, "restored"+token)
	return err
}

// compare returns where the database is now, and an error unless it is what was restored, but for the epoch, and for
// the audit, which was added to.
func (k *keeper) compare(ctx context.Context, want sums) (position, error) {
	s, err := k.cfg.sourceAt(k.cfg.Target).summarize(ctx)
	if err != nil {
		return nil, err
	}
	for _, all := range []sums{want, s.Sums} {
		maps.DeleteFunc(all, func(name string, _ sum) bool { return name == epochTable || isAudit(k.cfg.Name, name) })
	}
	if names := differences(want, s.Sums); len(names) > 0 {
		return nil, errors.New(strings.Join(names, ", "))
	}
	return s.At, nil
}
