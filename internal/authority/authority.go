// Package authority makes certificates for tests: good ones and others.
package authority

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs certificates with a key of its own, by an intermediate one where it has one.
type Authority struct {
	root, signer *x509.Certificate
	key          *ecdsa.PrivateKey
	// between are the certificates between a signed one and the root, as a server sends them.
	between [][]byte
}

// Certificate says what one is to be. Its zero value is one for localhost that is good for a day.
type Certificate struct {
	// Names are host names and addresses. Default: localhost and 127.0.0.1.
	Names []string
	// NotBefore and NotAfter are its times. Default: an hour ago, and in a day.
	NotBefore, NotAfter time.Time
	// RSA is the size of an RSA key in bits. Default: 0, the key is of P-256.
	RSA int
}

// New makes an authority that is good for a day, with an intermediate certificate.
func New() (*Authority, error) {
	root := &Authority{}
	if err := root.become("Woodytoys tests", root); err != nil {
		return nil, err
	}
	root.root = root.signer
	a := &Authority{root: root.root}
	if err := a.become("Woodytoys tests, intermediate", root); err != nil {
		return nil, err
	}
	a.between = [][]byte{a.signer.Raw}
	return a, nil
}

// become makes a's key, and its certificate, which the parent signs; if the parent has none yet, it signs itself.
func (a *Authority) become(name string, parent *Authority) (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	by, key := parent.signer, parent.key // the root's own key is there already
	if by == nil {
		by = template
	}
	a.signer, err = sign(template, by, &a.key.PublicKey, key, Certificate{})
	return err
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, by *ecdsa.PrivateKey, c Certificate) (
	*x509.Certificate, error,
) {
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, err
	}
	if template.NotBefore = c.NotBefore; template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter = c.NotAfter; template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Issue returns the PEM of a certificate's key, of itself, and of those between it and the root.
func (a *Authority) Issue(c Certificate) (key, certificate, between []byte, err error) {
	names := c.Names
	if names == nil {
		names = []string{"localhost", "127.0.0.1"}
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	var signer crypto.Signer
	if c.RSA > 0 {
		signer, err = rsa.GenerateKey(rand.Reader, c.RSA)
	} else {
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	made, err := sign(template, a.signer, signer.Public(), a.key, c)
	if err != nil {
		return nil, nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, der := range a.between {
		between = append(between, block("CERTIFICATE", der)...)
	}
	return block("PRIVATE KEY", keyDER), block("CERTIFICATE", made.Raw), between, nil
}

// Bundle is Issue in one PEM, in that order: what a proxy reads.
func (a *Authority) Bundle(c Certificate) ([]byte, error) {
	key, certificate, between, err := a.Issue(c)
	return bytes.Join([][]byte{key, certificate, between}, nil), err
}

// WriteTo writes a bundle to certificate.pem in a folder.
func (a *Authority) WriteTo(dir string, c Certificate) error {
	bundle, err := a.Bundle(c)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "certificate.pem"), bundle, 0o600)
}

// Root returns the PEM of the root certificate.
func (a *Authority) Root() []byte { return block("CERTIFICATE", a.root.Raw) }

// Client returns what a client needs that trusts this authority alone.
func (a *Authority) Client() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// Serial returns the serial number of the first certificate of a PEM.
func Serial(bundle []byte) (*big.Int, error) {
	for b, rest := pem.Decode(bundle); b != nil; b, rest = pem.Decode(rest) {
		if b.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(b.Bytes)
			if err != nil {
				return nil, err
			}
			return c.SerialNumber, nil
		}
	}
	return nil, fmt.Errorf("no certificate in %d bytes", len(bundle))
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
