package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// largest is how long a bundle may be: what HAProxy takes at once through its socket is a buffer, of 16 kB.
const largest = 15 << 10

// bundle is a certificate with its key and chain.
type bundle struct {
	key crypto.Signer
	// chain begins with the certificate, each of the others having signed the one before. A root is not in it.
	chain []*x509.Certificate
	// pem is the key and then the chain, in the order that HAProxy wants, and nothing else.
	pem []byte
}

// certificate returns the shop's own.
func (b *bundle) certificate() *x509.Certificate { return b.chain[0] }

// readBundle reads a key and certificates, in any order, from PEM, and puts them in order. It is an error when they do
// not belong together: when anything is missing, is there twice, or is left over. Whether it is time for the
// certificate is not looked at.
func readBundle(text []byte) (*bundle, error) {
	keys, certificates, err := decode(text)
	if err != nil {
		return nil, err
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("there is no private key: give its file too")
	case len(keys) > 1:
		return nil, fmt.Errorf("there are %d private keys: give the certificate's alone", len(keys))
	case len(certificates) == 0:
		return nil, errors.New("there is a private key and no certificate: give its file too")
	}
	b := &bundle{key: keys[0]}
	if err := checkKey(b.key); err != nil {
		return nil, err
	}
	if b.chain, err = order(b.key, certificates); err != nil {
		return nil, err
	}
	if b.pem, err = b.encode(); err != nil {
		return nil, err
	}
	if len(b.pem) > largest {
		return nil, fmt.Errorf("key and chain have %d bytes, and the proxy takes %d at most: an ECDSA key is shorter "+
			"than one of RSA", len(b.pem), largest)
	}
	return b, nil
}

// decode returns the keys and certificates of PEM.
func decode(text []byte) (keys []crypto.Signer, certificates []*x509.Certificate, err error) {
	blocks := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		blocks++
		switch {
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("a certificate cannot be read: %w", err)
			}
			if !slices.ContainsFunc(certificates, c.Equal) {
				certificates = append(certificates, c)
			}
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, nil, errors.New("the private key is encrypted, and nobody types its password when a " +
				"proxy starts: openssl pkey -in FILE -out NEW writes it without")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			keys = append(keys, key)
		case block.Type == "EC PARAMETERS": // openssl puts them before a key
		default:
			return nil, nil, fmt.Errorf("a block of PEM is a %s: give private key and certificates", block.Type)
		}
	}
	if begun := bytes.Count(text, []byte("-----BEGIN ")); blocks < begun { // Decode skips what it cannot read
		return nil, nil, fmt.Errorf("of %d blocks of PEM %d can be read: the others are not whole, or damaged", begun,
			blocks)
	}
	return keys, certificates, nil
}

func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the private key is a %T, with which nothing can be signed", key)
	}
	return signer, nil
}

// checkKey returns an error for a key that browsers do not take, or should not.
func checkKey(key crypto.Signer) error {
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() && public.Curve != elliptic.P384() {
			return fmt.Errorf("the key is of the curve %s: take P-256 or P-384", public.Curve.Params().Name)
		}
	case *rsa.PublicKey:
		if public.N.BitLen() < 2048 {
			return fmt.Errorf("the key has %d bits: RSA needs 2048 at least", public.N.BitLen())
		}
	default:
		return fmt.Errorf("the key is a %T: browsers take ECDSA (P-256, P-384) and RSA", public)
	}
	return nil
}

// order returns the key's certificate and behind it those that signed, each the one before.
func order(key crypto.Signer, certificates []*x509.Certificate) (chain []*x509.Certificate, err error) {
	public := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	own := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return public.Equal(c.PublicKey) })
	if own < 0 {
		return nil, fmt.Errorf("the private key is not that of the certificate (%s)", certificates[0].Subject)
	}
	last := certificates[own]
	chain, left := []*x509.Certificate{last}, slices.Delete(slices.Clone(certificates), own, own+1)
	for {
		next := slices.IndexFunc(left, func(c *x509.Certificate) bool { return last.CheckSignatureFrom(c) == nil })
		if next < 0 {
			break
		}
		last = left[next]
		left = slices.Delete(left, next, next+1)
		if last.CheckSignatureFrom(last) != nil { // a root is known to browsers, or of no use to them
			chain = append(chain, last)
		}
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("the certificate of %s has not signed any of the others: leave it out", left[0].Subject)
	}
	return chain, nil
}

func (b *bundle) encode() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(b.key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range b.chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text, nil
}

// checkTime returns an error unless all of the chain are good now.
func (b *bundle) checkTime(now time.Time) error {
	for _, c := range b.chain {
		switch {
		case now.Before(c.NotBefore):
			return fmt.Errorf("the certificate of %s is not good before %s (is the clock right?)",
				c.Subject, c.NotBefore.Format(time.RFC3339))
		case now.After(c.NotAfter):
			return fmt.Errorf("the certificate of %s has expired, at %s", c.Subject, c.NotAfter.Format(time.RFC3339))
		}
	}
	return nil
}

// notAfter returns when the first of the chain expires.
func (b *bundle) notAfter() time.Time {
	first := b.chain[0].NotAfter
	for _, c := range b.chain {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// checkNames returns an error unless the certificate is for all of the names.
func (b *bundle) checkNames(names []string) error {
	var errs []error
	for _, name := range names {
		if err := b.certificate().VerifyHostname(name); err != nil {
			errs = append(errs, fmt.Errorf("the certificate is not for %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// trusted returns nil if this machine's authorities have signed the chain, as browsers will ask, or those in PEM.
func (b *bundle) trusted(authorities []byte) error {
	options := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	if authorities != nil {
		options.Roots = x509.NewCertPool()
		options.Roots.AppendCertsFromPEM(authorities)
	}
	for _, c := range b.chain[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := b.certificate().Verify(options)
	return err
}
