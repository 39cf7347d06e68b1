package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// swarmDocker stands for a Swarm with stack woody, of which it keeps each service's secrets in a file of the folder
// $SWARM: a line NAME FILE each. How its last update goes is in SERVICE.update. What is added comes to the end, several
// in another order than they were named in, as docker's own order is any. Each state that an update leaves behind is
// a line in SERVICE.specs. Updates fail where there is a file `broken`, one call that matches the pattern in a file
// `away` fails, after as many as the file `answered` says, and calls are recorded in `calls`. What the database's nodes
// say of themselves is in `nodes`, and the machines' names are in `machines`.
const swarmDocker = `#!/bin/bash
cd "$SWARM" || exit
echo "$*" >>calls
service=${!#}
# shellcheck disable=SC2053 # a pattern
if [ -e away ] && [[ $* = $(cat away) ]]; then
	left=$(cat answered)
	echo $((left - 1)) >answered
	[ "$left" != 0 ] || { echo 'Cannot connect to the Docker daemon' >&2; exit 1; }
fi
case "$1 $2" in
'stack rm') rm -f "$3"_*.spec ;;
'secret ls') case $* in *format*) cat secrets 2>/dev/null || true ;; esac ;;
'service ls')
	for file in ${STACK}_*.spec; do
		[ -e "$file" ] || continue
		case $* in *Replicas*) echo "${file%.spec} 2/2" ;; *' -q '*) ;; *) echo "${file%.spec}" ;; esac
	done
	;;
'service inspect')
	[ -e "$service.spec" ] || exit 1
	case $* in
	*Secrets*) cat "$service.spec" ;;
	*Replicas*) echo 2 ;;
	*UpdateStatus*) cat "$service.update" 2>/dev/null || true ;;
	esac
	;;
'service update')
	[ ! -e broken ] || exit 1
	added=''
	while [ $# -gt 1 ]; do
		case $1 in
		--secret-rm)
			grep -q "^$2 " "$service.spec" || exit 1
			grep -v "^$2 " "$service.spec" >left
			mv left "$service.spec"
			;;
		--secret-add)
			name=${2#source=}
			added="${name%%,*} ${2##*target=}"$'\n'$added
			;;
		esac
		shift
	done
	printf %s "$added" >>"$service.spec"
	echo $(cat "$service.spec") >>"$service.specs"
	;;
'service rm') rm "$service.spec" || exit 1 ;;
'run --rm') cat nodes 2>/dev/null || true ;;
'secret inspect' | 'config inspect') exit 1 ;;
'ps -q') case $* in *_backup*) echo keeper ;; esac ;;
'node inspect') echo 192.0.2.1 ;;
'node ls') cat machines 2>/dev/null || echo node ;;
'info --format') echo active true ;;
esac
`

