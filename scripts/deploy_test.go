package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustDeployTree returns a tree with scripts/deploy, in which scripts/secrets says that it was reached, and fails.
func mustDeployTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	if err := os.Mkdir(filepath.Join(tree, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../stack*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "deploy", "stack.sh", "stages.sh", "nodes.sh") {
		path := filepath.Join(tree, "scripts", file)
		if strings.HasPrefix(file, "../") {
			path = filepath.Join(tree, filepath.Base(file))
		}
		if err := servers.WriteScript(path, mustRead(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"secrets": "#!/bin/sh\necho it goes on\nexit 1\n",
		"need":    "#!/bin/sh\n",
	} {
		if err := servers.WriteScript(filepath.Join(tree, "scripts", name), text); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// TestDeployKeepsTheShopSecure checks that stage secure is ended by INSECURE=yes alone, and not by a word that was left
// out.
func TestDeployKeepsTheShopSecure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, runs, sum, insecure string
		refused                   bool
	}{
		{"forgotten", "woody_certificate", "redis backup", "", true},
		{"not meant", "woody_certificate", "redis", "no", true},
		{"meant", "woody_certificate", "redis", "yes", false},
		{"kept", "woody_certificate", "redis secure backup", "", false},
		{"it never was", "woody_api", "redis", "", false},
		{"another stack's", "other_certificate", "redis", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tree := mustDeployTree(t)
			swarm, environment := mustFakeSwarm(t, tree, map[string][]string{test.runs: nil})
			cmd := exec.Command(filepath.Join(tree, "scripts", "deploy"), strings.Fields(test.sum)...)
			cmd.Env = append(environment, "INSECURE="+test.insecure, "REGISTRY=registry.example.org")
			out, err := cmd.CombinedOutput()
			output := string(out)
			refused := strings.Contains(output, "has stage secure") && strings.Contains(output, "INSECURE=yes")
			if err == nil || refused != test.refused || strings.Contains(output, "it goes on") == test.refused {
				t.Errorf("%s: %v %s, want it refused: %v", test.sum, err, output, test.refused)
			}
			for call := range strings.Lines(mustRead(t, filepath.Join(swarm, "calls"))) {
				if test.refused && strings.Contains(call, "deploy") {
					t.Errorf("it is refused, and called docker %s", call)
				}
			}
		})
	}
}

// TestDeployTriesTheProxysSettings gives scripts/deploy settings of the proxy, good ones and others, and checks that it
// refuses those that HAProxy refuses with the configuration that ships: the proxy before it has ended by then.
func TestDeployTriesTheProxysSettings(t *testing.T) {
	t.Parallel()
	tree := mustDeployTree(t)
	_, environment := mustFakeSwarm(t, tree, map[string][]string{"woody_api": nil})
	certificate := filepath.Join(tree, "certificate.pem")
	if err := os.WriteFile(certificate, mustMakeBundles(t, "shop.example.org", 1)[0], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		setting string
		refused bool
	}{
		{"BALANCE=random", false}, {"BALANCE=robin", true}, {"STICKY=on", false}, {"STICKY=True", true},
		{"ACCESS_LOG=off", false}, {"ACCESS_LOG=False", true}, {"TRACING=on", false}, {"TRACING=yes", true},
		{"HSTS=off", false}, {"HSTS=true", true}, {"LOG_FORMAT=json", false}, {"LOG_FORMAT=JSON", true},
		{"RATE_LIMIT=50", false}, {"RATE_LIMIT=", false}, {"RATE_LIMIT=many", true},
		{"TRUSTED_PROXIES=10.0.0.0/8 192.0.2.7 2001:db8::/32", false}, {"TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7", true},
		{"TRUSTED_PROXIES= 10.0.0.0/255.0.0.0\n::1\n", false}, {"TRUSTED_PROXIES=10.0.0.0/8 10.0.0.0/99", true},
		{"TRUSTED_PROXIES=1.2.3.4.5", true}, {"TRUSTED_PROXIES=abc", true}, {"TRUSTED_PROXIES=2001:db8::/129", true},
	} {
		cmd := exec.Command(filepath.Join(tree, "scripts", "deploy"), "redis")
		cmd.Env = append(environment, "REGISTRY=registry.example.org", test.setting)
		out, err := cmd.CombinedOutput()
		name, value, _ := strings.Cut(test.setting, "=")
		refused := strings.Contains(string(out), name+" is '") && strings.Contains(string(out), "nothing was changed")
		if err == nil || refused != test.refused || strings.Contains(string(out), "it goes on") == test.refused {
			t.Errorf("%s: %v %s, want it refused: %v", test.setting, err, out, test.refused)
		}
		proxy := exec.Command("haproxy", "-c", "-f", "../reverse-proxy/haproxy.cfg")
		given := name + "=" + strings.Join(strings.Fields(value), " ") // as scripts/deploy gives it
		proxy.Env = append(os.Environ(), "CERTIFICATES="+tree, "HTTPS_BIND=:8443", given)
		if out, err := proxy.CombinedOutput(); (err != nil) != test.refused {
			t.Errorf("HAProxy with %s: %v %s, want it refused: %v", test.setting, err, out, test.refused)
		}
	}
}
