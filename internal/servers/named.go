package servers

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Named is a BIND name server that serves one zone, on ports of the loopback.
type Named struct {
	*Process
	// Addr is where it listens, HOST:PORT.
	Addr string
	// Reload is the command that has it read its zone again.
	Reload string

	dir, port string
}

// StartNamed starts a name server for a zone of which it reads the file, and waits until it answers. The options are
// more of the zone's, such as "allow-update { 127.0.0.1; };".
func StartNamed(zone, zoneFile string, options ...string) (*Named, error) {
	program, err := LookPath("named")
	if err != nil {
		return nil, err
	}
	rndc, err := LookPath("rndc")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "woody-named")
	if err != nil {
		return nil, err
	}
	n := &Named{dir: dir}
	if err := n.configure(zone, zoneFile, options); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	n.Reload = fmt.Sprintf("%s -c %s/rndc.conf reload %s", rndc, dir, zone)
	n.Process, err = Start(exec.Command(program, "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf")),
		filepath.Join(dir, "log"))
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	err = n.AwaitReady(Patience, func() error {
		soa, err := n.Dig(zone, "SOA")
		if err == nil && soa == "" {
			err = errors.New("it does not answer for " + zone)
		}
		return err
	})
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Named) configure(zone, zoneFile string, options []string) error {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	control, err := FreePort("127.0.0.1")
	if err != nil {
		return err
	}
	if n.port, err = FreePort("127.0.0.1"); err != nil {
		return err
	}
	n.Addr = "127.0.0.1:" + n.port
	key := fmt.Sprintf("key test { algorithm hmac-sha256; secret %q; };\n", base64.StdEncoding.EncodeToString(secret))
	server := key + fmt.Sprintf(`
options {
	directory %[1]q;
	pid-file none;
	session-keyfile none;
	listen-on port %[2]s { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
};
controls { inet 127.0.0.1 port %[3]s allow { 127.0.0.1; } keys { test; }; };
zone %[4]q { type primary; file %[5]q; %[6]s };
`, n.dir, n.port, control, zone, zoneFile, strings.Join(options, " "))
	client := key + fmt.Sprintf("options { default-server 127.0.0.1; default-port %s; default-key test; };\n", control)
	return errors.Join(
		os.WriteFile(filepath.Join(n.dir, "named.conf"), []byte(server), 0o600),
		os.WriteFile(filepath.Join(n.dir, "rndc.conf"), []byte(client), 0o600))
}

// Dig returns what dig +short prints for a name and a type, or "" when there is no such record.
func (n *Named) Dig(name, kind string) (string, error) {
	out, err := exec.Command("dig", "+short", "+tries=1", "+time=10", "@127.0.0.1", "-p", n.port, name,
		kind).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("dig %s %s: %w: %s", name, kind, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Close ends the server and removes its folder.
func (n *Named) Close() {
	n.Stop(5 * time.Second)
	os.RemoveAll(n.dir)
}
