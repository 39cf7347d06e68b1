package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// The test binary is also the program under test: with asProgram set it is backup itself.
const asProgram = "WOODYTEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		askTimeout, endPatience = time.Minute, time.Minute // a busy machine is not to be taken for a fault
		main()
		return
	}
	os.Exit(m.Run())
}

// password is the password of every user of the tests' databases.
const password = "it's \"secret\""

// database is a server with the binary log that the stack's has, and a database woody.
type database struct {
	*servers.MariaDB
	addr string
	db   *sql.DB // the administrator's
}

// stackOption finds the options of the stack's database that are about its log.
var stackOption = regexp.MustCompile(`(?m)^ +- (--[a-z-]*(?:bin|server-id|slave)[a-z-]*=\S+)`)

func mustStartDatabase(t *testing.T) *database {
	t.Helper()
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return mustStartAt(t, port)
}

// mustLose ends a database at once with all its data, and starts one with nothing in its place.
func (d *database) mustLose(t *testing.T) {
	t.Helper()
	d.Kill()
	if err := os.RemoveAll(d.Data()); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(d.addr)
	if err != nil {
		t.Fatal(err)
	}
	*d = *mustStartAt(t, port)
}

func mustStartAt(t *testing.T, port string) *database {
	t.Helper()
	text, err := os.ReadFile("../stack.yml")
	if err != nil {
		t.Fatal(err)
	}
	options := []string{"--skip-networking=0", "--bind-address=127.0.0.1", "--port=" + port,
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"}
	found := stackOption.FindAllStringSubmatch(string(text), -1)
	if len(found) < 8 {
		t.Fatalf("stack.yml has %d options about the log: %q", len(found), found)
	}
	for _, option := range found {
		options = append(options, option[1])
	}
	server, err := servers.StartMariaDB(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	d := &database{MariaDB: server, addr: net.JoinHostPort("127.0.0.1", port)}
	if d.db, err = sql.Open("mysql", server.DSN("")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.db.Close() })
	d.mustMakeUsers(t)
	return d
}

// mustMakeUsers makes the database and its users, with the rights that scripts/secrets gives them.
func (d *database) mustMakeUsers(t *testing.T) {
	t.Helper()
	for _, statement := range userStatements(t) {
		mustExec(t, d.db, statement)
	}
}

func userStatements(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../scripts/secrets")
	if err != nil {
		t.Fatal(err)
	}
	rights := regexp.MustCompile(`user backup '([A-Z, ]+ ON \*\.\*)'`).FindStringSubmatch(string(text))
	if rights == nil {
		t.Fatal("scripts/secrets does not make the user backup")
	}
	statements := []string{"CREATE DATABASE IF NOT EXISTS woody"}
	for user, granted := range map[string]string{
		"backup": rights[1], "migrate": "ALL PRIVILEGES ON woody.*", "woody": "ALL PRIVILEGES ON woody.*",
	} {
		statements = append(statements, fmt.Sprintf("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY '%s'", user,
			strings.ReplaceAll(password, "'", "''")), fmt.Sprintf("GRANT %s TO %s@'%%'", granted, user))
	}
	return append(statements, "GRANT CREATE, INSERT ON `woody\\_audit`.* TO migrate@'%'", // as scripts/secrets does
		"GRANT INSERT ON `woody\\_audit`.* TO woody@'%'")
}

// dsn returns how a user reaches the database.
func (d *database) dsn(user string) string { return tcpDSN(d.addr, user) }

func tcpDSN(addr, user string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = user, password, "tcp", addr, "woody"
	cfg.Logger = &mysql.NopLogger{}
	return cfg.FormatDSN()
}

// mustFill makes tables with all that is hard to dump: triggers, bytes, times, no key.
func (d *database) mustFill(t *testing.T) {
	t.Helper()
	db, err := sql.Open("mysql", d.dsn("migrate"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"CREATE TABLE product (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), bytes BLOB, price DOUBLE, " +
			"made TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
		"CREATE TABLE product_tally (connection BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
		"CREATE TABLE keyless (a INT, b TEXT)",
		"CREATE TABLE woody_cache (id TINYINT PRIMARY KEY, epoch BIGINT NOT NULL, " +
			"token VARCHAR(32) NOT NULL DEFAULT '', bumps VARCHAR(1024) NOT NULL DEFAULT '')",
		"INSERT INTO woody_cache (id, epoch) VALUES (1, 7)",
		`CREATE TRIGGER product_added AFTER INSERT ON product FOR EACH ROW
			INSERT INTO product_tally VALUES (CONNECTION_ID(), 1) ON DUPLICATE KEY UPDATE n = n + 1`,
		"CREATE TABLE woody_account (id CHAR(36) PRIMARY KEY)",
		"CREATE TABLE woody_session (id CHAR(36) PRIMARY KEY)",
		"INSERT INTO woody_account VALUES ('ann')",
		"CREATE VIEW cheap AS SELECT id, name FROM product WHERE price < 10",
		"INSERT INTO product (name, bytes, price) VALUES ('Yoyo', x'00ff27225c0a', 0.1), ('Été; -- \\'', NULL, 1e300)",
		"INSERT INTO keyless VALUES (1, 'a'), (1, 'a'), (NULL, ''), (NULL, NULL)",
		"CREATE DATABASE IF NOT EXISTS woody_audit",
		"CREATE TABLE woody_audit.entry (id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, " +
			"thing VARCHAR(300) NOT NULL)",
		"INSERT INTO woody_audit.entry VALUES ('1', 'before the backup'), ('2', 'x\\'\\n\\\\ é')",
	} {
		mustExec(t, db, statement)
	}
}

func mustExec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func mustQuery[T any](t *testing.T, db *sql.DB, query string, args ...any) (value T) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// keeping is a place where backups of databases are kept, and the program that does.
type keeping struct {
	*programs.Backup
	dir      string
	settings []string
}

// slow are settings with which the program does nothing by itself after its start: a test asks for what it wants.
var slow = []string{"WOODY_BACKUP_EVERY=24h", "WOODY_BACKUP_VERIFY_EVERY=100h", "WOODY_BACKUP_SHIP_EVERY=200ms",
	"WOODY_BACKUP_RETRY_AFTER=200ms"}

func newKeeping(t *testing.T, settings []string, sources ...string) *keeping {
	t.Helper()
	dir, err := os.MkdirTemp("", "woody-backup") // short: a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &keeping{dir: dir, settings: append(append([]string{
		"WOODY_BACKUP_REPOSITORY=" + filepath.Join(dir, "repository"), "WOODY_BACKUP_KEY=a key",
		"WOODY_BACKUP_WORK_DIR=" + filepath.Join(dir, "work"), "WOODY_BACKUP_PASSWORD=" + password,
		"WOODY_BACKUP_TARGET_PASSWORD=" + password, "WOODY_BACKUP_SOURCES=" + strings.Join(sources, ","),
	}, slow...), settings...)}
}

