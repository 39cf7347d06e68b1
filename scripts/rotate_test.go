package scripts_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// rotation is a tree with the scripts and the secrets, and the stores that know those passwords.
type rotation struct {
	tree            string
	database, redis string        // addresses
	wire            *servers.Wire // the way to the database
	rolls           *httptest.Server
	// roll is called with the files whose users are to be rolled.
	roll func(files []string) error

	mu   sync.Mutex
	used map[string]string // what the files had in them when their users were rolled last
}

// inUse returns what a file had in it when its users were rolled last.
func (r *rotation) inUse(file string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used[file]
}

func mustStartRotation(t *testing.T) *rotation {
	t.Helper()
	r := &rotation{tree: t.TempDir(), used: map[string]string{}, roll: func([]string) error { return nil }}
	made := mustMakeSecrets(t, r.tree)
	for _, script := range []string{"rotation.sh"} {
		path := filepath.Join(r.tree, "scripts", script)
		if err := servers.WriteScript(path, mustRead(t, script)); err != nil {
			t.Fatal(err)
		}
	}
	dsn := servertest.MustMakeDatabase(t, mustStartUsers(t, made))
	wire := servertest.MustStartWire(t, passwordOf(dsn, "(", ")"))
	r.database, r.wire = wire.Addr, wire
	acl := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(acl, []byte(made["redis_acl"]), 0o600); err != nil {
		t.Fatal(err)
	}
	r.redis = servertest.MustStartRedis(t, "--aclfile", acl).Addr
	for name, content := range made {
		text := strings.NewReplacer("database:3306", r.database, "database-proxy:3306", r.database).Replace(content)
		if err := os.WriteFile(r.secret(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r.used[name] = text
	}
	r.rolls = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		files := strings.Fields(request.URL.Query().Get("files"))
		if err := r.roll(files); err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, file := range files {
			r.used[file] = mustRead(t, r.secret(file))
		}
	}))
	t.Cleanup(r.rolls.Close)
	return r
}

func (r *rotation) secret(name string) string { return filepath.Join(r.tree, "secrets", name) }

// hooks are the functions that scripts/rotation.sh calls. It is killed at the hook whose number is BREAK.
const hooks = `
set -euo pipefail
cd "$1"
n=0
hook() { n=$((n + 1)); [ "$n" != "$BREAK" ] || kill -9 $$; }
fail() { echo "$*" >&2; exit 1; }
say() { echo "$*"; hook; }
keep() { eval "$KEEP"; }
keep_copy() { :; }
at() { DATABASE_ADDRESS=$DATABASE REDIS_ADDRESSES=$REDIS GRAFANA_ADDRESS=$GRAFANA bash -s; }
roll() {
	local status files="$*"
	exec 3<>"/dev/tcp/${ROLLS%:*}/${ROLLS##*:}"
	printf 'GET /?files=%s HTTP/1.0\r\n\r\n' "${files// /+}" >&3
	read -r _ status _ <&3
	exec 3>&-
	[ "$status" = 200 ]
}
. scripts/rotation.sh
rotate "$2"
`

