//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var everyPassword = flag.Bool("every-password", false,
	"rotate all that scripts/rotate can, but Grafana's, not only what CI has time for")

// password is one that scripts/rotate changes. try asks whoever is to know it for something, with the password as $0.
type password struct {
	name, file string
	where      string // the service in whose container try is run
	try        string
	refusal    string // what the answer to a wrong one says
}

func databasePassword(name, user string) password {
	return password{name: name, file: "database_" + name + "_password", where: "database",
		try: "mariadb -h database -u " + user + ` -p"$0" -e 'SELECT 1'`, refusal: "ERROR 1045"}
}

func redisPassword(name, file, user string) password {
	return password{name: name, file: file, where: "redis",
		try: "redis-cli -h redis --user " + user + ` -a "$0" --no-auth-warning ping`, refusal: "WRONGPASS"}
}

func repositoryKey(name, file, path string) password {
	return password{name: name, file: file, where: "backup",
		try: `RESTIC_PASSWORD="$0" restic --repo ` + path + " --no-cache cat config", refusal: "wrong password"}
}

func passwords() []password {
	all := []password{
		databasePassword("admin", "admin"), databasePassword("database", "woody"),
		redisPassword("redis", "redis_password", "woody"),
	}
	all[1].file = "database_password"
	if *everyPassword {
		all = append(all, databasePassword("migrate", "migrate"), databasePassword("backup", "backup"),
			databasePassword("exporter", "exporter"), redisPassword("redis-admin", "redis_admin_password", "admin"),
			redisPassword("redis-exporter", "redis_exporter_password", "exporter"),
			repositoryKey("backup-key", "backup_key", "/backup/repository"),
			repositoryKey("secrets-key", "secrets_key", "/backup/repository-secrets"))
	}
	return all
}

// TestLongRotation changes the API's passwords at the database and at Redis, and the administrator's, while people
// shop: no request fails, no store starts again, and the old ones are refused. Then a deployment finds nothing to
// change but Redis.
func TestLongRotation(t *testing.T) {
	takes(t, 5*time.Minute)
	stages := []string{"deploy", "API_REPLICAS=2", "redis"}
	if *everyPassword {
		stages = append(stages, "observability", "backup")
	}
	mustScript(t, stages[0], stages[1:]...)
	if *everyPassword {
		awaitBackup(t)
	}
	running := func(services ...string) (ids string) {
		for _, service := range services {
			ids += strings.Join(containers(t, service), " ") + " "
		}
		return ids
	}
	before := running("database", "redis")
	old, names := map[string]string{}, []string{}
	for _, p := range passwords() {
		old[p.name] = secret(t, p.file)
		names = append(names, p.name)
	}
	m := startMix(t)
	began := time.Now()
	mustScript(t, "rotate", names...)
	took := time.Since(began)
	awaitAtMost(t, "api", 2)
	got := m.finish(t)
	figuref("rotation of %s, %.0f s: %v", strings.Join(names, ", "), took.Seconds(), got)
	got.mustBeClean(t)
	if after := running("database", "redis"); after != before {
		t.Errorf("the stores run in %s, and ran in %s", after, before)
	}
	for _, p := range passwords() {
		container := containers(t, p.where)[0]
		text, err := docker("exec", container, "sh", "-c", p.try+" 2>&1", old[p.name])
		if !strings.Contains(fmt.Sprint(text, err), p.refusal) {
			t.Errorf("%s of before: %q, want %s", p.name, text, p.refusal)
		}
		if text, err := docker("exec", container, "sh", "-c", p.try+" 2>&1", secret(t, p.file)); err != nil ||
			strings.Contains(text, p.refusal) {
			t.Errorf("%s: %v %q", p.name, err, text)
		}
	}
	left := mustDocker(t, "secret", "ls", "--format", "{{.Name}}")
	if strings.Count(left, "woody_database_dsn-") != 1 || strings.Contains(left, "rotate") {
		t.Errorf("secrets are left:\n%s", left)
	}
	ran := running("database", "api")
	mustScript(t, stages[0], stages[1:]...)
	if now := running("database", "api"); now != ran {
		t.Errorf("a deployment after a rotation started the API or the database again: %s, and was %s", now, ran)
	}
	if *everyPassword {
		mustScript(t, "backup", "verify") // by the keys and the passwords of now
	}
}
