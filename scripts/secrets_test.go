package scripts_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

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
	if err := os.WriteFile(script, []byte(mustRead(t, "secrets")), 0o777); err != nil {
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

// TestSecretsAreMadeOnce wants every file that the stack files name, and the same ones from then on.
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

// TestSecretsOfAnEarlierVersion has a user of Redis added to a file that knows of none, and nothing else changed.
func TestSecretsOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	first := mustMakeSecrets(t, tree)
	before, _, _ := strings.Cut(first["redis_acl"], "user exporter ")
	for name, content := range map[string]string{"redis_acl": before, "redis_exporter": "", "database_exporter": ""} {
		if err := os.WriteFile(filepath.Join(tree, "secrets", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := mustMakeSecrets(t, tree)
	if !strings.HasPrefix(now["redis_acl"], before+"user exporter on #") ||
		strings.Count(now["redis_acl"], "\n") != strings.Count(first["redis_acl"], "\n") {
		t.Errorf("redis_acl is\n%s\nand was\n%s", now["redis_acl"], before)
	}
	if now["redis_password"] != first["redis_password"] ||
		now["database_password"] != first["database_password"] {
		t.Error("a password of the API changed")
	}
	password := passwordOf(now["database_exporter"], "password=", "\n")
	if password == "" || !strings.Contains(now["database_users"], password) {
		t.Errorf("the database is given\n%s\nand its exporter\n%s", now["database_users"], now["database_exporter"])
	}
}

// passwordOf is what stands between two pieces of a text.
func passwordOf(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// TestRedisExporterMayLittle has Redis start with what scripts/secrets makes, and the exporter's user ask for more than
// it needs.
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

// TestDatabaseExporterMayLittle does the same with MariaDB.
func TestDatabaseExporterMayLittle(t *testing.T) {
	t.Parallel()
	made := mustMakeSecrets(t, t.TempDir())
	statements := filepath.Join(t.TempDir(), "users") // where a server that changes its user may read it
	if err := os.WriteFile(statements, []byte(made["database_users"]), 0o644); err != nil {
		t.Fatal(err)
	}
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t, "--init-file="+statements))
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
