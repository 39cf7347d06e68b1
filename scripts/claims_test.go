package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// claimingDocker is swarmDocker (roll_test.go) that keeps configs, a file NAME.config each with its id and its label,
// and how many replicas the API has. woody_restoring comes to be there after it was looked for as often as the file
// `looks` has lines. The backup's state is in `state`, and a restore is the script `restore`. A service may have a file
// SERVICE.inspect, which is all that is said of it, and the names of secrets are in `secrets`. Deployments fail where
// there is a file `undeployable`, and the script `meanwhile` is run once when a service is scaled.
const claimingDocker = `#!/bin/bash
cd "$SWARM" || exit
case "$1 $2" in
'config create')
	echo "$*" >>calls
	name=${@: -2:1} label=''
	for word; do case $word in woody.claim=*) label=${word#*=} ;; esac; done
	(set -o noclobber && echo "$name.$$ $label" >"$name.config") 2>/dev/null || exit 1
	echo "$name.$$"
	;;
'config inspect' | 'config ls')
	name=${!#}
	for word; do case $word in name=*) name=${word#*=} ;; esac; done
	if [ "$name" = woody_restoring ] && [ -s looks ]; then
		sed -i 1d looks
		[ -s looks ] || echo 'restoring.1 elsewhere 1 2' >later
	elif [ "$name" = woody_restoring ] && [ -e later ]; then
		mv later woody_restoring.config
	fi
	case $2 in ls) [ ! -e "$name.config" ] || echo "$name"; exit 0 ;; esac
	cat "$name.config" 2>/dev/null || grep -hsF -- "$name " *.config
	;;
'config rm')
	echo "$*" >>calls
	shift 2
	for id; do
		[ ! -e "$id.config" ] || { rm "$id.config" && continue; }
		rm "$(grep -lsF -- "$id " *.config)" 2>/dev/null || exit 1
	done
	;;
'exec -i') cat >/dev/null; echo "$*" >>calls ;;
"secret ls") cat secrets 2>/dev/null ;;
exec*)
	echo "$*" >>calls
	case $* in
	*' backup state') cat state ;;
	*' backup secrets --restore') tar -c -T /dev/null ;;
	*' backup restore --plan'*) echo to be restored ;;
	*' backup restore'*) . ./restore ;;
	esac
	;;
'service ls')
	case $* in *Replicas*) exec ./swarm.docker "$@" ;; esac
	for file in *.spec; do
		case "$file $*" in 'woody_'* | *' service ls --format'*) [ ! -e "$file" ] || echo "${file%.spec}" ;; esac
	done
	;;
'service scale')
	echo "$*" >>calls
	for word; do case $word in woody_api=*) echo "${word#*=}" >replicas ;; esac; done
	[ ! -e meanwhile ] || { . ./meanwhile; rm meanwhile; }
	;;
'service inspect')
	[ ! -e "${!#}.inspect" ] || exec cat "${!#}.inspect"
	case $* in
	*'{{.Spec.Mode.Replicated.Replicas}} woody_api') cat replicas ;;
	*) exec ./swarm.docker "$@" ;;
	esac
	;;
'stack deploy')
	echo "$*" >>calls
	cat ../secrets/database_users >>deployed 2>/dev/null
	[ ! -e undeployable ]
	;;
*) exec ./swarm.docker "$@" ;;
esac
`

// claimed is a tree with scripts, and a Swarm that is claimingDocker.
type claimed struct {
	tree, swarm string
	environment []string
}

// mustClaimTree returns a tree that has those scripts, and a stack of these services. Its API has four replicas.
func mustClaimTree(t *testing.T, tree string, scripts []string, services ...string) *claimed {
	t.Helper()
	specs := map[string][]string{}
	for _, service := range services {
		specs["woody_"+service] = nil
	}
	c := &claimed{tree: tree}
	c.swarm, c.environment = mustFakeSwarm(t, tree, specs)
	for _, name := range scripts {
		c.write(t, "scripts/"+name, mustRead(t, name))
	}
	docker := filepath.Join(c.swarm, "docker")
	if err := os.Rename(docker, filepath.Join(c.swarm, "swarm.docker")); err != nil {
		t.Fatal(err)
	}
	c.write(t, "swarm/docker", claimingDocker)
	c.write(t, "swarm/replicas", "4\n")
	c.write(t, "swarm/state", "whole\n")
	c.write(t, "swarm/restore", "")
	return c
}

// write writes a file of the tree, whole or not at all.
func (c *claimed) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(c.tree, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := servers.WriteScript(file+".part", text); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".part", file); err != nil {
		t.Fatal(err)
	}
}

