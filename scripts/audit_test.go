package scripts_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// fakeDocker stands for a Swarm with a stack whose database is in a container: the one at $SOCKET, which listens at no
// address, as a node of stage database listens at none of its container's own.
const fakeDocker = `#!/bin/bash
case $1$2 in
ps*) echo container ;;
servicels) echo woody_api ;;
exec*)
	[ ! -e "$PWD/broken" ] || {
		statements=$(cat)
		[[ $statements != *DELETE* ]] || exit 1
		exec <<<"$statements"
	}
	while [ "$1" != mariadb ]; do shift; done
	exec "${@/#--socket=\/run\/mysqld\/mysqld.sock/--socket=$SOCKET}"
	;;
esac
`

// auditSearch is scripts/audit in a tree of its own, before a real database.
type auditSearch struct {
	tree, socket string
}

func mustAudit(t *testing.T) (*auditSearch, func(statement string)) {
	t.Helper()
	if !strings.Contains(mustRead(t, "../database/config.go"), `env:"WOODY_DB_RUN_DIR" default:"/run/mysqld"`) ||
		!strings.Contains(mustRead(t, "../database/options.go"), `filepath.Join(c.RunDir, "mysqld.sock")`) {
		t.Error("a node of stage database has its socket elsewhere than the official image, where scripts/audit looks")
	}
	tree := t.TempDir()
	made := mustMakeSecrets(t, tree)
	server := mustStartUsers(t, made)
	servertest.MustMakeDatabase(t, server)
	socket := passwordOf(server.DSN(""), "(", ")")
	for _, name := range []string{"audit", "stack.sh", "nodes.sh"} {
		text := mustRead(t, name)
		if err := servers.WriteScript(filepath.Join(tree, "scripts", name), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := servers.WriteScript(filepath.Join(tree, "docker"), fakeDocker); err != nil {
		t.Fatal(err)
	}
	s := &auditSearch{tree, socket}
	dsn := func(user string) string {
		password := made[strings.Replace("database_"+user+"_password", "_woody", "", 1)]
		return fmt.Sprintf("%s:%s@unix(%s)/woody", user, password, socket)
	}
	shop, err := store.Open(store.Config{DSN: dsn("woody"), MigrateDSN: dsn("migrate"), Audit: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shop.Close() })
	if err := shop.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, func(statement string) {
		t.Helper()
		if out, err := s.sql(statement); err != nil {
			t.Fatalf("%s: %v: %s", statement, err, out)
		}
	}
}

func (s *auditSearch) sql(statement string) (string, error) {
	cmd := exec.Command("mariadb", "--no-defaults", "--socket="+s.socket, "--user=admin", "--batch", "-N")
	password, err := os.ReadFile(filepath.Join(s.tree, "secrets", "database_admin_password"))
	if err != nil {
		return "", err
	}
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+string(password))
	cmd.Stdin = strings.NewReader(statement)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (s *auditSearch) run(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(s.tree, "scripts", "audit"), args...)
	cmd.Env = append(os.Environ(), "PATH="+s.tree+":"+os.Getenv("PATH"), "SOCKET="+s.socket, "TAG=t", "PROXY_TAG=t",
		"DATABASE_TAG=t", "DATABASE_PROXY_TAG=t", "STACK=woody")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestAuditSearch checks that entries are found by each field that can be searched for, with names for the
// administrator, and that what is searched for is taken literally.
func TestAuditSearch(t *testing.T) {
	t.Parallel()
	s, exec := mustAudit(t)
	const ann, bob = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	exec("INSERT INTO woody.woody_account (id, name, look, role, password, version, created_us) VALUES " +
		"('" + ann + "', 'ann', 'ann', 'customer', '', 1, 0)")
	const columns = "INSERT INTO woody_audit.entry VALUES "
	now := time.Now().UTC()
	row := func(id string, ago time.Duration, account, thing, outcome string, status, times int) string {
		return fmt.Sprintf("('%s', %d, '%s', 'POST', '/api/x', '%s', '192.0.2.7', '%s', %d, 'r-%s', %d)", id,
			now.Add(-ago).UnixMicro(), account, thing, outcome, status, id, times)
	}
	// Hours lie between them, so that it does not matter how long the searches take.
	exec(columns + row("1", 400*24*time.Hour, ann, "/api/products/1", "done", 201, 1) + "," +
		row("2", 9*time.Hour, ann, "/api/products/2", "refused", 403, 1) + "," +
		row("3", 3*time.Hour, bob, `it\'s "50%"`, "unchanged", 204, 1) + "," +
		row("4", 0, "", "", "refused", 401, 250))
	for _, search := range []struct {
		args []string
		want string // the ids, in order
	}{
		{nil, "1 2 3 4"},
		{[]string{"-n", "2"}, "3 4"},
		{[]string{"--who", "ann"}, "1 2"},
		{[]string{"--who", ann, "--since", "18h"}, "2"},
		{[]string{"--who", bob}, "3"},
		{[]string{"--who", "-"}, "4"},
		{[]string{"--who", "' OR '1'='1"}, ""},
		{[]string{"--what", "/api/products/"}, "1 2"},
		{[]string{"--what", `it's "50%`}, "3"},
		{[]string{"--what", "%"}, "3"},
		{[]string{"--outcome", "refused"}, "2 4"},
		{[]string{"--outcome", "403"}, "2"},
		{[]string{"--outcome", "unchanged"}, "3"},
		{[]string{"--from", "192.0.2.7", "--request", "r-3"}, "3"},
		{[]string{"--since", "360m"}, "3 4"},
		{[]string{"--until", "360m"}, "1 2"},
		{[]string{"--since", now.Add(-6 * time.Hour).Format(time.RFC3339)}, "3 4"},
		{[]string{"--since", "18h", "--until", "5400s"}, "2 3"},
	} {
		out, err := s.run(append(search.args, "--json")...)
		var ids []string
		if err == nil {
			for line := range strings.Lines(out) {
				var found struct{ ID, Name, Thing, Time string }
				if err := json.Unmarshal([]byte(line), &found); err != nil {
					t.Fatalf("%q: %v: %s", search.args, err, line)
				}
				if found.ID == "2" && (found.Name != "ann" || !strings.HasSuffix(found.Time, "Z")) {
					t.Errorf("%s", line)
				}
				ids = append(ids, found.ID)
			}
		}
		if got := strings.Join(ids, " "); got != search.want || (err == nil) != (search.want != "") {
			t.Errorf("%q finds %q (%v), want %q: %s", search.args, got, err, search.want, out)
		}
	}
	out, err := s.run("--since", "18h")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(lines) != 3 || !strings.HasSuffix(lines[0],
		"Z  refused 403  ann "+ann+"  192.0.2.7  POST /api/products/2  r-2") ||
		!strings.Contains(lines[1], "Z  unchanged 204  "+bob) ||
		!strings.HasSuffix(lines[2], "Z  refused 401  -  192.0.2.7  POST  r-4  x250") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, wrong := range [][]string{{"--since", "yesterday"}, {"--until", "x'"}, {"--outcome", "done' OR '1"},
		{"-n", "1;"},
		{"--who"}, {"--who", ""}, {"more"}, {"--prune", "29d"}, {"--prune", "400d", "--who", "ann"}} {
		if out, err := s.run(wrong...); err == nil || !strings.Contains(out, "--help") {
			t.Errorf("%q: %v %s", wrong, err, out)
		}
	}

	if out, err := s.run("--prune", "399d"); err == nil || !strings.Contains(out, "it asks before it removes") {
		t.Errorf("without a terminal: %v %s", err, out)
	}
	broken := filepath.Join(s.tree, "broken")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.run("--prune", "399d", "--yes"); err == nil || !strings.Contains(out, "run it again") {
		t.Errorf("a database that does not do it: %v %s", err, out)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if out, err := s.run("--prune", "399d", "--yes"); err != nil || !strings.Contains(out, "1 entries") {
		t.Errorf("%v %s", err, out)
	}
	if out, err := s.run("--what", "--prune"); err != nil ||
		!strings.Contains(out, "done         -  -  PRUNE scripts/audit --prune ") {
		t.Errorf("the audit does not say that it was pruned: %v %s", err, out)
	}
	const query = "SELECT GROUP_CONCAT(request ORDER BY id) FROM woody_audit.entry WHERE request <> ''"
	if left, err := s.sql(query); err != nil || left != "r-2,r-3,r-4" {
		t.Errorf("left are %s (%v)", left, err)
	}
}
