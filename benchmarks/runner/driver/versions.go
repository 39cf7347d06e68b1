package driver

import (
	"os/exec"
	"strings"
)

// Versions returns those of the servers that are installed here.
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
	return versions
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
