package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// here is this machine, as a place from where the stack's networks are reached.
type here struct{ *net.Dialer }

func (here) lookup(ctx context.Context, name string) ([]string, error) {
	return net.DefaultResolver.LookupHost(ctx, name)
}

// wantOnly fails the test unless there is one finding.
func wantOnly(t *testing.T, f facts, about, says string) {
	t.Helper()
	found := judge(f)
	if len(found) != 1 || found[0].About != about || !strings.Contains(found[0].Says, says) {
		t.Errorf("want one finding about %s that says %q, not\n%+v", about, says, found)
	}
}

// await waits until judged facts have a finding about something, and nothing else, and returns them.
func await(t *testing.T, about, says string, look func() facts) facts {
	t.Helper()
	var found findings
	for deadline := time.Now().Add(servers.Patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		f := look()
		found = judge(f)
		if about == "" && len(found) == 0 ||
			len(found) == 1 && found[0].About == about && strings.Contains(found[0].Says, says) {
			return f
		}
	}
	t.Fatalf("want one finding about %q that says %q, not\n%+v", about, says, found)
	return facts{}
}

func mustStartShop(t *testing.T, settings ...string) *programs.Shop {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "api")
	if err := programs.BuildShop(file); err != nil {
		t.Fatal(err)
	}
	shop, err := programs.StartShop(exec.Command(file), filepath.Join(dir, "log"),
		append([]string{"WOODY_DATA_DIR=" + dir, "WOODY_ADMIN_ADDR=127.0.0.1:0"}, settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shop.Stop(servers.Patience) })
	return shop
}

// TestAReplicaLosesItsSession checks what is reported of a replica while its Redis is gone, and after it has been
// started again.
func TestAReplicaLosesItsSession(t *testing.T) {
	t.Parallel()
	redis := servertest.MustStartRedis(t)
	shop := mustStartShop(t, "WOODY_DB_DSN="+servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t)),
		"WOODY_REDIS_ADDR="+redis.Addr)
	look := func() facts {
		f := facts{now: time.Now(), services: []service{made("redis", "redis:8.0", 1)}}
		f.replicas = askReplicas(t.Context(), here{&net.Dialer{}}, map[string]string{
			"api 1": strings.TrimPrefix(shop.AdminURL, "http://")})
		return f
	}
	if f := await(t, "", "", look); f.replicas[0].epoch <= 0 {
		t.Errorf("the replica's epoch is %v", f.replicas[0].epoch)
	}
	redis.Kill()
	await(t, "session", "The replica api 1 has no session", look)
	shop.Kill()
	await(t, "replica", "The replica api 1 does not say how it is", look)
}

// TestDNSThatLies checks what is reported of names that lead to the shop, to an address where nothing is, and nowhere.
func TestDNSThatLies(t *testing.T) {
	t.Parallel()
	shop := mustStartShop(t)
	zone := filepath.Join(t.TempDir(), "zone")
	const records = "$TTL 1\n@ SOA ns.test. a.test. 1 1 1 1 1\n@ NS ns.test.\nns A 127.0.0.1\n" +
		"shop A 127.0.0.1\nlie A 127.0.0.1\nlie A 127.0.0.99\n"
	if err := os.WriteFile(zone, []byte(records), 0o600); err != nil {
		t.Fatal(err)
	}
	named, err := servers.StartNamed("test", zone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(named.Close)
	port := shop.Addr()[strings.LastIndexByte(shop.Addr(), ':'):]
	ask := func(name string) facts {
		f := facts{now: time.Now()}
		f.publicly(t.Context(), resolverAt(named.Addr), &url.URL{Scheme: "http", Host: name + port})
		return f
	}
	if found := judge(ask("shop.test")); len(found) > 0 {
		t.Errorf("of a name that leads to the shop: %v", found)
	}
	wantOnly(t, ask("lie.test"), "dns", "DNS leads lie.test astray: at 127.0.0.99")
	wantOnly(t, ask("nothing.test"), "dns", "DNS does not answer for nothing.test: ")
	named.Kill()
	wantOnly(t, ask("shop.test"), "dns", "DNS does not answer for shop.test: ")
}

// mustMakeCertificate makes a certificate of its own authority for 127.0.0.1.
func mustMakeCertificate(t *testing.T, from, expires time.Time) (certificate tls.Certificate, text []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sheet := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotBefore: from,
		NotAfter: expires, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestExpiredCertificates checks that an expired certificate is reported, of a server and of a file.
func TestExpiredCertificates(t *testing.T) {
	t.Parallel()
	yesterday := time.Now().AddDate(0, 0, -1)
	expired, text := mustMakeCertificate(t, yesterday.AddDate(-1, 0, 0), yesterday)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "healthy")
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{expired}}
	server.StartTLS()
	t.Cleanup(server.Close)
	shop, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := facts{now: time.Now()}
	f.publicly(t.Context(), net.DefaultResolver, shop)
	says := "The certificate of " + shop.Host + " expired on " + yesterday.UTC().Format(time.DateOnly)
	wantOnly(t, f, "certificate", says)

	dir := t.TempDir()
	good, goodText := mustMakeCertificate(t, yesterday, yesterday.AddDate(1, 0, 0))
	server.TLS.Certificates[0] = good
	for name, content := range map[string]string{"good.pem": string(goodText), "password": "secret",
		".certificate.old": string(text), "chain.pem": string(goodText) + string(text)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f = facts{now: time.Now()}
	f.certificateFiles(dir, "secrets")
	wantOnly(t, f, "certificate", "The certificate of secrets/chain.pem expired on ")
}

// TestAFullDisk fills a file system.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	disk, err := servers.MountDisk(t.TempDir(), 8<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	look := func() facts {
		f := facts{now: time.Now(), leastFree: 10}
		f.diskOf(disk.Dir, "Docker's data on this machine")
		return f
	}
	if found := judge(look()); len(found) > 0 {
		t.Errorf("of an empty disk: %v", found)
	}
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, look(), "disk", "0% of the disk of Docker's data on this machine is free (0.0 of 0.0 GB)")
}

