// Package provision_test checks the playbook against what it deploys, lints it, and carries out what can be on one
// machine: its check mode, and its firewall between two network namespaces.
package provision_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mustRun runs a command of Ansible's, and returns what it prints.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(name, args...)
	if err != nil {
		t.Fatalf("%s %s (scripts/need ansible installs it): %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestLongLint(t *testing.T) {
	t.Parallel()
	mustRun(t, "ansible-lint", "--offline", "site.yml")
	mustRun(t, "ansible-playbook", "--syntax-check", "-i", "inventory.example.yml", "site.yml")
}

// inventory writes one of hosts that are all this machine.
func inventory(t *testing.T, hosts ...string) string {
	t.Helper()
	text := "all:\n  vars: {ansible_connection: local}\n  children:\n    managers:\n      hosts:\n"
	for _, host := range hosts {
		text += "        " + host + "\n"
	}
	file := filepath.Join(t.TempDir(), "inventory.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// check runs the playbook in check mode on this machine.
func check(t *testing.T, inventory string, args ...string) (string, error) {
	t.Helper()
	return run("ansible-playbook", append([]string{"--check", "-i", inventory, "-e", "woody_repository=" + root(t),
		"-e", "woody_directory=" + filepath.Join(t.TempDir(), "tree"), "-e", "ansible_become=false", "site.yml"},
		args...)...)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLongCheckMode checks that check mode gets to the end on a machine where nothing is installed, and changes
// nothing.
func TestLongCheckMode(t *testing.T) {
	t.Parallel()
	left := []string{"/etc/woody-firewall.nft", "/etc/systemd/system/woody-firewall.service"}
	for _, file := range left {
		if _, err := os.Stat(file); err == nil {
			t.Skipf("%s is there: this machine is a node of a shop", file)
		}
	}
	out, err := check(t, inventory(t, "localhost: {woody_labels: [database], woody_address: 192.0.2.1}"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, task := range []string{"firewall : The rules", "swarm : The first manager begins the Swarm",
		"deploy : The stack is up"} {
		if !strings.Contains(out, "TASK ["+task) {
			t.Errorf("the check does not get to %q:\n%s", task, out)
		}
	}
	for _, file := range left {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("the check mode has made %s", file)
		}
	}
}

// TestLongRefuses checks that what cannot work is refused in a sentence, before anything is done.
func TestLongRefuses(t *testing.T) {
	t.Parallel()
	for want, hosts := range map[string][]string{
		"put REGISTRY and TAG into woody_deploy": {"localhost: {woody_address: 192.0.2.1}",
			"other: {woody_address: 192.0.2.2}"},
		"is no IP address": {"localhost: {woody_address: toys1}"},
		"two hosts have one label": {
			"localhost: {woody_address: 192.0.2.1, woody_labels: [database], woody_deploy: {REGISTRY: r, TAG: t}}",
			"other: {woody_address: 192.0.2.2, woody_labels: [database], woody_deploy: {REGISTRY: r, TAG: t}}"},
	} {
		out, err := check(t, inventory(t, hosts...))
		if unwrapped := strings.Join(strings.Fields(out), " "); err == nil || !strings.Contains(unwrapped, want) {
			t.Errorf("%v: %v, want %q in\n%s", hosts, err, want, out)
		}
	}
}

// TestLongOneHostFails checks that nothing is begun on the others while one host does not answer: it may be the
// one that the data belongs on.
func TestLongOneHostFails(t *testing.T) {
	t.Parallel()
	out, err := check(t, inventory(t, "localhost: {woody_address: 192.0.2.1}",
		"other: {woody_address: 192.0.2.2, ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}"))
	if err == nil || strings.Contains(out, "TASK [swarm") || strings.Contains(out, "TASK [deploy") {
		t.Errorf("one of two hosts does not answer: %v, want the playbook to end there\n%s", err, out)
	}
}

var (
	defined = regexp.MustCompile(`(?m)^(woody_\w+):`)
	used    = regexp.MustCompile(`\bwoody_\w+`)
	label   = regexp.MustCompile(`woody\.([a-z0-9]+)`)
	placed  = regexp.MustCompile(`node\.labels\.woody\.(\w+)`)
)

// files returns all files of the playbook but the variables' own.
func files(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*.yml", "roles/*/*/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	return names
}

// TestVariables checks that each variable has a default and a use.
func TestVariables(t *testing.T) {
	uses := map[string]string{}
	for _, file := range files(t) {
		for _, name := range used.FindAllString(mustRead(t, file), -1) {
			uses[name] = file
		}
	}
	defaults := map[string]bool{}
	for _, found := range defined.FindAllStringSubmatch(mustRead(t, "group_vars/all.yml"), -1) {
		defaults[found[1]] = true
		if uses[found[1]] == "" {
			t.Errorf("nothing uses %s", found[1])
		}
	}
	for name, file := range uses {
		if !defaults[name] {
			t.Errorf("%s uses %s, which group_vars/all.yml does not have", file, name)
		}
	}
}

// TestDeployVariables compares what is passed on to scripts/deploy with its help.
func TestDeployVariables(t *testing.T) {
	help := settingstest.Words(t, "../scripts/deploy")
	text := mustRead(t, "group_vars/all.yml") + mustRead(t, "inventory.example.yml") +
		mustRead(t, "roles/deploy/tasks/main.yml")
	passed := regexp.MustCompile(`\b([A-Z][A-Z_]+)'?: `).FindAllStringSubmatch(text, -1)
	if len(passed) < 4 {
		t.Fatalf("only %v are passed on: this test looks wrongly", passed)
	}
	for _, found := range passed {
		named := func(word string) bool { return strings.HasPrefix(word, found[1]+"=") }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(help)), named) {
			t.Errorf("scripts/deploy has no %s", found[1])
		}
	}
	if !strings.Contains(mustRead(t, "group_vars/all.yml"), "woody_http_port: 80\n") || !help["HTTP_PORT=80"] {
		t.Error("woody_http_port is not by default what HTTP_PORT is")
	}
	for _, found := range regexp.MustCompile(`woody_stages: \[(.*)\]`).FindAllStringSubmatch(text, -1) {
		const sum = `fail() { echo "$*"; exit 1; }; . ../scripts/stages.sh; sum "$@"`
		if out, err := run("bash", append([]string{"-euc", sum, "sum"}, strings.Split(found[1],
			", ")...)...); err != nil {
			t.Errorf("%s is no sum of stages: %s", found[1], out)
		}
	}
}

// TestLongSwitches carries the role out with a release whose scripts/deploy says what it was given: YAML's booleans are
// the words that it takes.
func TestLongSwitches(t *testing.T) {
	t.Parallel()
	release, tree := t.TempDir(), filepath.Join(t.TempDir(), "tree")
	script := filepath.Join(release, "scripts", "deploy")
	if err := os.Mkdir(filepath.Dir(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := servers.WriteScript(script, "#!/bin/sh\nenv | grep -E '^(HTTP|[A-Z]+_L|[A-Z]+=)' >said\n"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "git", "init", "-q", "-b", "main", release)
	mustRun(t, "git", "-C", release, "add", ".")
	mustRun(t, "git", "-C", release, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "x")
	play := filepath.Join(t.TempDir(), "play.yml")
	const text = "- {hosts: all, gather_facts: false, roles: [deploy]}\n"
	if err := os.WriteFile(play, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	provision := filepath.Join(root(t), "provision")
	err := os.Symlink(filepath.Join(provision, "group_vars"), filepath.Join(filepath.Dir(play), "group_vars"))
	if err != nil {
		t.Fatal(err)
	}
	hosts := inventory(t,
		"localhost: {woody_deploy: {ACCESS_LOG: off, STICKY: on, TRACING: 'on', INSECURE: yes, RATE_LIMIT: 5}}")
	mustRun(t, "env", "ANSIBLE_ROLES_PATH="+filepath.Join(provision, "roles"), "ansible-playbook", "-i", hosts, "-e",
		"{woody_repository: "+release+", woody_directory: "+tree+"}", play)
	said := "\n" + mustRead(t, filepath.Join(tree, "said"))
	for _, want := range []string{
		"ACCESS_LOG=off", "STICKY=on", "TRACING=on", "INSECURE=yes", "RATE_LIMIT=5", "HTTP_PORT=80",
	} {
		if !strings.Contains(said, "\n"+want+"\n") {
			t.Errorf("scripts/deploy is not given %s:%s", want, said)
		}
	}
}

// TestLabels checks that the document has the labels by which the stack files place services, and that the example has
// no others.
func TestLabels(t *testing.T) {
	documented := map[string]bool{}
	for _, found := range label.FindAllStringSubmatch(mustRead(t, "../docs/provision.md"), -1) {
		documented[found[1]] = true
	}
	stacks, err := filepath.Glob("../stack*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stacks {
		for _, found := range placed.FindAllStringSubmatch(mustRead(t, file), -1) {
			if !documented[found[1]] {
				t.Errorf("%s places a service by woody.%s, which docs/provision.md does not name", file, found[1])
			}
		}
	}
	given := regexp.MustCompile(`woody_labels: \[(.*?)\]`)
	for _, found := range given.FindAllStringSubmatch(mustRead(t, "inventory.example.yml"), -1) {
		for name := range strings.SplitSeq(found[1], ", ") {
			if !documented[name] {
				t.Errorf("the example gives the label woody.%s, which docs/provision.md does not name", name)
			}
		}
	}
}

// TestPackages checks that the playbook installs the same Docker as scripts/deploy.
func TestPackages(t *testing.T) {
	tasks := mustRead(t, "roles/host/tasks/main.yml")
	for _, name := range []string{"docker.io", "iptables", "docker-cli"} {
		if !strings.Contains(mustRead(t, "../scripts/need"), name) || !strings.Contains(tasks, name) {
			t.Errorf("scripts/need and the playbook differ in %s", name)
		}
	}
}

// probe sends a packet from an address to a port, and says what comes back: it is open for a port that nobody listens
// at refuses, and closed for one from which nothing is heard.
const probe = `
import socket, sys
kind, source, target, port = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(0.7)
s.bind((source, 0))
try:
    s.connect((target, int(port)))
    s.send(b"x")
    s.recv(1)
    print("open")
except ConnectionRefusedError:
    print("open")
except (TimeoutError, socket.timeout):
    print("closed")
`

// needsRoot skips a test that makes network namespaces where that is not allowed.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("only root may make network namespaces")
	}
	t.Skip("only root may make network namespaces")
}

// sandboxed runs a command in a network namespace with a copy of /etc that is written to in its place.
const sandboxed = `PATH=$PATH:/usr/sbin:/sbin
	ip netns exec "$0" unshare --mount --propagation private sh -euc '
		mount -t tmpfs woody "$0" && mkdir "$0/upper" "$0/work"
		mount -t overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" woody /etc
		eval "$1"' "$1" "$2"`

// TestLongFirewallIsLoaded plays the role of the firewall twice, and checks that the second run loads what is written
// and not loaded, as after a first that was broken off.
func TestLongFirewallIsLoaded(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	node := fmt.Sprintf("woodyfw%dc", os.Getpid())
	t.Cleanup(func() { run("ip", "netns", "del", node) })
	mustRun(t, "ip", "netns", "add", node)
	play := fmt.Sprintf("ansible-playbook --tags firewall -i %s -e ansible_become=false "+
		"-e ansible_service_mgr=none site.yml", inventory(t, "localhost: {woody_address: 10.213.91.1}"))
	out := mustRun(t, "sh", "-euc", sandboxed, node, t.TempDir(), play+`
		nft list table inet woody; nft delete table inet woody
		`+play+`
		nft list table inet woody; `+play)
	for i, changed := range []string{"changed=3 ", "changed=1 ", "changed=0 "} {
		_, out, _ = strings.Cut(out, "PLAY RECAP")
		recap, _, _ := strings.Cut(out, "\nPLAY ")
		if !strings.Contains(recap, changed) {
			t.Errorf("play %d ends with%s\nwant %s", i+1, recap, changed)
		}
	}
}

// TestLongFirewall loads the rules in a network namespace, twice, and sends packets from another one: from the address
// of a node, and from a stranger's, also to and from a container behind it.
func TestLongFirewall(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	rules := filepath.Join(t.TempDir(), "rules.nft")
	mustRun(t, "ansible", "--playbook-dir", ".", "-i", inventory(t, "localhost: {woody_address: 10.213.91.1}",
		"other: {woody_address: 10.213.91.2}"),
		"localhost", "-m", "template", "-a", "src=roles/firewall/templates/woody-firewall.nft.j2 dest="+rules,
		"-e", `{"woody_ssh_from": ["10.213.91.9/32"]}`)
	id := fmt.Sprint(os.Getpid())
	node, others, inside := "woodyfw"+id+"a", "woodyfw"+id+"b", "woodyfw"+id+"d"
	sh := func(command string) {
		t.Helper()
		out, err := run("sh", "-euc", command)
		if err != nil {
			t.Fatalf("%s (scripts/need iproute ansible): %v\n%s", command, err, out)
		}
	}
	t.Cleanup(func() { run("sh", "-c", "for n in "+node+" "+others+" "+inside+"; do ip netns del $n; done") })
	sh(fmt.Sprintf(`PATH=$PATH:/usr/sbin:/sbin
		ip netns add %[1]s; ip netns add %[2]s; ip netns add %[4]s
		ip -n %[1]s link add eth0 type veth peer name eth0 netns %[2]s
		ip -n %[1]s address add 10.213.91.1/24 dev eth0
		for i in 2 9 77; do ip -n %[2]s address add 10.213.91.$i/24 dev eth0; done
		ip -n %[1]s link add docker_gwbridge type veth peer name eth0 netns %[4]s
		ip -n %[1]s address add 172.18.0.1/16 dev docker_gwbridge
		ip -n %[4]s address add 172.18.0.2/16 dev eth0
		for n in %[1]s %[2]s %[4]s; do ip -n $n link set lo up; ip -n $n link set eth0 up; done
		ip -n %[1]s link set docker_gwbridge up
		ip -n %[4]s route add default via 172.18.0.1
		ip -n %[2]s route add 172.18.0.0/16 via 10.213.91.1
		ip netns exec %[1]s sysctl -qw net.ipv4.ip_forward=1
		ip netns exec %[1]s nft -f %[3]s
		ip netns exec %[1]s nft '
			table ip docker { chain p {
			type nat hook prerouting priority -100; tcp dport 3000 dnat to 10.213.91.1:80; };
			chain q { type nat hook prerouting priority -100;
				tcp dport 80 ip daddr 10.213.91.1 dnat to 172.18.0.2:80; }; }'
		ip netns exec %[1]s nft -f %[3]s
		ip netns exec %[1]s nft list table ip docker`, node, others, rules, inside))
	const aNode, admin, stranger = "10.213.91.2", "10.213.91.9", "10.213.91.77"
	sends := func(netns, kind, from, to, port string, open bool) {
		t.Helper()
		out := mustRun(t, "ip", "netns", "exec", netns, "python3", "-c", probe, kind, from, to, port)
		if want := map[bool]string{true: "open", false: "closed"}[open]; strings.TrimSpace(out) != want {
			t.Errorf("%s %s of %s from %s is %swant %s", kind, port, to, from, out, want)
		}
	}
	for _, row := range []struct {
		kind, from, port string
		open             bool
	}{
		{"tcp", stranger, "80", true},
		{"tcp", stranger, "443", true},
		{"tcp", stranger, "22", false},
		{"tcp", admin, "22", true},
		{"tcp", stranger, "3000", false}, // though Docker would send it on
		{"tcp", stranger, "2377", false},
		{"tcp", aNode, "2377", true},
		{"tcp", aNode, "7946", true},
		{"udp", aNode, "7946", true},
		{"udp", aNode, "4789", true},
		{"udp", stranger, "4789", false},
		{"udp", stranger, "7946", false},
		{"tcp", stranger, "2375", false},
		{"tcp", aNode, "3306", false},
		{"tcp", stranger, "9100", false},
	} {
		sends(others, row.kind, row.from, "10.213.91.1", row.port, row.open)
	}
	// A container at its own address, which a neighbour can send packets to; one's own way out stays open.
	sends(others, "tcp", stranger, "172.18.0.2", "9090", false)
	sends(others, "tcp", aNode, "172.18.0.2", "9090", false)
	sends(inside, "tcp", "172.18.0.2", "10.213.91.2", "443", true)
}
