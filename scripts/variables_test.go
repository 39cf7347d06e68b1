package scripts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/settings/settingstest"
)

var (
	stackVariable = regexp.MustCompile(`\$\{(\w+):-([^}]*)\}`)
	proxyDefault  = regexp.MustCompile(`(?m)^ +presetenv (\w+) (\S+)$`)
)

// TestDeployNamesEveryVariable checks the variables of the stack files, with their defaults there, against
// scripts/deploy --help and against what the proxy takes without them.
func TestDeployNamesEveryVariable(t *testing.T) {
	deploy := settingstest.Words(t, "deploy")
	proxy := map[string]string{}
	for _, found := range proxyDefault.FindAllStringSubmatch(mustRead(t, "../reverse-proxy/haproxy.cfg"), -1) {
		proxy[found[1]] = found[2]
	}
	files, err := filepath.Glob("../stack*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no stack files", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range stackVariable.FindAllStringSubmatch(string(text), -1) {
			name, value := found[1], found[2]
			switch {
			case name == "REGISTRY", strings.HasSuffix(name, "TAG"): // scripts/stack.sh sets them
			case value != "" && !deploy[name+"="+value], value == "" && !hasPrefix(deploy, name+"="):
				t.Errorf("scripts/deploy --help does not say %s=%s, as %s does", name, value, file)
			case proxy[name] != "" && proxy[name] != value:
				t.Errorf("%s has %s=%s, reverse-proxy/haproxy.cfg %s", file, name, value, proxy[name])
			}
		}
	}
}

func hasPrefix(words map[string]bool, prefix string) bool {
	for word := range words {
		if strings.HasPrefix(word, prefix) {
			return true
		}
	}
	return false
}
