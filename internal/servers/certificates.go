package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are a private authority's: its own certificate, and one for servers at 127.0.0.1 and localhost, and for
// their clients. All are in PEM files.
type Certificates struct {
	CAFile, CertFile, KeyFile string

	authority *x509.CertPool
	pair      tls.Certificate
}

// NewCertificates makes certificates, which are good for a day, and writes their files to a folder.
func NewCertificates(dir string) (*Certificates, error) {
	c := &Certificates{
		CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "cert.pem"),
		KeyFile: filepath.Join(dir, "key.pem"), authority: x509.NewCertPool(),
	}
	root := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Woodytoys tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	rootKey, rootDER, err := sign(root, root, nil)
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	leafKey, leafDER, err := sign(leaf, root, rootKey)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		return nil, err
	}
	for file, block := range map[string]*pem.Block{
		c.CAFile: {Type: "CERTIFICATE", Bytes: rootDER}, c.CertFile: {Type: "CERTIFICATE", Bytes: leafDER},
		c.KeyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	if root, err = x509.ParseCertificate(rootDER); err != nil {
		return nil, err
	}
	c.authority.AddCert(root)
	c.pair = tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
	return c, nil
}

// sign makes a key, and a certificate for it from a template, signed by the authority; by itself where parentKey is
// nil.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parentKey == nil {
		parentKey = key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, nil, err
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	return key, der, err
}

// Client returns what a client needs: it trusts the authority alone, and has a certificate of it.
func (c *Certificates) Client() *tls.Config {
	return &tls.Config{RootCAs: c.authority, Certificates: []tls.Certificate{c.pair}, MinVersion: tls.VersionTLS12}
}

// redisSettings returns those of a Redis server, or a sentinel, that speaks nothing but TLS on a port.
func (c *Certificates) redisSettings(port string) [][2]string {
	return [][2]string{
		{"port", "0"}, {"tls-port", port}, {"tls-replication", "yes"},
		{"tls-ca-cert-file", c.CAFile}, {"tls-cert-file", c.CertFile}, {"tls-key-file", c.KeyFile},
	}
}

func (c *Certificates) redisArgs(port string) (args []string) {
	for _, setting := range c.redisSettings(port) {
		args = append(args, "--"+setting[0], setting[1])
	}
	return args
}
