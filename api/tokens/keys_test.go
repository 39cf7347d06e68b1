package tokens

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestLoad(t *testing.T) {
	private := mustMakeKey(t)
	must := func(der []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := inPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(private)))
	sec1 := inPEM("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(private)))
	public := must(x509.MarshalPKIXPublicKey(&private.PublicKey))
	for name, row := range map[string]struct{ text, want string }{
		"PKCS #8":         {pkcs8, ""},
		"SEC 1":           {sec1, ""},
		"with parameters": {inPEM("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + sec1, ""},
		"space around":    {"\n\n" + pkcs8 + "\n\n", ""},
		"empty":           {"", "openssl genpkey"},
		"words":           {"hush", "openssl genpkey"},
		"RSA":             {inPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsaKey))), "openssl genpkey"},
		"P-384":           {inPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p384))), "P-256"},
		"P-384 in SEC 1":  {inPEM("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p384))), "P-256"},
		"public":          {inPEM("PUBLIC KEY", public), "openssl genpkey"},
		"cut off":         {pkcs8[:len(pkcs8)/2], "openssl genpkey"},
		"two":             {pkcs8 + sec1, "more than one"},
	} {
		file := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(file, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := Load(file)
		switch {
		case row.want == "" && (err != nil || k.byID[k.signing.id] == nil):
			t.Errorf("%s: %v", name, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: %v, want %q in the error", name, err, row.want)
		}
		if row.want == "" {
			if _, err := Load(file, file); err == nil || !strings.Contains(err.Error(), "twice") {
				t.Errorf("%s, twice: %v", name, err)
			}
		}
	}
	for name, files := range map[string][]string{"none": nil, "absent": {filepath.Join(t.TempDir(), "x")}} {
		if _, err := Load(files...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGenerate(t *testing.T) {
	a, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Verify([]byte(mustSign(t, a, "ann", "s1"))); err == nil {
		t.Error("two processes have the same key")
	}
}
