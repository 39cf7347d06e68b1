//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRotation changes the API's passwords at the database and at Redis, and the administrator's, while people shop: no
// request fails, no store starts again, and the old ones are refused. Then a deployment finds nothing to change but
// Redis.
func TestRotation(t *testing.T) {
	mustScript(t, "deploy", "API_REPLICAS=2", "redis")
	running := func(services ...string) (ids string) {
		for _, service := range services {
			ids += strings.Join(containers(t, service), " ") + " "
		}
		return ids
	}
	before, admin := running("database", "redis"), secret(t, "database_admin_password")
	user, cache := secret(t, "database_password"), secret(t, "redis_password")
	m := startMix(t)
	began := time.Now()
	mustScript(t, "rotate", "admin", "database", "redis")
	took := time.Since(began)
	awaitGone(t, "api", 2)
	got := m.finish(t)
	figuref("rotation of three passwords, %.0f s: %v", took.Seconds(), got)
	got.mustBeClean(t)
	if after := running("database", "redis"); after != before {
		t.Errorf("the stores run in %s, and ran in %s", after, before)
	}
	for name, row := range map[string]struct{ was, takes, says string }{
		"database_password":       {user, `mariadb -h database -u woody -p"$0" woody -e 'SELECT 1'`, "ERROR 1045"},
		"database_admin_password": {admin, `mariadb -h database -u admin -p"$0" -e 'SELECT 1'`, "ERROR 1045"},
		"redis_password":          {cache, `redis-cli -h redis --user woody -a "$0" --no-auth-warning ping`, "WRONGPASS"},
	} {
		container := containers(t, name[:strings.Index(name, "_")])[0]
		text, err := docker("exec", container, "sh", "-c", row.takes+" 2>&1", row.was)
		if !strings.Contains(fmt.Sprint(text, err), row.says) {
			t.Errorf("%s of before: %q, want %s", name, text, row.says)
		}
		if text, err := docker("exec", container, "sh", "-c", row.takes+" 2>&1", secret(t, name)); err != nil ||
			strings.Contains(text, row.says) {
			t.Errorf("%s: %v %q", name, err, text)
		}
	}
	names := mustDocker(t, "secret", "ls", "--format", "{{.Name}}")
	if strings.Count(names, "woody_database_dsn-") != 1 || strings.Contains(names, "rotate") {
		t.Errorf("secrets are left:\n%s", names)
	}
	ran := running("database", "api")
	mustScript(t, "deploy", "API_REPLICAS=2", "redis")
	if now := running("database", "api"); now != ran {
		t.Errorf("a deployment after a rotation started the API or the database again: %s, and was %s", now, ran)
	}
}
