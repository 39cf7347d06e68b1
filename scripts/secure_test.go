package scripts_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/authority"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustRunSecrets runs scripts/secrets of a tree for a shop's name.
func mustRunSecrets(t *testing.T, tree, host string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(tree, "scripts", "secrets"))
	cmd.Env = append(os.Environ(), "SHOP_HOST="+host)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
}

// mustParse returns the first certificate and the first private key of a PEM file; nil for one that it has not.
func mustParse(t *testing.T, file string) (certificate *x509.Certificate, key *ecdsa.PrivateKey) {
	t.Helper()
	for block, rest := pem.Decode([]byte(mustRead(t, file))); block != nil; block, rest = pem.Decode(rest) {
		var err error
		var any any
		switch {
		case block.Type == "CERTIFICATE" && certificate == nil:
			certificate, err = x509.ParseCertificate(block.Bytes)
		case block.Type == "PRIVATE KEY" && key == nil:
			any, err = x509.ParsePKCS8PrivateKey(block.Bytes)
			key, _ = any.(*ecdsa.PrivateKey)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return certificate, key
}

// TestOwnCertificate checks that scripts/secrets makes a certificate that a client accepts who trusts the shop's
// authority, for its name and cdn. before it; the same one from then on, but another for another name, and a month
// before it expires.
func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	mustMakeSecrets(t, tree)
	secret := func(name string) string { return filepath.Join(tree, "secrets", name) }
	takes := func(names ...string) (serial string) {
		t.Helper()
		own, key := mustParse(t, secret("certificate"))
		root, _ := mustParse(t, secret("certificate_authority"))
		pool := x509.NewCertPool()
		pool.AddCert(root)
		for _, name := range names {
			if _, err := own.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); err != nil {
				t.Errorf("for %s: %v", name, err)
			}
		}
		if !key.PublicKey.Equal(own.PublicKey) {
			t.Error("the key is not the certificate's")
		}
		if own.IsCA || !root.IsCA || own.NotAfter.Sub(own.NotBefore) > 398*24*time.Hour {
			t.Errorf("it is an authority, or good for longer than browsers allow: until %v", own.NotAfter)
		}
		return own.SerialNumber.String()
	}
	first := takes("localhost", "cdn.localhost", "127.0.0.1")
	mustRunSecrets(t, tree, "localhost")
	if takes("localhost") != first {
		t.Error("it is made anew for the same name")
	}
	mustRunSecrets(t, tree, "shop.example.org")
	second := takes("shop.example.org", "cdn.shop.example.org")
	if second == first {
		t.Error("it is not made anew for another name")
	}
	mustRunSecrets(t, tree, "192.0.2.7")
	takes("192.0.2.7")
	mustRunSecrets(t, tree, "shop.example.org")

	// One that has less than a month left is made anew; that of another authority is left alone.
	root, rootKey := mustParse(t, secret("certificate_authority"))
	_, authorityKey := mustParse(t, secret("certificate_authority_key"))
	if rootKey != nil {
		t.Error("the authority's file that is given to others has its key in it")
	}
	mustWriteShort(t, secret("certificate"), root, authorityKey)
	old := takes("shop.example.org")
	mustRunSecrets(t, tree, "shop.example.org")
	if takes("shop.example.org") == old {
		t.Error("it is not made anew a month before it expires")
	}
	stranger, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := stranger.Bundle(authority.Certificate{Names: []string{"other.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret("certificate"), bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRunSecrets(t, tree, "shop.example.org")
	if mustRead(t, secret("certificate")) != string(bundle) {
		t.Error("a certificate that scripts/certificate has put in is not left alone")
	}
}

// mustWriteShort writes a certificate of an authority that is good for three weeks.
func mustWriteShort(t *testing.T, file string, root *x509.Certificate, rootKey *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), DNSNames: []string{"shop.example.org", "cdn.shop.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(21 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root, &key.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSecretsRefuseAName checks that a shop's name is refused that could be more than a name.
func TestSecretsRefuseAName(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	mustMakeSecrets(t, tree)
	before := mustRead(t, filepath.Join(tree, "secrets", "certificate"))
	for _, host := range []string{"a,DNS:evil.example", "a;id", "-a", "a b", "*.example.org", "a\nb"} {
		cmd := exec.Command(filepath.Join(tree, "scripts", "secrets"))
		cmd.Env = append(os.Environ(), "SHOP_HOST="+host)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "write a host name") {
			t.Errorf("SHOP_HOST=%q: %v %s, want it refused", host, err, out)
		}
	}
	if mustRead(t, filepath.Join(tree, "secrets", "certificate")) != before {
		t.Error("the certificate has changed")
	}
}

// tokenHooks are the functions that scripts/rotation.sh calls. Each roll is a line of the file rolls: the two keys.
const tokenHooks = `
set -euo pipefail
cd "$1"
n=0
hook() { n=$((n + 1)); [ "$n" != "$BREAK" ] || kill -9 $$; }
fail() { echo "$*" >&2; exit 1; }
say() { echo "$*"; hook; }
sleep() { hook; }
sum() { sha256sum <"secrets/$1" | cut -c1-8; }
roll() { hook; echo "$(sum token_key) $(sum token_key_next)" >>rolls; hook; }
keep_copy() { :; }
. scripts/rotation.sh
rotate token-key
`

// TestKeysOfTokensAreRotated changes the key, killed at each of its steps and run again. At each roll a replica of the
// one before knows whatever signs, until the last token of the old key has expired.
func TestKeysOfTokensAreRotated(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	made := mustMakeSecrets(t, tree)
	script := filepath.Join(tree, "scripts", "rotation.sh")
	if err := os.WriteFile(script, []byte(mustRead(t, "rotation.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := func(key string) string {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:8]
	}
	rotate := func(step int) (out []byte, err error) {
		cmd := exec.Command("bash", "-c", tokenHooks, "bash", tree)
		cmd.Env = append(os.Environ(), fmt.Sprint("BREAK=", step))
		return cmd.CombinedOutput()
	}
	signs, next := sum(made["token_key"]), sum(made["token_key_next"])
	killed := 0
	for step := range 10 {
		if err := os.RemoveAll(filepath.Join(tree, "rolls")); err != nil {
			t.Fatal(err)
		}
		out, err := rotate(step)
		if step > 0 && err != nil {
			killed++
			out, err = rotate(0)
		}
		if err != nil {
			t.Fatalf("killed at step %d and run again: %v %s", step, err, out)
		}
		rolls := strings.Split(strings.TrimSpace(mustRead(t, filepath.Join(tree, "rolls"))), "\n")
		last := rolls[len(rolls)-1]
		for _, roll := range rolls[:len(rolls)-1] {
			if roll != next+" "+signs && roll != last {
				t.Errorf("step %d: rolled %q, want the keys changed places: %s %s", step, rolls, next, signs)
			}
		}
		if rolls[0] != next+" "+signs {
			t.Errorf("step %d: the first roll is %q, want %s %s", step, rolls[0], next, signs)
		}
		now := strings.Fields(last)
		if now[0] != next || now[1] == signs || now[1] == next {
			t.Errorf("step %d: in the end %q, want %s and a new one", step, last, next)
		}
		if _, err := os.Stat(filepath.Join(tree, "secrets", "token_key.old")); err == nil {
			t.Errorf("step %d: the old key is still there", step)
		}
		_, key := mustParse(t, filepath.Join(tree, "secrets", "token_key_next"))
		if key == nil || key.Curve != elliptic.P256() {
			t.Errorf("step %d: the new key is none of P-256", step)
		}
		signs, next = now[0], now[1]
	}
	if killed < 6 {
		t.Errorf("%d of its steps were broken off; the test shows little", killed)
	}
}

// TestACertificateIsPutIn gives scripts/certificate good files and others, without Docker, and checks that good ones
// become secrets/certificate, and that others change nothing and are refused with a reason.
func TestACertificateIsPutIn(t *testing.T) {
	t.Parallel()
	tree := mustCertificateTree(t)
	of, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"shop.example.org", "cdn.shop.example.org"}
	key, own, between, err := of.Issue(authority.Certificate{Names: names, RSA: 2048})
	if err != nil {
		t.Fatal(err)
	}
	otherKey, _, _, err := of.Issue(authority.Certificate{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	expired, err := of.Bundle(authority.Certificate{Names: names, NotAfter: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := of.Bundle(authority.Certificate{Names: names[:1]})
	if err != nil {
		t.Fatal(err)
	}
	withoutDocker := append(os.Environ(), "SHOP_HOST=shop.example.org", "DOCKER_HOST=unix:///nowhere",
		"TAG=x", "PROXY_TAG=x", "DATABASE_TAG=x", "DATABASE_PROXY_TAG=x")
	run := func(parts ...[]byte) (output string, err error) {
		cmd := exec.Command(filepath.Join(tree, "scripts", "certificate"))
		for i, part := range parts {
			file := filepath.Join(tree, fmt.Sprintf("given%d.pem", i))
			if err := os.WriteFile(file, part, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd.Args = append(cmd.Args, file)
		}
		cmd.Env = withoutDocker
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	foreign := bytes.Clone(expired[bytes.Index(expired, []byte("-----BEGIN CERT")):])
	file := filepath.Join(tree, "secrets", "certificate")
	before := mustRead(t, file)
	for says, parts := range map[string][][]byte{
		"not that of the certificate":     {otherKey, own, between},
		"not whole":                       {key, own[:len(own)-40]},
		"no private key":                  {own, between},
		"no certificate":                  {key},
		"has expired":                     {expired},
		"not for cdn.shop.example.org":    {alone},
		"is no PEM":                       {key, []byte{0x30, 0x82, 1, 2}},
		"has not signed any":              {key, own, between, foreign},
		"give the certificate's alone":    {key, otherKey, own},
		"The shop's name is shop.example": {expired},
	} {
		output, err := run(parts...)
		if err == nil || !strings.Contains(output, says) || !strings.Contains(output, "nothing is changed") {
			t.Errorf("%v %s, want a refusal that says %q", err, output, says)
		}
		if mustRead(t, file) != before {
			t.Fatalf("what is refused (%s) has changed secrets/certificate", says)
		}
	}
	output, err := run(between, own, key)
	if err != nil || mustRead(t, file) != string(bytes.Join([][]byte{key, own, between}, nil)) {
		t.Errorf("a good one: %v %s", err, output)
	}
	if !strings.Contains(output, "no authority that this machine trusts") ||
		mustRead(t, filepath.Join(tree, "secrets", ".certificate.old")) != before {
		t.Errorf("it says %s, and is to warn of the authority and to keep the old one", output)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v %v", info, err)
	}
	if output, err := run(key, own, between); err != nil || !strings.Contains(output, "is that already") {
		t.Errorf("the same again: %v %s", err, output)
	}
	cmd := exec.Command(filepath.Join(tree, "scripts", "certificate"), "--local")
	cmd.Env = withoutDocker
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("--local: %v %s", err, out)
	}
	if now, _ := mustParse(t, file); now.VerifyHostname("shop.example.org") != nil || now.Issuer.String() == "" ||
		!strings.Contains(now.Issuer.String(), "Local authority") {
		t.Errorf("--local has put in one of %s", now.Issuer)
	}
}

// mustCertificateTree returns a tree with scripts/certificate, all that it calls, and what scripts/secrets makes.
func mustCertificateTree(t *testing.T) string {
	t.Helper()
	tree := mustLinkTree(t)
	mustMakeSecrets(t, tree)
	for _, script := range []string{"certificate", "stack.sh", "program.sh", "roll.sh", "need"} {
		if err := servers.WriteScript(filepath.Join(tree, "scripts", script), mustRead(t, script)); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// mustMakeBundles returns as many certificates for a shop's name, each with its key, by an authority of their own.
func mustMakeBundles(t *testing.T, host string, n int) (bundles [][]byte) {
	t.Helper()
	of, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		bundle, err := of.Bundle(authority.Certificate{Names: []string{host, "cdn." + host}})
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, bundle)
	}
	return bundles
}

// TestACertificateIsNotLost lets the proxies refuse what scripts/certificate gives them, and scripts/secrets make none,
// and checks that the shop then has the certificate of before and its name, never none and never an older one.
func TestACertificateIsNotLost(t *testing.T) {
	t.Parallel()
	tree := mustCertificateTree(t)
	swarm, environment := mustFakeSwarm(t, tree, map[string][]string{
		"woody_certificate": {"woody_certificate-0 certificate"},
	})
	secret := func(name string) string { return filepath.Join(tree, "secrets", name) }
	write := func(path, text string) {
		t.Helper()
		if err := servers.WriteScript(path, text); err != nil {
			t.Fatal(err)
		}
	}
	run := func(more []string, args ...string) (output string, err error) {
		cmd := exec.Command(filepath.Join(tree, "scripts", "certificate"), args...)
		cmd.Env = append(append(environment, "DEPLOY_TIMEOUT=2"), more...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	bundles := mustMakeBundles(t, "shop.example.org", 2)
	given := []string{filepath.Join(tree, "0.pem"), filepath.Join(tree, "1.pem")}
	for i, bundle := range bundles {
		write(given[i], string(bundle))
	}
	first, second := string(bundles[0]), string(bundles[1])
	shop := []string{"SHOP_HOST=shop.example.org"}
	write(filepath.Join(swarm, "broken"), "")

	write(secret("certificate"), first)
	output, err := run(shop, given[0])
	holds := func() bool { return mustRead(t, secret("certificate")) == first }
	if err == nil || !holds() || !strings.Contains(output, "run it again") {
		t.Errorf("the same again, and not taken: %v %s", err, output)
	}
	write(secret(".certificate.old"), "of long ago")
	output, err = run(shop, given[0])
	if err == nil || !holds() || strings.Contains(output, "is back") {
		t.Errorf("the same again, not taken, with one of long ago: %v %s", err, output)
	}
	output, err = run(shop, given[1])
	if err == nil || !holds() || mustRead(t, secret(".certificate.refused")) != second ||
		mustRead(t, secret("shop_host")) != "shop.example.org\n" {
		t.Errorf("another one, not taken: %v %s", err, output)
	}
	write(secret("shop_host"), "other.example.org\n")
	if output, err = run(shop, given[1]); err == nil || mustRead(t, secret("shop_host")) != "other.example.org\n" {
		t.Errorf("not taken, and the shop's name is the new one: %v %s", err, output)
	}

	script := filepath.Join(tree, "scripts", "need")
	write(script, "#!/bin/sh\necho missing: $* >&2\nexit 1\n")
	output, err = run(nil, "--local")
	if err == nil || !holds() || !strings.Contains(output, "missing: openssl") {
		t.Errorf("--local without openssl: %v %s", err, output)
	}
	write(script, "#!/bin/sh\n")
	write(filepath.Join(tree, "scripts", "secrets"), "#!/bin/sh\n")
	output, err = run(nil, "--local")
	if err == nil || !holds() || !strings.Contains(output, "nothing is changed") {
		t.Errorf("--local makes none: %v %s", err, output)
	}
	left, err := filepath.Glob(secret("*.new"))
	if hidden, _ := filepath.Glob(secret(".*.new")); err != nil || len(left)+len(hidden) > 0 {
		t.Errorf("left over: %v %v (%v)", left, hidden, err)
	}
}

// TestTheShopsNameIsKept runs scripts/secrets without it, as scripts/rotate does, and wants the certificate to stay.
func TestTheShopsNameIsKept(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	mustMakeSecrets(t, tree)
	certificate := filepath.Join(tree, "secrets", "certificate")
	mustRunSecrets(t, tree, "shop.example.org")
	before := mustRead(t, certificate)
	mustMakeSecrets(t, tree)
	if mustRead(t, certificate) != before {
		t.Error("scripts/secrets without SHOP_HOST makes the certificate anew")
	}
	mustRunSecrets(t, tree, "localhost")
	mustMakeSecrets(t, tree)
	if own, _ := mustParse(t, certificate); own.VerifyHostname("localhost") != nil {
		t.Error("a name that is given again does not count")
	}

	// The other scripts read the same file.
	script := filepath.Join(tree, "scripts", "stack.sh")
	if err := os.WriteFile(script, []byte(mustRead(t, "stack.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, environment := mustFakeSwarm(t, tree, map[string][]string{"woody_certificate": nil})
	url := func(more ...string) string {
		t.Helper()
		cmd := exec.Command("bash", "-euc", `cd "$0"; . scripts/stack.sh; url`, tree)
		cmd.Env = append(environment, more...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	node := url()
	mustRunSecrets(t, tree, "shop.example.org")
	for got, want := range map[string]string{
		node: "https://192.0.2.1", url(): "https://shop.example.org", url("SHOP_HOST=localhost"): "https://localhost",
		url("SHOP_HOST=other.example.org", "HTTPS_PORT=8443"): "https://other.example.org:8443",
	} {
		if got != want {
			t.Errorf("the shop is at %s, want %s", got, want)
		}
	}
}

// mustLinkTree returns a folder with links to what Go needs to compile a program of this tree.
func mustLinkTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum", "internal", "cache", "reverse-proxy"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(tree, name)); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// TestSharedFolderIsInMemory holds the stack file against what the proxy's configuration wants: the folder is the one
// that it reads, in memory, and the proxy's user's alone.
func TestSharedFolderIsInMemory(t *testing.T) {
	t.Parallel()
	text := mustRead(t, "../stack-secure.yml")
	for _, want := range []string{
		`driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m,mode=0700,uid=99,gid=99"}`, `user: "99:99"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("stack-secure.yml has no %s", want)
		}
	}
	if n := strings.Count(text, `volumes: ["certificates:/run/certificates"]`); n != 2 {
		t.Errorf("%d services have the folder, want proxy and keeper", n)
	}
	if !strings.Contains(mustRead(t, "../reverse-proxy/haproxy.cfg"), "presetenv CERTIFICATES /run/certificates\n") {
		t.Error("the proxy reads another folder")
	}
}

// TestTheProxyWaitsForItsCertificate runs the proxy's command without one: it says what it waits for, and goes on when
// the certificate is there. The keeper may take as long as the health check allows.
func TestTheProxyWaitsForItsCertificate(t *testing.T) {
	t.Parallel()
	text := mustRead(t, "../stack-secure.yml")
	found := regexp.MustCompile(`(?s)- -euc\n      - \|\n(.*?)    # `).FindStringSubmatch(text)
	if found == nil || !strings.Contains(found[1], "exec haproxy") {
		t.Fatal("stack-secure.yml starts the proxy by no script")
	}
	if !strings.Contains(text, "healthcheck: {start_period: 120s}") {
		t.Error("the proxy's health check gives the keeper no time")
	}
	folder := t.TempDir()
	script := strings.NewReplacer("/run/certificates", folder, "exec haproxy", "exec echo haproxy").Replace(found[1])
	ctx, cancel := context.WithTimeout(t.Context(), servers.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euc", script)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || !strings.Contains(lines.Text(), "docker service logs woody_certificate") {
		t.Errorf("it waits and says %q", lines.Text())
	}
	if err := os.WriteFile(filepath.Join(folder, "certificate.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "haproxy ") {
			t.Errorf("with a certificate it says %q", lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestTheAPITrustsItsProxies holds the stack file against the addresses that Swarm may give proxies, and those of
// everybody else.
func TestTheAPITrustsItsProxies(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile(`WOODY_TRUSTED_PROXIES: "\$\{PROXY_NETWORKS:-([^}]*)\}"`).
		FindStringSubmatch(mustRead(t, "../stack-secure.yml"))
	if found == nil {
		t.Fatal("stack-secure.yml names no proxies that the API trusts")
	}
	if !strings.Contains(mustRead(t, "deploy"), "\n  PROXY_NETWORKS="+found[1]+"\n") {
		t.Error("scripts/deploy --help has another default of PROXY_NETWORKS")
	}
	for address, want := range map[string]bool{
		"10.0.1.5": true, "172.18.0.2": true, "192.168.1.9": true, "fd00:1::2": true,
		"192.0.2.7": false, "172.32.0.1": false, "2001:db8::1": false, "127.0.0.1": false, "100.64.0.1": false,
	} {
		trusted := false
		for text := range strings.SplitSeq(found[1], ",") {
			trusted = trusted || netip.MustParsePrefix(text).Contains(netip.MustParseAddr(address))
		}
		if trusted != want {
			t.Errorf("%s is trusted: %v", address, trusted)
		}
	}
}
