package scripts_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"
)

// deployed is what `docker stack config` says of a service.
type deployed struct {
	Environment map[string]string
	User        string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	Privileged  bool
	SecurityOpt []string `yaml:"security_opt"`
	Pid, Ipc    string
	NetworkMode string `yaml:"network_mode"`
	Devices     []string
	Networks    names
	Secrets     []struct {
		Source, Target, UID string
		Mode                int
	}
	Ports           []struct{ Target int }
	Volumes         []struct{ Type, Source, Target string }
	StopGracePeriod string `yaml:"stop_grace_period"`
	Logging         struct {
		Driver  string
		Options map[string]string
	}
	Deploy struct {
		Resources struct{ Limits struct{ Memory string } }
	}
}

// mayReach lists the networks that each service may be in. Services in edge can be reached from those that serve the
// internet; data, cache and nodes have the stores.
var mayReach = map[string]string{
	"reverse-proxy": "edge", "front": "edge", "cdn": "edge", "certificate": "keeping watch",
	"api":   "edge data cache",
	"redis": "cache", "redis-exporter": "cache watch",
	"database": "data nodes", "database2": "nodes", "database3": "nodes", "database-proxy": "data nodes",
	"database-exporter": "data nodes watch", "database2-exporter": "nodes watch", "database3-exporter": "nodes watch",
	"backup":     "data nodes watch",
	"prometheus": "edge watch", "alertmanager": "watch", "node-exporter": "watch", "grafana": "watch",
	"observer": "edge",
}

// mayRead are the secrets that each service may be given. One that is not here may have none.
var mayRead = map[string]string{
	"api": "database_dsn database_migrate_dsn database_cluster_dsn database_cluster_read_dsn " +
		"database_cluster_migrate_dsn redis_password token_key token_key_next shop_admin_password",
	"redis":    "redis_acl",
	"database": "database_users", "database2": "database_users", "database3": "database_users",
	"backup":            "backup_key secrets_key backup_credentials database_backup_password database_migrate_password",
	"redis-exporter":    "redis_exporter",
	"database-exporter": "database_exporter", "database2-exporter": "database2_exporter",
	"database3-exporter": "database3_exporter",
	"grafana":            "grafana_password", "alertmanager": "alertmanager",
	"certificate": "certificate",
}

// mayListen are the services that have ports of the nodes.
var mayListen = []string{"reverse-proxy", "grafana", "prometheus"}

// graceOf is how long a service may take to end at least, where it does not say so by its drain.
const graceOf = 10 * time.Second

var secretName = regexp.MustCompile(`PASSWORD|SECRET|TOKEN|_KEY|DSN|CREDENTIAL`)

// TestServicesMayLittle holds every service of every sum of stages, as Docker reads the files, against what is the
// least.
func TestServicesMayLittle(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, sum := range hardenedSums(t) {
		for name, s := range mustConfigure(t, mustSum(t, "files", sum)) {
			seen[name] = true
			for what, wrong := range faultsOf(name, s) {
				if wrong {
					t.Errorf("%s: %s %s", sum, name, what)
				}
			}
		}
	}
	if len(seen) < 18 {
		t.Errorf("only %d services are looked at: %v", len(seen), seen)
	}
}

// hardenedSums are the sums with the most services, of all stages that there are.
func hardenedSums(t *testing.T) (sums []string) {
	t.Helper()
	all := "cdn database backup observability"
	if strings.Contains(mustRead(t, "stages.sh"), "\nsecure ") {
		return []string{"baseline", all, all + " secure", "redis secure"}
	}
	return []string{"baseline", all}
}

// mustConfigure returns the services of files as Docker lays them on top of each other.
func mustConfigure(t *testing.T, files []string) map[string]deployed {
	t.Helper()
	args := []string{"stack", "config"}
	for _, file := range files {
		args = append(args, "-c", "../"+file)
	}
	var output strings.Builder
	cmd := exec.Command("docker", args...)
	cmd.Stderr = &output
	out, err := cmd.Output()
	if err != nil && (exec.Command("docker", "stack", "config", "--help").Run() != nil ||
		strings.Contains(output.String(), "unknown")) {
		t.Skip("SKIPPED: this Docker client has no 'stack config' (Debian 12's has not): services are not looked at")
	}
	if err != nil {
		t.Fatalf("docker %s: %v %s", strings.Join(args, " "), err, output.String())
	}
	var found struct{ Services map[string]deployed }
	if err := yaml.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found.Services
}

