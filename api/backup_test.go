package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// runOn runs the program with a data folder, and returns what it printed.
func runOn(dataDir string, args ...string) (output string, err error) {
	out, err := command([]string{"WOODY_DATA_DIR=" + dataDir}, args...).CombinedOutput()
	return string(out), err
}

func mustRunOn(t *testing.T, dataDir string, args ...string) {
	t.Helper()
	if output, err := runOn(dataDir, args...); err != nil {
		t.Fatalf("%v: %v %s", args, err, output)
	}
}

// products returns the names of products in a file.
func products(t *testing.T, file string) (names []string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM product ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// TestBackupOfARunningShop backs a shop up while four callers add products to it: what was acknowledged before it began
// is in there, and of each caller's products no later one without those before. A shop on what is restored goes on.
func TestBackupOfARunningShop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := startReplica(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "backup.db")
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	defer writing.Wait()
	defer stop()
	var mu sync.Mutex
	acknowledged := make([]int, 4)
	for caller := range acknowledged {
		writing.Go(func() {
			for i := 1; ctx.Err() == nil; i++ {
				response, err := http.Get(fmt.Sprintf("%s/api/products?product=%d-%d", r.URL, caller, i))
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("a product is answered %s", response.Status)
					return
				}
				mu.Lock()
				acknowledged[caller] = i
				mu.Unlock()
			}
		})
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		enough := min(acknowledged[0], acknowledged[1], acknowledged[2], acknowledged[3]) >= 20
		mu.Unlock()
		if enough {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("too few products in two minutes")
		}
	}
	mu.Lock()
	least := append([]int(nil), acknowledged...)
	mu.Unlock()
	mustRunOn(t, data, "backup", file)
	if output, err := runOn(data, "restore", file); err == nil || !strings.Contains(output, "a shop runs on "+data) {
		t.Errorf("restore under a running shop: %v %s", err, output)
	}
	stop()
	writing.Wait()
	r.Kill()

	has := make([]int, len(least))
	for _, name := range products(t, file)[2:] {
		var caller, i int
		if _, err := fmt.Sscanf(name, "%d-%d", &caller, &i); err != nil || i != has[caller]+1 {
			t.Fatalf("after %d of a caller's there is %s (%v)", has[caller], name, err)
		}
		has[caller] = i
	}
	for caller, i := range least {
		if has[caller] < i {
			t.Errorf("the backup has %d products of caller %d, and %d were acknowledged before", has[caller], caller, i)
		}
	}
	was := len(products(t, filepath.Join(data, "woody.db")))
	mustRunOn(t, data, "restore", file)
	if got, want := len(products(t, filepath.Join(data, "woody.db"))), len(products(t, file)); got != want {
		t.Errorf("%d products are restored, want %d", got, want)
	}
	kept, err := filepath.Glob(filepath.Join(data, "woody.db.before-*"))
	if err != nil || len(kept) != 1 || len(products(t, kept[0])) != was {
		t.Errorf("kept are %v, want one file with %d products", kept, was)
	}
	r, err = startReplica(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	mustGet(t, r.URL+"/api/products?product=Robot")
	if _, body := mustGet(t, r.URL+"/api/products/last"); !strings.Contains(body, "last=Robot") {
		t.Errorf("the restored shop says %q", body)
	}
}