// mustFakeSwarm puts that stand-in into a tree and returns the environment in which scripts use it.
func mustFakeSwarm(t *testing.T, tree string, specs map[string][]string) (swarm string, environment []string) {
	t.Helper()
	swarm = filepath.Join(tree, "swarm")
	if err := os.Mkdir(swarm, 0o700); err != nil {
		t.Fatal(err)
	}
	for service, spec := range specs {
		text := strings.Join(spec, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(swarm, service+".spec"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := servers.WriteScript(filepath.Join(swarm, "docker"), swarmDocker); err != nil {
		t.Fatal(err)
	}
	return swarm, append(os.Environ(), "SWARM="+swarm, "PATH="+swarm+":"+os.Getenv("PATH"), "STACK=woody",
		"TAG=t", "PROXY_TAG=t", "DATABASE_TAG=t", "DATABASE_PROXY_TAG=t")
}

// rolling rolls what has one of the files that it is given.
const rolling = `
set -euo pipefail
cd "$1"
. scripts/stack.sh
. scripts/roll.sh
say() { echo "$*"; }
await_settled() { echo "awaits $2"; }
roll "${@:2}"
`

// contentName returns the name of the Swarm secret of a file with that content.
func contentName(t *testing.T, tree, file string) string {
	t.Helper()
	out, err := exec.Command("bash", "-c", `cd "$1"; sha256sum <"secrets/$2" | cut -c1-12`, "bash", tree, file).Output()
	if err != nil {
		t.Fatal(err)
	}
	return "woody_" + file + "-" + strings.TrimSpace(string(out))
}

// TestRollGivesAllSecretsAtOnce swaps two keys, and then changes others, and checks each state of the service: both
// keys never have one content, with which no replica starts; it has each file at any time, and the secrets in the order
// of their names in the end.
func TestRollGivesAllSecretsAtOnce(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	for _, folder := range []string{"scripts", "secrets"} {
		if err := os.Mkdir(filepath.Join(tree, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{"stack.sh", "roll.sh"} {
		if err := os.WriteFile(filepath.Join(tree, "scripts", script), []byte(mustRead(t, script)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"database_dsn", "redis_password", "token_key", "token_key_next"}
	write := func(file, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(tree, "secrets", file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var spec []string
	for _, file := range files {
		write(file, file+" 1")
		spec = append(spec, contentName(t, tree, file)+" "+file)
	}
	swarm, environment := mustFakeSwarm(t, tree, map[string][]string{
		"woody_api": spec, "woody_front": {"woody_other-0 other"},
	})
	roll := func(rolled ...string) (states [][]string) {
		t.Helper()
		cmd := exec.Command("bash", append([]string{"-c", rolling, "bash", tree}, rolled...)...)
		cmd.Env = environment
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "woody_api") {
			t.Fatalf("%v %s", err, out)
		}
		specs := filepath.Join(swarm, "woody_api.specs")
		for line := range strings.Lines(mustRead(t, specs)) {
			var names, has []string
			words := strings.Fields(line)
			for i := 0; i+1 < len(words); i += 2 {
				names, has = append(names, words[i]), append(has, words[i+1])
			}
			if slices.Sort(has); !slices.Equal(has, files) {
				t.Errorf("a state of the service has the files %q, want %q", has, files)
			}
			states = append(states, names)
		}
		if err := os.Remove(specs); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, file := range files {
			want = append(want, contentName(t, tree, file))
		}
		if last := states[len(states)-1]; !slices.Equal(last, want) {
			t.Errorf("in the end the service has %q, want %q", last, want)
		}
		return states
	}

	write("token_key", "token_key_next 1")
	write("token_key_next", "token_key 1")
	for _, state := range roll("token_key", "token_key_next") {
		hashes := map[string]string{}
		for _, name := range state {
			_, hash, _ := strings.Cut(name, "-")
			if other := hashes[hash]; other != "" {
				t.Errorf("the service is given one content twice: %s and %s", other, name)
			}
			hashes[hash] = name
		}
	}
	write("database_dsn", "another")
	if states := roll("database_dsn"); len(states) != len(files) {
		t.Errorf("a changed first one takes %d updates, want %d: %q", len(states), len(files), states)
	}
	write("token_key_next", "another")
	if states := roll("token_key_next"); len(states) != 1 {
		t.Errorf("a changed last one takes %d updates, want 1: %q", len(states), states)
	}
	if _, err := os.Stat(filepath.Join(swarm, "woody_front.specs")); err == nil {
		t.Error("a service that has none of the files is changed")
	}
}

// TestRollAwaitsWhatItHasNotRenewed runs a roll again that was broken off: the services have the new secret already,
// and their tasks are awaited until they have it too. An update that is paused ends it at once, and says what to do.
func TestRollAwaitsWhatItHasNotRenewed(t *testing.T) {
	t.Parallel()
	c := &claimed{tree: t.TempDir()}
	c.write(t, "secrets/token_key", "new")
	for _, script := range []string{"stack.sh", "roll.sh"} {
		c.write(t, "scripts/"+script, mustRead(t, script))
	}
	c.swarm, c.environment = mustFakeSwarm(t, c.tree, map[string][]string{
		"woody_api":   {contentName(t, c.tree, "token_key") + " token_key"},
		"woody_front": {"woody_other-0 other"},
	})
	c.write(t, "swarm/woody_front.update", "updating\n")
	for _, test := range []struct {
		update, awaits string
	}{
		{"", ""}, {"completed\n", ""}, {"rollback_completed\n", ""}, // of long ago: all its tasks have the secret
		{"updating\n", "awaits woody_api\n"}, {"paused\n", "awaits woody_api\n"},
		{"rollback_started\n", "awaits woody_api\n"},
	} {
		c.write(t, "swarm/woody_api.update", test.update)
		cmd := exec.Command("bash", "-c", rolling, "bash", c.tree, "token_key")
		cmd.Env = c.environment
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != test.awaits {
			t.Errorf("an update that is %q: %v %q, want %q", test.update, err, out, test.awaits)
		}
	}
	c.write(t, "swarm/woody_api.update", "paused\n")
	really := strings.Replace(rolling, "await_settled()", "unused()", 1)
	cmd := exec.Command("bash", "-c", really, "bash", c.tree, "token_key")
	cmd.Env = c.environment
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "docker service update SERVICE goes on") {
		t.Errorf("a paused update: %v %s", err, out)
	}
}

// TestRotateSeesOthers runs scripts/rotate beside a stack that has the same password, which it refuses before it
// begins, and checks that ./secrets are kept after a change, or that it says by which command.
func TestRotateSeesOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		others, shared, backup string // a script
		says                   string
		kept, fails            bool
	}{
		"alone":               {backup: "touch kept", kept: true},
		"no node of backups":  {backup: "exit 1", says: "scripts/backup secrets, on the node"},
		"another stack":       {others: "other_%s", says: "(other_shop_admin_password-", fails: true},
		"with its own tree":   {others: "other_%s", shared: "yes", backup: "touch kept", kept: true},
		"another stack's own": {others: "other_shop_admin_password-0123456789ab", backup: "touch kept", kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &claimed{tree: t.TempDir()}
			for _, script := range []string{"rotate", "stack.sh", "nodes.sh", "rotation.sh", "roll.sh"} {
				c.write(t, "scripts/"+script, mustRead(t, script))
			}
			c.write(t, "scripts/backup", "#!/bin/sh\n"+test.backup+"\n")
			c.write(t, "secrets/shop_admin_password", "mine")
			own := contentName(t, c.tree, "shop_admin_password")
			c.swarm, c.environment = mustFakeSwarm(t, c.tree, map[string][]string{
				"woody_api": {own + " shop_admin_password"}, "woody_backup": nil,
			})
			others := strings.ReplaceAll(test.others, "%s", strings.TrimPrefix(own, "woody_"))
			c.write(t, "swarm/secrets", own+"\n"+others+"\n")
			cmd := exec.Command("bash", c.tree+"/scripts/rotate", "shop-admin")
			cmd.Env = append(c.environment, "SHARED="+test.shared)
			out, err := cmd.CombinedOutput()
			changed := mustRead(t, c.tree+"/secrets/shop_admin_password") != "mine"
			if (err != nil) != test.fails || changed == test.fails || c.has("kept") != test.kept ||
				!strings.Contains(string(out), test.says) {
				t.Errorf("%v %s, want %+v", err, out, test)
			}
		})
	}
}
