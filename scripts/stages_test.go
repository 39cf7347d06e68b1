package scripts_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mustSum asks scripts/stages.sh for one of the lists of a sum of stages.
func mustSum(t *testing.T, list, sum string) []string {
	t.Helper()
	const program = `fail() { echo "$*" >&2; exit 1; }; . scripts/stages.sh; list=$1[@]; shift; sum "$@"; echo "${!list}"`
	cmd := exec.Command("bash", append([]string{"-euc", program, "sum", list}, strings.Fields(sum)...)...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v %s", sum, err, out)
	}
	return strings.Fields(string(out))
}

// TestSums checks that a sum of stages is the same in whatever order they are named.
func TestSums(t *testing.T) {
	for _, row := range []struct{ sum, list, want string }{
		{"baseline", "files", "stack.yml"},
		{"redis", "files", "stack.yml stack-redis.yml"},
		{"cdn", "ours", "api front reverse-proxy cdn"},
		{"cdn observability", "parts", "replicas redis cdn observability"},
		{"observability cdn", "named", "cdn observability"},
		{"observability cdn", "files", "stack.yml stack-redis.yml stack-cdn.yml stack-observability.yml " +
			"stack-observability-redis.yml"},
		{"database redis", "files", "stack.yml stack-redis.yml stack-database.yml"},
		{"database replicas", "ours", "api front reverse-proxy database database-proxy"},
		{"observability database cdn", "files", "stack.yml stack-redis.yml stack-cdn.yml stack-database.yml " +
			"stack-observability.yml stack-observability-redis.yml stack-observability-database.yml"},
		{"observability baseline", "files", "stack.yml stack-observability.yml"},
		{"backup database redis observability", "files", "stack.yml stack-redis.yml stack-database.yml " +
			"stack-backup.yml stack-observability.yml stack-backup-database.yml stack-observability-redis.yml " +
			"stack-observability-database.yml stack-observability-backup.yml"},
		{"redis secure observability", "files", "stack.yml stack-redis.yml stack-observability.yml stack-secure.yml " +
			"stack-observability-redis.yml stack-observability-secure.yml"},
		{"secure baseline", "ours", "api front reverse-proxy certificate"},
		{"baseline backup", "ours", "api front reverse-proxy backup"},
		{"observability baseline", "ours", "api front reverse-proxy observer"},
	} {
		if got := strings.Join(mustSum(t, row.list, row.sum), " "); got != row.want {
			t.Errorf("%s of %s: %s, want %s", row.list, row.sum, got, row.want)
		}
	}
}

// TestStagesNameTheirImages compares the images that the table of stages names with those in its files.
func TestStagesNameTheirImages(t *testing.T) {
	image := regexp.MustCompile(`(?m)^ +image: (\S+)$`)
	for _, sum := range []string{"baseline", "replicas", "redis", "cdn", "cdn observability", "redis database",
		"cdn database observability", "redis backup", "redis secure"} {
		var wanted []string
		for _, file := range mustSum(t, "files", sum) {
			for _, found := range image.FindAllStringSubmatch(mustRead(t, "../"+file), -1) {
				name, tag, _ := strings.Cut(strings.TrimPrefix(found[1], "${REGISTRY:-localhost/woodytoys}/"), ":")
				if strings.HasPrefix(tag, "${") {
					tag = ""
				}
				wanted = append(wanted, strings.TrimSuffix(name+":"+tag, ":"))
			}
		}
		named := append(mustSum(t, "ours", sum), mustSum(t, "theirs", sum)...)
		slices.Sort(named)
		slices.Sort(wanted)
		wanted = slices.Compact(wanted) // some are run more than once
		if !slices.Equal(named, wanted) {
			t.Errorf("%s: the table names\n%v\nthe files want\n%v", sum, named, wanted)
		}
	}
}