func (c *claimed) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(c.tree, name)); err != nil {
		t.Fatal(err)
	}
}

// has reports whether there is a file of the tree.
func (c *claimed) has(name string) bool {
	_, err := os.Stat(filepath.Join(c.tree, name))
	return err == nil
}

// called returns how many of the calls of docker have a text in them.
func (c *claimed) called(text string) (n int) {
	calls, _ := os.ReadFile(filepath.Join(c.swarm, "calls"))
	for call := range strings.Lines(string(calls)) {
		if strings.Contains(call, text) {
			n++
		}
	}
	return n
}

// await waits until something is so.
func (c *claimed) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come that %s", what)
		}
	}
}

// command returns a script of the tree.
func (c *claimed) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.tree, "scripts", name), args...)
	cmd.Env = slices.Concat(c.environment, []string{"DEPLOY_TIMEOUT=10", "SHOP_HOST=", "REGISTRY="})
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func (c *claimed) run(name string, args ...string) (output string, err error) {
	out, err := c.command(name, args...).CombinedOutput()
	return string(out), err
}

// mustDeployable returns a tree in which scripts/deploy comes to its end.
func mustDeployable(t *testing.T) *claimed {
	t.Helper()
	c := mustClaimTree(t, mustDeployTree(t), []string{"backup", "restore"}, "api", "backup")
	for _, stub := range []string{"secrets", "images", "offline-bases"} {
		c.write(t, "scripts/"+stub, "#!/bin/sh\nmkdir -p secrets\n")
	}
	return c
}

// TestDeployLooksForARestoreAgain begins a restore after scripts/deploy has looked for one, once and twice, and checks
// that no replica starts.
func TestDeployLooksForARestoreAgain(t *testing.T) {
	t.Parallel()
	for _, looks := range []int{1, 2} {
		c := mustDeployable(t)
		c.write(t, "swarm/looks", strings.Repeat("\n", looks))
		output, err := c.run("deploy", "replicas", "backup")
		if err == nil || !strings.Contains(output, "a restore is under way") || c.called("stack deploy") != 0 {
			t.Errorf("a restore begins after it was looked for %d times: %v %s", looks, err, output)
		}
		if c.has("swarm/woody_changing.config") || !c.has("swarm/woody_restoring.config") {
			t.Error("its claim is left, or the restore's is not")
		}
	}
	c := mustDeployable(t)
	if output, err := c.run("deploy", "replicas", "backup"); err != nil || c.called("stack deploy") != 1 {
		t.Errorf("without a restore: %v %s", err, output)
	}
	if c.has("swarm/woody_changing.config") || c.called("config create") != 1 {
		t.Error("it made no claim, or has left it")
	}
}

// TestDeployHasBackupsOfItsOwn refuses to have two stacks keep their backups in one place.
func TestDeployHasBackupsOfItsOwn(t *testing.T) {
	t.Parallel()
	c := mustDeployable(t)
	c.write(t, "swarm/other_backup.spec", "")
	for _, test := range []struct {
		folder, repository string // of the other one
		settings           []string
		refused            bool
	}{
		{"other_backup", "/backup/repository", nil, false},
		{"/mnt/backups", "/backup/repository", []string{"BACKUP_FOLDER=/mnt/backups"}, true},
		{"/mnt/backups", "/backup/other", []string{"BACKUP_FOLDER=/mnt/backups"}, false},
		{"other_backup", "s3:https://s3/x", []string{"BACKUP_REPOSITORY=s3:https://s3/x"}, true},
	} {
		c.write(t, "swarm/other_backup.inspect", test.folder+"\nHOME=/\nWOODY_BACKUP_REPOSITORY="+test.repository+"\n")
		deployed := c.called("stack deploy")
		cmd := c.command("deploy", "replicas", "backup")
		cmd.Env = append(cmd.Env, test.settings...)
		out, err := cmd.CombinedOutput()
		refused := strings.Contains(string(out), "other_backup has its backups there too")
		if refused != test.refused ||
			(err != nil) != test.refused || (c.called("stack deploy") == deployed) != test.refused {
			t.Errorf("%+v: %v %s", test, err, out)
		}
	}
}

