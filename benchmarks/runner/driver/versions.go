package driver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
)

// Versions returns those of the servers that are installed here, and of programs of ours that were not built here.
func (l *Local) Versions() map[string]string {
	versions := map[string]string{}
	for name, command := range map[string]string{
		"mariadb": "mariadbd --version", "redis": "redis-server --version", "haproxy": "haproxy -v",
		"varnish": "varnishd -V", "prometheus": "prometheus --version",
	} {
		// Debian keeps servers in /usr/sbin, which is not on every PATH.
		out, _ := exec.Command("sh", "-c", "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin "+command).CombinedOutput()
		if version := firstVersion(string(out)); version != "" {
			versions[name] = version
		}
	}
	for name, program := range map[string]string{"woodytoys": l.API, "front": l.Front} {
		// What was to be built may be a link to what was built elsewhere.
		if built, err := os.Readlink(program); err == nil && filepath.Dir(program) == l.dir {
			versions[name] = RevisionOf(built)
		}
	}
	return versions
}

// RevisionOf returns the revision of a program that is not built here.
func RevisionOf(program string) string {
	if file, err := exec.LookPath(program); err == nil {
		if revision := machine.RevisionOf(file); revision != "" {
			return revision
		}
	}
	return "unknown (" + program + ")"
}

// firstVersion returns the first word of a text that looks like one.
func firstVersion(text string) string {
	for word := range strings.FieldsFuncSeq(text,
		func(r rune) bool { return !strings.ContainsRune("0123456789.", r) }) {
		if strings.Contains(strings.Trim(word, "."), ".") {
			return strings.Trim(word, ".")
		}
	}
	return ""
}