// rotate changes a password, and is killed at a step if that is not 0.
func (r *rotation) rotate(name string, step int, more ...string) (output string, err error) {
	cmd := exec.Command("bash", "-c", hooks, "bash", r.tree, name)
	cmd.Env = append(append(os.Environ(), "DATABASE="+r.database, "REDIS="+r.redis, "GRAFANA=",
		"ROLLS="+strings.TrimPrefix(r.rolls.URL, "http://"), fmt.Sprint("BREAK=", step), "KEEP=false"), more...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// takes reports whether a store takes a user's password.
func (r *rotation) takes(t *testing.T, store, user, password string) bool {
	t.Helper()
	var err error
	if store == "redis" {
		client := redis.NewClient(&redis.Options{
			Addr: r.redis, Username: user, Password: password, Protocol: 2, DisableIdentity: true,
		})
		defer client.Close()
		err = client.Ping(context.Background()).Err()
	} else {
		db, openErr := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/", user, password, r.database))
		if openErr != nil {
			t.Fatal(openErr)
		}
		defer db.Close()
		err = db.Ping()
	}
	if err != nil && !strings.Contains(err.Error(), "WRONGPASS") && !strings.Contains(err.Error(), "Error 1045") {
		t.Fatal(err)
	}
	return err == nil
}

// TestRotationIsGoneOnWith changes each password of the stores, killed at each of its steps and then run again: what
// the users were given last is taken at any time, and in the end the new one alone.
func TestRotationIsGoneOnWith(t *testing.T) {
	t.Parallel()
	r := mustStartRotation(t)
	for _, row := range []struct{ name, store, user, file, made string }{
		{"database", "database", "woody", "database_password", "database_dsn"},
		{"migrate", "database", "migrate", "database_migrate_password", "database_migrate_dsn"},
		{"admin", "database", "admin", "database_admin_password", ""},
		{"backup", "database", "backup", "database_backup_password", ""},
		{"exporter", "database", "exporter", "database_exporter_password", "database2_exporter"},
		{"redis", "redis", "woody", "redis_password", "redis_acl"},
		{"redis-admin", "redis", "admin", "redis_admin_password", ""},
		{"redis-exporter", "redis", "exporter", "redis_exporter_password", "redis_exporter"},
	} {
		broken := 0
		for step := 1; ; step++ {
			if row.name != "database" && row.name != "redis" { // the steps are the same for all
				if broken > 0 {
					break
				}
				step = 3
			}
			first := r.inUse(row.file)
			output, err := r.rotate(row.name, step)
			if err == nil {
				break // there is no such step
			}
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != -1 {
				t.Fatalf("%s broken off at %d: %v %s", row.name, step, err, output)
			}
			broken++
			if !r.takes(t, row.store, row.user, r.inUse(row.file)) {
				t.Fatalf("%s broken off at %d: the password in service is refused", row.name, step)
			}
			output, err = r.rotate(row.name, 0)
			if err != nil || !strings.Contains(output, "and the old one is refused") {
				t.Fatalf("%s gone on with from %d: %v %s", row.name, step, err, output)
			}
			now := r.inUse(row.file)
			if now == first || r.takes(t, row.store, row.user, first) || !r.takes(t, row.store, row.user, now) {
				t.Fatalf("%s gone on with from %d: not the new one alone", row.name, step)
			}
			if now != mustRead(t, r.secret(row.file)) || row.made != "" && row.made != "redis_acl" &&
				!strings.Contains(r.inUse(row.made), now) {
				t.Fatalf("%s: its users have %q, and the file %q", row.name, r.inUse(row.made), now)
			}
		}
		if broken < 1 || row.name == "database" && broken < 5 {
			t.Errorf("%s was broken off %d times", row.name, broken)
		}
	}
	left, err := filepath.Glob(r.secret("*.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestRotationStops changes nothing where the store cannot be reached, and says so, and what to do.
func TestRotationStops(t *testing.T) {
	t.Parallel()
	r := mustStartRotation(t)
	was := r.inUse("database_password")
	const nobody = "127.0.0.1:1"
	for name, setting := range map[string]string{"database": "DATABASE=" + nobody, "redis": "REDIS=" + nobody} {
		output, err := r.rotate(name, 0, setting, "REACH_WITHIN=1")
		if err == nil || !strings.Contains(output, "Run it again") {
			t.Errorf("%s: %v %s", name, err, output)
		}
	}
	r.roll = func([]string) error { return nil }
	if now := mustRead(t, r.secret("database_password")); now != was {
		t.Errorf("the password became %q", now)
	}
	if output, err := r.rotate("nothing", 0); err == nil || !strings.Contains(output, "name one of database migrate") {
		t.Errorf("a password that is none: %v %s", err, output)
	}
}

// TestRotationAwaitsTheServer changes a password at a database that is out of reach when it begins.
func TestRotationAwaitsTheServer(t *testing.T) {
	t.Parallel()
	r := mustStartRotation(t)
	was := r.inUse("database_password")
	r.wire.Cut()
	mended := time.AfterFunc(2*time.Second, r.wire.Mend)
	if output, err := r.rotate("database", 0); err != nil {
		t.Fatalf("%v %s", err, output)
	}
	if mended.Stop() {
		t.Error("it did not ask the database")
	}
	if r.takes(t, "database", "woody", was) {
		t.Error("the old password is still taken")
	}
}

// TestBackupKeyIsRotated changes the key of a repository of restic's, killed on the way. The old one opens it until
// the secrets are kept with the new one.
func TestBackupKeyIsRotated(t *testing.T) {
	t.Parallel()
	r := mustStartRotation(t)
	repository := filepath.Join(t.TempDir(), "repository")
	restic := func(key string, args ...string) error {
		cmd := exec.Command("restic", append([]string{"--repo", repository, "--no-cache"}, args...)...)
		cmd.Env = append(os.Environ(), "RESTIC_PASSWORD="+key)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w %s", err, out)
		}
		return nil
	}
	if err := restic(r.inUse("backup_key"), "init"); err != nil {
		t.Fatal(err)
	}
	first := r.inUse("backup_key")
	keep := `KEEP=RESTIC_PASSWORD=` + first + ` restic -r "$WOODY_BACKUP_REPOSITORY" --no-cache cat config >/dev/null &&
		cp secrets/backup_key kept && echo kept`
	for _, row := range []struct {
		step int
		keep string
		want string // empty where it is killed
	}{
		{3, keep, ""}, {0, "KEEP=false", "broken off"}, {0, keep, "is refused"},
	} {
		output, err := r.rotate("backup-key", row.step, "WOODY_BACKUP_REPOSITORY="+repository, row.keep)
		done := row.want == "is refused"
		if (err == nil) != done || !strings.Contains(output, row.want) {
			t.Fatal(err, output)
		}
		if copied := strings.Contains(output, "copy secrets/backup_key elsewhere now"); copied != done {
			t.Errorf("it says that the copy is to be replaced: %v: %s", copied, output)
		}
		if done { // what is in use then is looked at below
			break
		}
		if err := restic(r.inUse("backup_key"), "cat", "config"); err != nil {
			t.Fatal(err)
		}
	}
	if kept := mustRead(t, filepath.Join(r.tree, "kept")); kept != r.inUse("backup_key") {
		t.Errorf("%q is kept, and %q is the key", kept, r.inUse("backup_key"))
	}
	if now := r.inUse("backup_key"); now == first || restic(now, "check") != nil {
		t.Errorf("the new key does not open the repository: %v", restic(now, "check"))
	}
	if err := restic(first, "cat", "config"); err == nil || !strings.Contains(err.Error(), "wrong password") {
		t.Errorf("the old key: %v", err)
	}

	// Of what was lost the new keys would be the only ones.
	if err := os.WriteFile(r.secret(".recovered"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := r.rotate("secrets-key", 0, "WOODY_BACKUP_REPOSITORY="+repository, keep)
	if err == nil || !strings.Contains(output, "scripts/restore --secrets") {
		t.Errorf("in the place of lost secrets: %v %s", err, output)
	}
}

// TestGrafanasPasswordIsRotated rotates it at a server that has the two calls as Grafana's documentation has them,
// since no Grafana can be had here; the second time nothing is left to do.
func TestGrafanasPasswordIsRotated(t *testing.T) {
	t.Parallel()
	r := mustStartRotation(t)
	var mu sync.Mutex
	password, changes := r.inUse("grafana_password"), 0
	grafana := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user, given, _ := request.BasicAuth()
		if user != "admin" || given != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if request.Method+request.URL.Path == "PUT/api/user/password" {
			var body struct{ OldPassword, NewPassword, ConfirmNew string }
			if err := json.NewDecoder(request.Body).Decode(&body); err != nil || body.OldPassword != password {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			password = body.NewPassword
			changes++
		}
	}))
	defer grafana.Close()
	at := "GRAFANA=" + strings.TrimPrefix(grafana.URL, "http://")
	first := r.inUse("grafana_password")
	if _, err := r.rotate("grafana", 4, at); err == nil {
		t.Fatal("it was not broken off")
	}
	if output, err := r.rotate("grafana", 0, at); err != nil {
		t.Fatal(err, output)
	}
	mu.Lock()
	defer mu.Unlock()
	if file := r.inUse("grafana_password"); password == first || password != file || changes != 1 {
		t.Errorf("the password is %q, the file has %q, after %d changes", password, file, changes)
	}
}

// TestRedisKeepsItsUsers starts Redis as stack-redis.yml does: it begins with the users of the secret, keeps a password
// that was changed since when it starts again, and takes another secret.
func TestRedisKeepsItsUsers(t *testing.T) {
	t.Parallel()
	script := regexp.MustCompile(`(?s)- -euc\n      - \|\n(.*?)\n      - /run/secrets/redis_acl\n`).FindStringSubmatch(
		mustRead(t, "../stack-redis.yml"))
	if script == nil {
		t.Fatal("stack-redis.yml does not start Redis by a script")
	}
	data, tree := t.TempDir(), t.TempDir()
	made := mustMakeSecrets(t, tree)
	addr := mustListenAt(t)
	text := strings.NewReplacer("$$", "$", "/data/", data+"/").Replace(script[1])
	run := func(ask func(client *redis.Client)) {
		t.Helper()
		_, number, _ := strings.Cut(addr, ":")
		process, err := servers.Start(exec.Command("sh", "-euc", text, filepath.Join(tree, "secrets", "redis_acl"),
			"--port", number, "--bind", "127.0.0.1", "--save", "", "--dir", data), filepath.Join(data, "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer process.Kill()
		client := redis.NewClient(&redis.Options{Addr: addr, Username: "admin", Password: made["redis_admin_password"],
			Protocol: 2, DisableIdentity: true})
		defer client.Close()
		err = process.AwaitReady(servers.Patience, func() error { return client.Ping(context.Background()).Err() })
		if err != nil {
			t.Fatal(err)
		}
		ask(client)
	}
	r := &rotation{redis: addr}
	if err := os.Chmod(filepath.Join(tree, "secrets", "redis_acl"), 0o444); err != nil { // as Swarm mounts it
		t.Fatal(err)
	}
	run(func(admin *redis.Client) {
		for _, name := range []string{"users.acl", "given"} {
			if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v (%v): one who is not root cannot write it again", name, info.Mode(), err)
			}
		}
		if !r.takes(t, "redis", "woody", made["redis_password"]) {
			t.Error("the password of the secret is refused")
		}
		for _, command := range [][]any{{"ACL", "SETUSER", "woody", "resetpass", ">other"}, {"ACL", "SAVE"}} {
			if err := admin.Do(context.Background(), command...).Err(); err != nil {
				t.Error(command, err)
			}
		}
	})
	run(func(*redis.Client) {
		if !r.takes(t, "redis", "woody", "other") || r.takes(t, "redis", "woody", made["redis_password"]) {
			t.Error("a start took the change back")
		}
	})
	if err := os.WriteFile(filepath.Join(tree, "secrets", "redis_password"), []byte("third"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(tree, "secrets", "redis_acl")); err != nil {
		t.Fatal(err)
	}
	mustMakeSecrets(t, tree)
	run(func(*redis.Client) {
		if !r.takes(t, "redis", "woody", "third") || r.takes(t, "redis", "woody", "other") {
			t.Error("another secret is not taken")
		}
	})
}