// TestDeployLeavesAnotherStacksUsersAlone deploys a new stack beside another one, whose database would start again if
// it were given another file of users.
func TestDeployLeavesAnotherStacksUsersAlone(t *testing.T) {
	t.Parallel()
	c := mustDeployable(t)
	c.write(t, "scripts/secrets", "#!/bin/sh\n[ -e secrets/database_users ] || echo of now >secrets/database_users\n")
	c.write(t, "secrets/database_users", "of before")
	c.write(t, "swarm/secrets", strings.Replace(contentName(t, c.tree, "database_users"), "woody", "other", 1)+"\n")
	for _, want := range []string{"of before", "of now\n"} {
		output, err := c.run("deploy", "replicas", "backup")
		if users := mustRead(t, c.tree+"/secrets/database_users"); err != nil || users != want {
			t.Errorf("the users are those %s, want %s: %v %s", users, want, err, output)
		}
		c.write(t, "swarm/secrets", "woody_database_users-0\n")
	}
	if got := mustRead(t, c.swarm+"/deployed"); got != strings.Repeat("of now\n", 2) {
		t.Errorf("deployed are those %q", got)
	}
}

// TestDeployAsksTheRegistry deploys images that this machine has and the registry has not: where there are other
// machines that is refused.
func TestDeployAsksTheRegistry(t *testing.T) {
	t.Parallel()
	for machines, refused := range map[string]bool{"node\n": false, "node\nother\n": true} {
		c := mustDeployable(t)
		c.write(t, "swarm/machines", machines)
		c.write(t, "swarm/away", "pull *")
		c.write(t, "swarm/answered", "0")
		cmd := c.command("deploy", "replicas")
		cmd.Env = append(cmd.Env, "REGISTRY=registry.example.org")
		out, err := cmd.CombinedOutput()
		if (err != nil) != refused || strings.Contains(string(out), "the registry does not give") != refused ||
			(c.called("stack deploy") == 0) != refused {
			t.Errorf("with the machines %q: %v %s", machines, err, out)
		}
	}
}

// TestDeployGoesOnToOneServer ends stage database, also after that was broken off behind the first node it ends.
func TestDeployGoesOnToOneServer(t *testing.T) {
	t.Parallel()
	for _, left := range [][]string{{"database2", "database3"}, {"database2"}} {
		c := mustDeployable(t)
		c.write(t, "secrets/database_password", "x")
		c.write(t, "swarm/nodes", `database {"primary": true, "synced": true, "size": 1}`+"\n")
		for _, node := range append(left, "database") {
			c.write(t, "swarm/woody_"+node+".spec", "")
		}
		output, err := c.run("deploy", "replicas", "backup")
		if err != nil || !strings.Contains(output, "one server again") || c.called("service rm") != len(left) ||
			c.called("stack deploy") != 1 {
			t.Errorf("%q are left: %v %s", left, err, output)
		}
	}
}

// TestRestoreLeavesDeploymentsAlone refuses to restore while one may be at work. One that was killed is not.
func TestRestoreLeavesDeploymentsAlone(t *testing.T) {
	t.Parallel()
	c := mustClaimTree(t, t.TempDir(), []string{"restore", "stack.sh"}, "api", "backup")
	c.write(t, "swarm/woody_changing.config", "changing.1 elsewhere 1 \n")
	output, err := c.run("restore", "--yes")
	if err == nil || !strings.Contains(output, "Nothing was changed") || c.called("service scale") != 0 ||
		c.has("swarm/woody_restoring.config") || !c.has("swarm/woody_changing.config") {
		t.Errorf("a deployment is under way elsewhere: %v %s", err, output)
	}
	c.write(t, "swarm/woody_changing.config", "changing.1 "+hostname(t)+" 0 \n")
	c.write(t, "scripts/stack.sh", mustRead(t, "stack.sh")+"\ncurl() { :; }\n")
	if output, err := c.run("restore", "--yes"); err != nil || c.called("service scale") != 2 {
		t.Errorf("a deployment was killed: %v %s", err, output)
	}
}

// hostname returns the machine's name as bash has it.
func hostname(t *testing.T) string {
	t.Helper()
	return mustRun(t, ".", "bash -c 'echo $HOSTNAME'")
}

// TestNothingIsRolledInARestore checks that no service is rolled or scaled while a restore is under way or was broken
// off.
func TestNothingIsRolledInARestore(t *testing.T) {
	t.Parallel()
	c := mustClaimTree(t, t.TempDir(), []string{"scale", "stack.sh", "roll.sh"}, "api", "backup")
	c.write(t, "swarm/woody_restoring.config", "restoring.1 elsewhere 1 2\n")
	if output, err := c.run("scale", "api=3"); err == nil || !strings.Contains(output, "a restore is under way") ||
		c.called("service scale") != 0 || c.has("swarm/woody_changing.config") {
		t.Errorf("scripts/scale: %v %s", err, output)
	}
	rolls := exec.Command("bash", "-c", rolling, "bash", c.tree, "token_key")
	rolls.Env = c.environment
	if out, err := rolls.CombinedOutput(); err == nil || !strings.Contains(string(out), "a restore is under way") {
		t.Errorf("roll: %v %s", err, out)
	}
}
