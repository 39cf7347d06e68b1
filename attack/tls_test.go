//go:build attack

package attack

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/authority"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// TestDowngrade offers what is old: none of it is taken.
func TestDowngrade(t *testing.T) {
	WhileOthersAreServed(t, theShop, func() {
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
			config := theShop.Authority.Client()
			config.MinVersion, config.MaxVersion = version, version
			wantNone(t, tls.VersionName(version), config)
		}
		for _, suite := range append(tls.InsecureCipherSuites(), tls.CipherSuites()...) {
			strong := strings.Contains(suite.Name, "ECDHE") &&
				(strings.Contains(suite.Name, "GCM") || strings.Contains(suite.Name, "CHACHA20"))
			if strong || suite.SupportedVersions[0] == tls.VersionTLS13 {
				continue
			}
			config := theShop.Authority.Client()
			config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{suite.ID}
			wantNone(t, suite.Name, config)
		}
	})
}

func wantNone(t *testing.T, name string, config *tls.Config) {
	t.Helper()
	conn, err := tls.Dial("tcp", theShop.Addr, config)
	if err == nil {
		conn.Close()
		t.Errorf("%s is taken", name)
	}
}

// TestRenegotiation asks for another handshake within TLS 1.2, which a client may not.
func TestRenegotiation(t *testing.T) {
	cmd := exec.Command("openssl", "s_client", "-connect", theShop.Addr, "-tls1_2")
	stdin, err := cmd.StdinPipe() // which stays open: at its end openssl says goodbye
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	timeout := time.AfterFunc(20*time.Second, func() { stdin.Close() })
	defer timeout.Stop()
	if _, err := io.WriteString(stdin, "R\n"); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "RENEGOTIATING") ||
		!strings.Contains(string(out), "no renegotiation") {
		t.Errorf("openssl says %v %s, want that the renegotiation is refused", err, out)
	}
}

// TestCertificatesThatAreNotGood checks that a client refuses a certificate which has expired, is for another name, or
// is signed by an unknown authority.
func TestCertificatesThatAreNotGood(t *testing.T) {
	stranger, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		of   *authority.Authority
		made authority.Certificate
		want func(error) bool
	}{
		"expired": {
			theShop.Authority, authority.Certificate{NotAfter: time.Now().Add(-time.Minute)},
			func(err error) bool {
				var invalid x509.CertificateInvalidError
				return errors.As(err, &invalid) && invalid.Reason == x509.Expired
			},
		},
		"of another name": {
			theShop.Authority, authority.Certificate{Names: []string{"other.example"}},
			func(err error) bool {
				var other x509.HostnameError
				return errors.As(err, &other)
			},
		},
		"of another authority": {stranger, authority.Certificate{}, func(err error) bool {
			var unknown x509.UnknownAuthorityError
			return errors.As(err, &unknown)
		}},
	} {
		dir := t.TempDir()
		if err := row.of.WriteTo(dir, row.made); err != nil {
			t.Fatal(err)
		}
		proxy, err := programs.StartHAProxy(programs.HAProxyConfig{
			Certificates: dir, API: []string{theShop.Replicas[0].Addr()}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		conn, err := tls.Dial("tcp", proxy.TLS, theShop.Authority.Client())
		if err == nil {
			conn.Close()
		}
		if !row.want(err) {
			t.Errorf("a certificate that is %s: %v", name, err)
		}
	}
}

// TestTestSSL runs testssl.sh against the proxy, and checks that it finds nothing more severe than LOW, except in the
// test's own certificate.
func TestTestSSL(t *testing.T) {
	program, err := exec.LookPath("testssl")
	if err != nil {
		if program, err = exec.LookPath("testssl.sh"); err != nil {
			t.Fatal("testssl.sh is not here: scripts/need testssl installs it")
		}
	}
	dir := t.TempDir()
	out, roots := filepath.Join(dir, "found.csv"), filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, theShop.Authority.Root(), 0o600); err != nil {
		t.Fatal(err)
	}
	var output []byte
	WhileOthersAreServed(t, theShop, func() {
		cmd := exec.Command("timeout", "300", program, "--quiet", "--color", "0", "--warnings", "batch", "--nodns",
			"none", "--add-ca", roots, "--csvfile", out, theShop.Addr)
		output, err = cmd.CombinedOutput()
	})
	text, readErr := os.ReadFile(out)
	if readErr != nil {
		t.Fatalf("testssl.sh says nothing: %v %s", err, output)
	}
	rows, readErr := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if readErr != nil || len(rows) < 50 {
		t.Fatalf("testssl.sh found %d things: %v %v %s", len(rows), readErr, err, output)
	}
	worse := 0
	for _, row := range rows[1:] {
		finding := fmt.Sprintf("%s: %s", row[0], row[4])
		switch severity := row[3]; {
		case severity == "OK" || severity == "INFO" || severity == "LOW":
		case severity == "WARN": // what testssl.sh could not look at, with the OpenSSL of this machine
			t.Logf("%s", finding)
		case ofTheTest(row[0]):
			t.Logf("%s, of the test's own certificate: %s", severity, finding)
		default:
			worse++
			t.Errorf("%s: %s", severity, finding)
		}
	}
	t.Logf("testssl.sh looked at %d things; %d are worse than LOW", len(rows)-1, worse)
}

// ofTheTest reports whether a finding is about a certificate that is made for tests, and is good for a day.
func ofTheTest(id string) bool {
	id, _, _ = strings.Cut(id, " ")
	switch id {
	case "cert_expirationStatus", "cert_chain_of_trust", "cert_trust", "cert_revocation", "cert_ocspRevoked",
		"DNS_CAArecord", "intermediate_cert_expiration", "cert_notAfter", "cert_validityPeriod":
		return true
	}
	return false
}