// mustMakeShop makes a data folder with a shop's database that no shop runs on.
func mustMakeShop(t *testing.T) (data string) {
	t.Helper()
	dir := t.TempDir()
	r, err := startReplica(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Kill()
	return filepath.Join(dir, "data")
}

// TestRestoreRefuses checks that restore names what is wrong with a file that is no backup, and changes nothing.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	data := mustMakeShop(t)
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	mustRunOn(t, data, "backup", good)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	with := func(name, statement string) string {
		path := file(name, whole)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := append([]byte(nil), whole...)
	for i := len(damaged) / 3; i < len(damaged)/2; i++ {
		damaged[i] ^= 0x5a
	}
	live := file("live.db", whole)
	file("live.db-wal", []byte("news"))
	before := products(t, filepath.Join(data, "woody.db"))
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"): "no such file",
		dir:                           "is not a file",
		file("empty", nil):            "is not a SQLite database",
		file("text", []byte("SELECT 1; -- much longer than the magic")): "is not a SQLite database",
		file("damaged", damaged):                              "it is damaged",
		file("truncated", whole[:len(whole)/2]):               "it is damaged",
		with("other", "DROP TABLE `order`"):                   "it is not a shop's database",
		with("newer", "INSERT INTO woody_schema VALUES (99)"): "a newer release made it: its schema is 99",
		live: "is the file of a database in use",
	} {
		if output, err := runOn(data, "restore", path); err == nil || !strings.Contains(output, want) {
			t.Errorf("restore %s: %v %s, want %q", path, err, output, want)
		}
	}
	for args, want := range map[string]string{
		"backup " + good:                        "exists: name another file",
		"backup " + filepath.Join(dir, "a/b/c"): "no such file",
		"backup":                                "expected",
		"restore":                               "expected",
		"backup x --db-dsn=u@tcp(h:1)/s":        "WOODY_DB_DSN is set",
	} {
		if output, err := runOn(data, strings.Fields(args)...); err == nil || !strings.Contains(output, want) {
			t.Errorf("%s: %v %s, want %q", args, err, output, want)
		}
	}
	if output, err := runOn(dir, "backup", filepath.Join(dir, "new.db")); err == nil ||
		!strings.Contains(output, "there is no shop's database in "+dir) {
		t.Errorf("backup of nothing: %v %s", err, output)
	}
	if now := products(t, filepath.Join(data, "woody.db")); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("the shop has %v, and had %v", now, before)
	}
	left, err := filepath.Glob(filepath.Join(data, "woody.db*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}

// TestMistypedSettings checks that neither backup nor restore goes to the default folder where another was meant.
func TestMistypedSettings(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"backup", "new.db"}, {"restore", "good.db"}} {
		cmd := command([]string{"WOODY_DATADIR=" + t.TempDir()}, args...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		left, _ := os.ReadDir(cmd.Dir)
		if err == nil || !strings.Contains(string(out), "there is no setting WOODY_DATADIR") || len(left) > 0 {
			t.Errorf("%s: %v %s, %v are left", args[0], err, out, left)
		}
	}
}

// TestRestoreGoesOn restores where another restore was killed, and where the database is damaged and has a log: a log
// that stayed would be taken for the new one's.
func TestRestoreGoesOn(t *testing.T) {
	t.Parallel()
	data := mustMakeShop(t)
	good := filepath.Join(t.TempDir(), "good.db")
	mustRunOn(t, data, "backup", good)
	target := filepath.Join(data, "woody.db")
	for name, content := range map[string]string{
		target: "SQLite format 3\x00 and then nothing", target + "-wal": "frames", target + "-shm": "x",
		target + ".partial": "half",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustRunOn(t, data, "restore", good)
	if got, want := fmt.Sprint(products(t, target)), fmt.Sprint(products(t, good)); got != want {
		t.Errorf("restored are %s, want %s", got, want)
	}
	kept, err := filepath.Glob(target + ".before-*")
	if err != nil || len(kept) != 2 || mustContent(t, kept[1]) != "frames" {
		t.Errorf("kept are %v, want the database and its log", kept)
	}
	if _, err := os.Stat(target + ".partial"); err == nil {
		t.Error("a half file is left")
	}
}

// TestRestoreEndsSessions restores what has accounts and a session: the accounts are there, and nobody is signed in.
// One restore was killed while it did that.
func TestRestoreEndsSessions(t *testing.T) {
	t.Parallel()
	data := mustMakeShop(t)
	target := filepath.Join(data, "woody.db")
	count := func(file, table string) (n int) {
		t.Helper()
		db, err := sql.Open("sqlite", file)
		if err == nil {
			defer db.Close()
			err = db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	exec := func(file string, statements ...string) {
		t.Helper()
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, statement := range statements {
			if _, err := db.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	exec(target,
		"INSERT INTO woody_account (id, name, look, role, password, created_us, version) "+
			"VALUES ('a', 'ann', 'ann', 'customer', 'x', 1, 1)",
		"INSERT INTO woody_session (id, account, family, secret, former, salt, created_us, renewed_us, until_us) "+
			"VALUES ('s', 'a', x'01', x'02', x'03', x'04', 1, 1, 9000000000000000)",
		"CREATE TABLE audit_entry (id TEXT)", "INSERT INTO audit_entry VALUES ('1')")
	good := filepath.Join(t.TempDir(), "good.db")
	mustRunOn(t, data, "backup", good)
	for _, journal := range []string{"DELETE", "WAL"} { // as a copy of the file of an ended shop has it
		exec(good, "PRAGMA journal_mode = "+journal)
		for _, end := range []string{"-wal", "-shm"} {
			if err := os.WriteFile(target+".partial"+end, []byte("left"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		mustRunOn(t, data, "restore", good)
		got := []int{count(target, "woody_session"), count(target, "woody_account"), count(target, "audit_entry")}
		if fmt.Sprint(got) != "[0 1 1]" {
			t.Errorf("restored are %d sessions, accounts and entries of the audit, want 0, 1 and 1", got)
		}
		if n := count(good, "woody_session"); n != 1 {
			t.Errorf("the backup has %d sessions, and had 1", n)
		}
		left, err := filepath.Glob(target + ".partial*")
		if err != nil || len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	}
}

func mustContent(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestBackupToAFullDisk checks that a backup without room returns the reason and leaves no file, and that a restore
// without room leaves the shop as it was.
func TestBackupToAFullDisk(t *testing.T) {
	data := mustMakeShop(t)
	disk := mustMountDisk(t, 64<<10)
	if output, err := runOn(data, "backup", filepath.Join(disk.Dir, "backup.db")); err == nil ||
		!strings.Contains(output, "the disk is full") {
		t.Errorf("backup: %v %s", err, output)
	}
	good := filepath.Join(t.TempDir(), "good.db")
	mustRunOn(t, data, "backup", good)
	if output, err := runOn(disk.Dir, "restore", good); err == nil || !strings.Contains(output, "the disk is full") {
		t.Errorf("restore: %v %s", err, output)
	}
	left, err := filepath.Glob(filepath.Join(disk.Dir, "*.db*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}
