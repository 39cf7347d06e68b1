package scripts_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

var rights = regexp.MustCompile(`\+eval [a-z+ ]*\+smembers`)

// oneLine returns a text whose lines are put together, those that end in a backslash too.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\\\n", " ")), " ")
}

// TestRedisRights checks the rights that scripts/secrets gives the API at Redis against those that the cache's protocol
// says it needs.
func TestRedisRights(t *testing.T) {
	needed := rights.FindString(oneLine(mustRead(t, "../cache/PROTOCOL.md")))
	given := rights.FindString(oneLine(mustRead(t, "secrets")))
	if needed == "" || given != needed {
		t.Errorf("scripts/secrets gives\n%s\ncache/PROTOCOL.md needs\n%s", given, needed)
	}
}

// mustMakeSecrets has scripts/secrets make what is missing in a tree that has nothing else, and returns all there is.
func mustMakeSecrets(t *testing.T, tree string) map[string]string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(tree, "scripts"), 0o777); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(tree, "scripts", "secrets")
	if err := servers.WriteScript(script, mustRead(t, "secrets")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files, err := os.ReadDir(filepath.Join(tree, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, want it to be its owner's alone (%v)", file.Name(), info, err)
		}
		made[file.Name()] = mustRead(t, filepath.Join(tree, "secrets", file.Name()))
	}
	return made
}