// faultsOf returns what could be wrong with a service, and whether it is.
func faultsOf(name string, s deployed) map[string]bool {
	number, _, _ := strings.Cut(s.User, ":")
	grace, err := time.ParseDuration(s.StopGracePeriod)
	drain := time.Duration(0)
	for _, setting := range []string{"WOODY_DRAIN_DELAY", "WOODY_DRAIN_TIMEOUT"} {
		d, _ := time.ParseDuration(s.Environment[setting])
		drain += d
	}
	allowed := strings.Fields(mayReach[name])
	faults := map[string]bool{
		"writes to its root":                  !s.ReadOnly,
		"runs as root, or as who is not said": number == "" || number == "0" || number == "root",
		"keeps capabilities":                  !slices.Contains(s.CapDrop, "ALL") || len(s.CapAdd) > 0,
		"is privileged, or in a place of the nodes": s.Privileged || s.Pid+s.Ipc+s.NetworkMode != "" ||
			len(s.Devices) > 0,
		"loosens what the daemon has": slices.ContainsFunc(s.SecurityOpt,
			func(o string) bool { return o != "no-new-privileges:true" }),
		"has no bound of memory": s.Deploy.Resources.Limits.Memory == "",
		"has no bound of its log": s.Logging.Driver != "json-file" || s.Logging.Options["max-size"] == "" ||
			s.Logging.Options["max-file"] == "",
		"does not say how long it may take to end": err != nil || grace < graceOf || grace < drain,
		"is in no table of this test":              mayReach[name] == "",
		"has a port of the nodes":                  len(s.Ports) > 0 && !slices.Contains(mayListen, name),
		"is in a network that it does not need": slices.ContainsFunc(s.Networks,
			func(n string) bool { return !slices.Contains(allowed, n) }),
		"is in the network that all without one share": len(s.Networks) == 0,
	}
	for _, secret := range s.Secrets {
		if !slices.Contains(strings.Fields(mayRead[name]), secret.Source) {
			faults["is given the secret "+secret.Source] = true
		}
		if secret.Mode != 0 && secret.Mode&0o222 != 0 {
			faults["may write its secret "+secret.Source] = true
		}
	}
	for variable, value := range s.Environment {
		isFile := strings.HasSuffix(variable, "_FILE") || strings.HasSuffix(variable, "_FILES")
		if secretName.MatchString(variable) && !isFile &&
			variable != "MARIADB_RANDOM_ROOT_PASSWORD" && value != "" {
			faults["has "+variable+" in its environment, where everybody sees it"] = true
		}
	}
	for _, v := range s.Volumes {
		if v.Type == "bind" || strings.Contains(v.Source, "docker.sock") {
			faults["mounts "+v.Source+" of the node"] = true
		}
	}
	return faults
}

// TestFaultsAreFound breaks each rule for a service, and checks that the fault is named.
func TestFaultsAreFound(t *testing.T) {
	good := func() deployed { return mustConfigure(t, mustSum(t, "files", "redis"))["api"] }
	for what, spoil := range map[string]func(s *deployed){
		"writes to its root":          func(s *deployed) { s.ReadOnly = false },
		"runs as root":                func(s *deployed) { s.User = "0:0" },
		"keeps capabilities":          func(s *deployed) { s.CapAdd = []string{"NET_ADMIN"} },
		"is privileged":               func(s *deployed) { s.Privileged = true },
		"loosens what the daemon has": func(s *deployed) { s.SecurityOpt = []string{"seccomp:unconfined"} },
		"has no bound of memory":      func(s *deployed) { s.Deploy.Resources.Limits.Memory = "" },
		"how long it may take to end": func(s *deployed) { s.StopGracePeriod = "30s" }, // its drain is 65s
		"a network that it does not":  func(s *deployed) { s.Networks = append(s.Networks, "nodes") },
		"has a port of the nodes":     func(s *deployed) { s.Ports = append(s.Ports, struct{ Target int }{8081}) },
		"is given the secret":         func(s *deployed) { s.Secrets[0].Source = "database_users" },
		"in its environment":          func(s *deployed) { s.Environment["WOODY_REDIS_PASSWORD"] = "x" },
		"mounts": func(s *deployed) {
			s.Volumes = append(s.Volumes, struct{ Type, Source, Target string }{"bind", "/", "/"})
		},
	} {
		s := good()
		spoil(&s)
		found := false
		for fault, wrong := range faultsOf("api", s) {
			found = found || wrong && strings.Contains(fault, what)
		}
		if !found {
			t.Errorf("%q is not found", what)
		}
	}
}