func mustKeep(t *testing.T, settings []string, sources ...string) *keeping {
	t.Helper()
	k := newKeeping(t, settings, sources...)
	k.mustStart(t)
	return k
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+os.Getenv("PATH")+":/usr/sbin")
	return cmd
}

func (k *keeping) mustStart(t *testing.T, settings ...string) {
	t.Helper()
	var err error
	k.Backup, err = programs.StartBackup(program(), filepath.Join(k.dir, "log"), append(k.settings, settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	running := k.Process
	t.Cleanup(func() {
		running.Stop(servers.Patience)
		if t.Failed() {
			t.Log(running.Log())
		}
	})
}

// command gives the program a command, and returns what it prints.
func (k *keeping) command(args ...string) (string, error) {
	cmd := program(args...)
	cmd.Env = append(cmd.Env, k.settings...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("backup %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), err
}

func (k *keeping) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := k.command(args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// restic returns restic on the repository of the backups.
func (k *keeping) restic(args ...string) *exec.Cmd {
	repository := k.setting("WOODY_BACKUP_REPOSITORY")
	cmd := exec.Command("restic", append([]string{"-r", repository, "--no-cache"}, args...)...)
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD="+k.setting("WOODY_BACKUP_KEY"))
	return cmd
}

func (k *keeping) setting(name string) (value string) {
	for _, setting := range k.settings {
		if found, ok := strings.CutPrefix(setting, name+"="); ok {
			value = found
		}
	}
	return value
}

// metric returns a figure, of one task where it has that label.
func (k *keeping) metric(name string, task task) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), servers.Patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", k.URL+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	series := "woody_backup_" + name
	if task != nothing {
		series += fmt.Sprintf("{task=%q}", string(task))
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s of %q", name, task)
}

// await waits until a figure is such as is wanted.
func (k *keeping) await(t *testing.T, name string, task task, what string, wanted func(float64) bool) {
	t.Helper()
	deadline := time.Now().Add(servers.Patience)
	for {
		value, err := k.metric(name, task)
		if err == nil && wanted(value) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s of %q is %s, want %s; %v\n%s", name, task, strconv.FormatFloat(value, 'f', -1, 64), what, err,
				k.Log())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (k *keeping) awaitGood(t *testing.T) {
	t.Helper()
	k.await(t, "good_timestamp_seconds", nothing, "above 0", func(v float64) bool { return v > 0 })
}

// awaitShipped waits until all that was acknowledged by now is in the repository.
func (k *keeping) awaitShipped(t *testing.T) {
	t.Helper()
	now := float64(time.Now().UnixMilli()) / 1000
	k.await(t, "logs_timestamp_seconds", nothing, "after now", func(v float64) bool { return v > now })
}

func mustWriteLines(t *testing.T, file string, statements []string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(strings.Join(statements, ";\n")+";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