// TestPasswordsOfAnEditor checks that a password whose file ends in a line end is known to the stores without it, as
// who uses it takes it.
func TestPasswordsOfAnEditor(t *testing.T) {
	t.Parallel()
	made := map[string]map[string]string{}
	for _, end := range []string{"", "\n"} {
		tree := t.TempDir()
		if err := os.Mkdir(filepath.Join(tree, "secrets"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"redis", "redis_admin", "redis_exporter", "database", "database_migrate",
			"database_admin", "database_backup", "database_exporter"} {
			file := filepath.Join(tree, "secrets", name+"_password")
			if err := os.WriteFile(file, []byte("of "+name+end), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		made[end] = mustMakeSecrets(t, tree)
	}
	for _, name := range []string{"redis_acl", "database_users", "database_dsn", "database_exporter"} {
		if without, with := made[""][name], made["\n"][name]; with != without || with == "" {
			t.Errorf("%s with line ends is\n%s\nand without\n%s", name, with, without)
		}
	}
}

// TestSecretsAreMadeOnce checks that every file that the stack files name is made, and stays the same from then on.
func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	first := mustMakeSecrets(t, tree)
	files, err := filepath.Glob("../stack*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, found := range regexp.MustCompile(`\./secrets/(\w+)`).FindAllStringSubmatch(mustRead(t, file), -1) {
			if first[found[1]] == "" {
				t.Errorf("%s wants secrets/%s, which scripts/secrets does not make", file, found[1])
			}
		}
	}
	for name, content := range mustMakeSecrets(t, tree) {
		if first[name] != content {
			t.Errorf("secrets/%s changed: %q, was %q", name, content, first[name])
		}
	}
}

// TestSecretsOfAnEarlierVersion checks that users that an earlier version did not know are added, and that no password
// is changed.
func TestSecretsOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	first := mustMakeSecrets(t, tree)
	woody, _, _ := strings.Cut(first["redis_acl"], "user admin ")
	earlier := map[string]string{
		"redis_acl":      woody + "user exporter on #x resetkeys resetchannels +info +ping\n",
		"database_users": "CREATE USER IF NOT EXISTS exporter@'%';\n",
	}
	for name := range first {
		switch name {
		case "database_password", "database_dsn", "database_exporter", "database_cluster_dsn",
			"redis_password", "redis_exporter", "grafana_password":
			continue
		}
		if err := os.Remove(filepath.Join(tree, "secrets", name)); err != nil {
			t.Fatal(err)
		}
		if earlier[name] != "" {
			if err := os.WriteFile(filepath.Join(tree, "secrets", name), []byte(earlier[name]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := mustMakeSecrets(t, tree)
	for _, name := range []string{"database_password", "database_exporter_password", "database_exporter",
		"database3_exporter", "redis_password", "redis_exporter_password", "redis_exporter", "grafana_password"} {
		if now[name] != first[name] {
			t.Errorf("secrets/%s is %q, was %q", name, now[name], first[name])
		}
	}
	for _, user := range []string{"admin", "migrate", "woody", "backup", "exporter"} {
		if !strings.Contains(now["database_users"], "CREATE USER IF NOT EXISTS "+user+"@'%'") {
			t.Errorf("the database is not given %s:\n%s", user, now["database_users"])
		}
	}
	if !strings.HasPrefix(now["redis_acl"], woody+"user admin on #") {
		t.Errorf("redis_acl is\n%s\nand was\n%s", now["redis_acl"], woody)
	}
}

// TestDatabaseUsersAreKept checks that the file that the database starts with stays as it is when a password changes,
// since another one would restart the database, and that it changes when it is to make another user.
func TestDatabaseUsersAreKept(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	first := mustMakeSecrets(t, tree)
	secret := func(name string) string { return filepath.Join(tree, "secrets", name) }
	if err := os.WriteFile(secret("database_password"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if now := mustMakeSecrets(t, tree); now["database_users"] != first["database_users"] {
		t.Errorf("with another password, the database is given\n%s", now["database_users"])
	}
	if err := os.Remove(secret("database_users")); err != nil { // of a lost volume
		t.Fatal(err)
	}
	hash := passwordOf(first["database_users"], "CREATE USER IF NOT EXISTS woody@'%' ", "';")
	if now := mustMakeSecrets(t, tree); hash == "" || strings.Contains(now["database_users"], hash) {
		t.Errorf("removed after another password, it is made with that of before:\n%s", now["database_users"])
	}
	more := first["database_users"] + "CREATE USER more@'%';\n"
	if err := os.WriteFile(secret("database_users"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	now := mustMakeSecrets(t, tree)
	changed := 0
	for i, line := range strings.Split(now["database_users"], "\n") {
		if line != strings.Split(first["database_users"], "\n")[i] {
			changed++
		}
	}
	if changed != 1 || strings.Contains(now["database_users"], "more") {
		t.Errorf("made anew, the database is given\n%s\nwant another password of woody in\n%s", now["database_users"],
			first["database_users"])
	}
}

// passwordOf is what stands between two pieces of a text.
func passwordOf(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// TestRedisExporterMayLittle starts Redis with what scripts/secrets makes, and checks what the exporter may do with the
// password in its own file.
func TestRedisExporterMayLittle(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	password := passwordOf(mustMakeSecrets(t, tree)["redis_exporter"], `:6379":"`, `"`)
	server := servertest.MustStartRedis(t, "--aclfile", filepath.Join(tree, "secrets", "redis_acl"))
	client := redis.NewClient(&redis.Options{
		Addr: server.Addr, Username: "exporter", Password: password, Protocol: 2, DisableIdentity: true,
	})
	defer client.Close()
	ctx := context.Background()
	if info, err := client.Info(ctx).Result(); err != nil || !strings.Contains(info, "used_memory:") {
		t.Errorf("INFO: %v %q", err, info)
	}
	for _, command := range []string{
		"GET woody:x", "KEYS *", "CONFIG GET *", "PUBLISH woody:x 1", "FLUSHALL", "ACL LIST",
	} {
		var words []any
		for word := range strings.FieldsSeq(command) {
			words = append(words, word)
		}
		if err := client.Do(ctx, words...).Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%s: %v, want it refused", command, err)
		}
	}
}

// mustStartUsers starts a MariaDB that makes the users of what scripts/secrets has made.
func mustStartUsers(t *testing.T, made map[string]string) *servers.MariaDB {
	t.Helper()
	statements := filepath.Join(t.TempDir(), "users") // where a server that changes its user may read it
	if err := os.WriteFile(statements, []byte(made["database_users"]), 0o644); err != nil {
		t.Fatal(err)
	}
	return servertest.MustStartMariaDB(t, "--init-file="+statements)
}

// mustStartWithUsers does that and returns a function that opens its database woody for one of them.
func mustStartWithUsers(t *testing.T, made map[string]string) (open func(user string) *sql.DB) {
	t.Helper()
	dsn := servertest.MustMakeDatabase(t, mustStartUsers(t, made))
	return func(user string) *sql.DB {
		t.Helper()
		password := made["database_"+user+"_password"]
		if user == "woody" {
			password = made["database_password"]
		}
		db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@%s)/woody", user, password, passwordOf(dsn, "@", ")")))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
}

// TestDatabaseUsersMayWhatTheyNeed checks that each user of the database may do what it is there for, and nothing else.
func TestDatabaseUsersMayWhatTheyNeed(t *testing.T) {
	t.Parallel()
	open := mustStartWithUsers(t, mustMakeSecrets(t, t.TempDir()))
	for _, test := range []struct {
		user, statement string
		may             bool
	}{
		{"migrate", "CREATE TABLE toy (id INT PRIMARY KEY)", true},
		{"migrate", "CREATE TABLE tally (n INT)", true},
		{"migrate", "CREATE TRIGGER added AFTER INSERT ON toy FOR EACH ROW INSERT INTO tally VALUES (1)", true},
		{"migrate", "CREATE DATABASE other", false},
		{"migrate", "CREATE USER x@'%'", false},
		{"woody", "INSERT INTO toy VALUES (1)", true},
		{"woody", "SELECT n FROM tally", true},
		{"woody", "ALTER TABLE toy ADD COLUMN x INT", false},
		{"woody", "DROP TABLE toy", false},
		{"woody", "CREATE TABLE other (id INT)", false},
		{"woody", "SELECT * FROM mysql.user", false},
		{"backup", "SELECT * FROM toy", true},
		{"backup", "FLUSH BINARY LOGS", true},
		{"backup", "SHOW MASTER STATUS", true},
		{"backup", "DELETE FROM toy", false},
		{"backup", "SET GLOBAL max_connections = 1", false},
		{"admin", "CREATE USER x@'%'", true},
		{"admin", "GRANT SELECT ON woody.* TO x@'%'", true},
		{"admin", "SET GLOBAL max_connections = 100", true},
		{"exporter", "SELECT * FROM toy", false},

		// The audit: added to by the API, read by the administrator and by backups, changed by the administrator alone.
		{"migrate", "CREATE DATABASE IF NOT EXISTS woody_audit", true},
		{"migrate", "CREATE TABLE IF NOT EXISTS woody_audit.entry (id INT PRIMARY KEY, thing TEXT)", true},
		{"migrate", "INSERT IGNORE INTO woody_audit.entry VALUES (1, '')", true}, // of a restore
		{"migrate", "SELECT * FROM woody_audit.entry", false},
		{"migrate", "DELETE FROM woody_audit.entry", false},
		{"migrate", "UPDATE woody_audit.entry SET thing = ''", false},
		{"migrate", "TRUNCATE woody_audit.entry", false},
		{"migrate", "ALTER TABLE woody_audit.entry DROP COLUMN thing", false},
		{"migrate", "RENAME TABLE woody_audit.entry TO woody.entry", false},
		{"migrate", "DROP TABLE woody_audit.entry", false},
		{"migrate", "DROP DATABASE woody_audit", false},
		{"migrate", "CREATE OR REPLACE TABLE woody_audit.entry (id INT)", false},
		{"migrate", "CREATE DATABASE woodyxaudit", false}, // the name is no pattern
		{"woody", "INSERT INTO woody_audit.entry VALUES (2, '')", true},
		{"woody", "REPLACE INTO woody_audit.entry VALUES (2, '')", false},
		{"woody", "INSERT INTO woody_audit.entry VALUES (2, '') ON DUPLICATE KEY UPDATE thing = ''", false},
		{"woody", "SELECT * FROM woody_audit.entry", false},
		{"woody", "DELETE FROM woody_audit.entry", false},
		{"woody", "CREATE TABLE woody_audit.other (id INT)", false},
		{"woody", "CREATE TRIGGER woody_audit.t BEFORE INSERT ON woody_audit.entry FOR EACH ROW SET NEW.id = 3", false},
		{"backup", "SELECT * FROM woody_audit.entry", true},
		{"backup", "DELETE FROM woody_audit.entry", false},
		{"exporter", "SELECT * FROM woody_audit.entry", false},
		{"admin", "SELECT * FROM woody_audit.entry", true},
		{"admin", "DELETE FROM woody_audit.entry", true},

		// What a server may do to others, and to its own machine.
		{"woody", "SELECT 1 INTO OUTFILE '/tmp/woodytoys-must-not-be'", false},
		{"woody", "SELECT LOAD_FILE('/etc/hostname') INTO @file", true}, // nothing: it is NULL
		{"woody", "CREATE PROCEDURE p() SELECT 1", false},
		{"woody", "CREATE VIEW v AS SELECT 1", false},
		{"woody", "CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO SELECT 1", false},
		{"woody", "GRANT SELECT ON woody.* TO exporter@'%'", false},
		{"woody", "KILL 1", false},
		{"woody", "SHUTDOWN", false},
		{"woody", "SET GLOBAL general_log = ON", false},
		{"woody", "TRUNCATE toy", false},
		{"migrate", "GRANT SELECT ON woody.* TO exporter@'%'", false},
		{"migrate", "SELECT * FROM mysql.user", false},
		{"migrate", "SET GLOBAL general_log = ON", false},
		{"backup", "CREATE USER y@'%'", false},
		{"backup", "SELECT 1 INTO OUTFILE '/tmp/woodytoys-must-not-be'", false},
		{"exporter", "KILL 1", false},
	} {
		if _, err := open(test.user).Exec(test.statement); (err == nil) != test.may {
			t.Errorf("%s: %s: %v, want it carried out: %v", test.user, test.statement, err, test.may)
		}
	}
}

// TestDatabaseRights compares the rights of the database's users with a list, so that none is added unnoticed.
func TestDatabaseRights(t *testing.T) {
	t.Parallel()
	db := mustStartWithUsers(t, mustMakeSecrets(t, t.TempDir()))("admin")
	for user, want := range map[string][]string{
		"woody": {"USAGE ON *.*", "INSERT ON `woody\\_audit`.*",
			"SELECT, INSERT, UPDATE, DELETE, TRIGGER ON `woody`.*"},
		"migrate": {"USAGE ON *.*", "INSERT, CREATE ON `woody\\_audit`.*", "ALL PRIVILEGES ON `woody`.*"},
		"backup": {"SELECT, RELOAD, PROCESS, LOCK TABLES, REPLICATION SLAVE, BINLOG MONITOR, SHOW VIEW, EVENT, " +
			"TRIGGER, SLAVE MONITOR ON *.*"},
		"exporter": {"USAGE ON *.*"},
		"admin":    {"ALL PRIVILEGES ON *.*"},
	} {
		rows, err := db.Query("SHOW GRANTS FOR " + user + "@'%'")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			right, _, _ := strings.Cut(strings.TrimPrefix(line, "GRANT "), " TO ")
			got = append(got, right)
		}
		rows.Close()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%s\nwant\n%s", user, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// deniedByRedis finds its refusals: of a command, of one in a script (of Redis 7 and 8), and of what its configuration
// keeps from all.
var deniedByRedis = regexp.MustCompile("^NOPERM|ACL failure|user executing the script can't|not allowed")

// TestRedisUsersMayWhatTheyNeed checks that each user of Redis may send the commands that it needs, and none that would
// serve an intruder.
func TestRedisUsersMayWhatTheyNeed(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	made := mustMakeSecrets(t, tree)
	server := servertest.MustStartRedis(t, "--aclfile", filepath.Join(tree, "secrets", "redis_acl"))
	ctx := context.Background()
	for _, test := range []struct {
		user string
		may  []string
		not  []string
	}{
		{"woody", []string{"SET woody:x 1", "GET woody:x", "PUBLISH woody:x 1", "INFO server", "PING",
			"EVAL return(redis.call('get',KEYS[1])) 1 woody:x"},
			[]string{"GET other", "SET woodyx 1", "KEYS *", "SCAN 0", "FLUSHALL", "FLUSHDB", "CONFIG GET *",
				"CONFIG SET dir /tmp", "DEBUG SLEEP 0", "ACL LIST", "ACL WHOAMI", "SCRIPT FLUSH",
				"FUNCTION LIST", "MODULE LIST",
				"REPLICAOF 127.0.0.1 1", "SHUTDOWN", "SAVE", "MONITOR", "CLIENT LIST", "CLIENT KILL TYPE normal",
				"SLOWLOG GET", "MIGRATE 127.0.0.1 1 woody:x 0 1", "DUMP woody:x", "RENAME woody:x woody:y",
				"PUBLISH other 1",
				"EVAL return(redis.call('flushall')) 0", "EVAL return(redis.call('get','other')) 0", "SWAPDB 0 1"}},
		{"admin", []string{"PING", "ACL GETUSER woody"},
			[]string{"GET woody:x", "SET woody:x 1", "FLUSHALL", "CONFIG GET *", "ACL LIST", "KEYS *",
				"EVAL return(1) 0",
				"ACL DELUSER woody", "ACL LOAD"}},
		{"exporter", []string{"PING", "INFO"},
			[]string{"GET woody:x", "KEYS *", "CONFIG GET *", "PUBLISH woody:x 1", "FLUSHALL", "ACL LIST"}},
		{"default", []string{"PING"},
			[]string{"GET woody:x", "INFO", "KEYS *", "ACL LIST", "CONFIG GET *", "EVAL return(1) 0",
				"SUBSCRIBE woody:x"}},
	} {
		options := &redis.Options{Addr: server.Addr, Protocol: 2, DisableIdentity: true}
		if test.user != "default" {
			options.Username = test.user
			options.Password = made[strings.Replace("redis_"+test.user+"_password", "_woody", "", 1)]
		}
		client := redis.NewClient(options)
		defer client.Close()
		for _, command := range append(slices.Clone(test.may), test.not...) {
			var words []any
			for word := range strings.FieldsSeq(command) {
				words = append(words, word)
			}
			err := client.Do(ctx, words...).Err()
			refused := err != nil && deniedByRedis.MatchString(err.Error())
			if may := slices.Contains(test.may, command); may && err != nil || !may && !refused {
				t.Errorf("%s: %s: %v, want it carried out: %v", test.user, command, err, may)
			}
		}
	}
}

// TestStrangersAreNotLetIn checks that somebody who has reached the stores' network without a password is refused: with
// none, with what others have, and as users that servers are delivered with.
func TestStrangersAreNotLetIn(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	made := mustMakeSecrets(t, tree)
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	statements := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(statements, []byte(made["database_users"]), 0o644); err != nil {
		t.Fatal(err)
	}
	servertest.MustStartMariaDB(t, "--init-file="+statements, "--skip-networking=0", "--bind-address=127.0.0.1",
		"--port="+port)
	for _, test := range []struct {
		user, password string
		let            bool
	}{
		{"woody", made["database_password"], true},
		{"woody", "", false}, {"woody", "woody", false}, {"woody", made["redis_password"], false},
		{"woody", made["database_exporter_password"], false}, {"migrate", made["database_password"], false},
		{"admin", "", false}, {"admin", "admin", false}, {"admin", made["database_backup_password"], false},
		{"mariadb.sys", "", false}, {"", "", false}, {"front", "", false},
	} {
		db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(127.0.0.1:%s)/", test.user, test.password, port))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Ping()
		db.Close()
		if (err == nil) != test.let {
			t.Errorf("%q with %q: %v, want it let in: %v", test.user, test.password, err, test.let)
		}
	}
}

// TestDatabaseExporterMayLittle checks the same of MariaDB.
func TestDatabaseExporterMayLittle(t *testing.T) {
	t.Parallel()
	made := mustMakeSecrets(t, t.TempDir())
	dsn := servertest.MustMakeDatabase(t, mustStartUsers(t, made))
	db, err := sql.Open("mysql", fmt.Sprintf("exporter:%s@%s)/",
		passwordOf(made["database_exporter"], "password=", "\n"), passwordOf(dsn, "@", ")")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var name, value string
	if err := db.QueryRow("SHOW GLOBAL STATUS LIKE 'Threads_connected'").Scan(&name, &value); err != nil {
		t.Errorf("SHOW GLOBAL STATUS: %v", err)
	}
	var databases int
	err = db.QueryRow("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name <> 'information_schema'").
		Scan(&databases)
	if err != nil || databases != 0 {
		t.Errorf("the exporter's user sees %d databases (%v), want none", databases, err)
	}
	for _, statement := range []string{
		"CREATE DATABASE x", "SELECT * FROM mysql.user", "SET GLOBAL max_connections = 1",
	} {
		if _, err := db.Exec(statement); err == nil {
			t.Errorf("%s is carried out for the exporter's user", statement)
		}
	}
}