// TestSecretFiles looks for the files that the stack files of this tree name.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	stack, err := os.ReadFile("../stack.yml")
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(tree, "stack.yml"), stack, 0o600))
	look := func() facts {
		f := healthy()
		must(f.secretFiles(tree))
		return f
	}
	if found := judge(look()); len(found) > 0 {
		t.Errorf("of a tree from which nothing was deployed: %v", found)
	}
	must(os.Mkdir(filepath.Join(tree, "secrets"), 0o700))
	wantOnly(t, look(), "secret", "secrets/database_dsn is missing here, or empty")
	must(os.WriteFile(filepath.Join(tree, "secrets", "database_dsn"), nil, 0o600))
	wantOnly(t, look(), "secret", "secrets/database_dsn is missing here, or empty")
	must(os.WriteFile(filepath.Join(tree, "secrets", "database_dsn"), []byte("x"), 0o600))
	if found := judge(look()); len(found) > 0 {
		t.Errorf("with the file: %v", found)
	}
}

// TestTwoDeploysAtOnce starts scripts that are named so, one with a child, and some that are another's.
func TestTwoDeploysAtOnce(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "scripts", "deploy")
	if err := os.Mkdir(filepath.Dir(script), 0o700); err != nil {
		t.Fatal(err)
	}
	const text = "#!/bin/bash\n(echo child; read -r) <&0 &\nwait\n"
	if err := servers.WriteScript(script, text); err != nil {
		t.Fatal(err)
	}
	start := func(stack string, args ...string) {
		t.Helper()
		cmd := exec.Command("/bin/bash", append([]string{script}, args...)...)
		cmd.Env = append(os.Environ(), "STACK="+stack, "DOCKER_HOST=unix:///nowhere")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			_ = cmd.Wait() // its read ends with the input, and so does it
		})
		if _, err := io.ReadFull(out, make([]byte, len("child\n"))); err != nil {
			t.Fatal(err)
		}
	}
	stack := fmt.Sprintf("doctor%d", os.Getpid())
	look := func() facts {
		f := facts{now: time.Now(), stack: stack}
		f.deploysOf("/proc", "unix:///nowhere")
		return f
	}
	start(stack, "redis")
	start(stack+"other", "redis")
	if f := look(); len(judge(f)) > 0 || len(f.deploys) != 1 {
		t.Errorf("of one deploy: %v", f.deploys)
	}
	start(stack, "cdn", "observability")
	wantOnly(t, look(), "deploys", "scripts/deploy cdn observability (process ")
}

// TestADeployThatEndsMeanwhile has a process be gone after its command line was read.
func TestADeployThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	if err := os.Mkdir(filepath.Join(proc, "7"), 0o700); err != nil {
		t.Fatal(err)
	}
	const line = "/bin/bash\x00scripts/deploy\x00redis\x00"
	if err := os.WriteFile(filepath.Join(proc, "7", "cmdline"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	f := facts{now: time.Now(), stack: "woody"}
	if f.deploysOf(proc, ""); len(f.deploys) > 0 {
		t.Errorf("it is under way: %v", f.deploys)
	}
}
