// Package tokens makes and verifies the tokens by which requests say whose they are: JSON Web Tokens (RFC 7519) that
// are signed with ES256 (RFC 7518 section 3.4) and live for a few minutes. They hold no role: what a session may do is
// looked up with each request, so that a token is worth nothing when its session has ended.
package tokens

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// Keys are the keys by which tokens are signed and verified. The first signs, all verify: a new key is added behind
// the others first, then made the first, and the old one is dropped when all tokens of its have expired.
type Keys struct {
	signing   *key
	byID      map[string]*key
	published []byte
	memory    *memory
	now       func() time.Time
}

type key struct {
	id      string
	private *ecdsa.PrivateKey
}

// keyIDLength is how much of its thumbprint is a key's id.
const keyIDLength = 16

// New returns the keys, of which there must be one at least. It is an error if one is not of the curve P-256, or there
// twice.
func New(privates ...*ecdsa.PrivateKey) (*Keys, error) {
	if len(privates) == 0 {
		return nil, errors.New("there is no key to sign tokens with")
	}
	k := &Keys{byID: map[string]*key{}, memory: newMemory(remembered), now: time.Now}
	var public []publicKey
	for i, private := range privates {
		described, err := describe(&private.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if k.byID[described.ID] != nil {
			return nil, fmt.Errorf("key %d is there twice", i+1)
		}
		one := &key{described.ID, private}
		k.byID[one.id] = one
		if i == 0 {
			k.signing = one
		}
		public = append(public, described)
	}
	var err error
	k.published, err = json.Marshal(map[string]any{"keys": public})
	return k, err
}

// Generate returns a new key, which only this process has: its tokens end with it.
func Generate() (*Keys, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return New(private)
}

// Load returns the keys of files, each one private key of the curve P-256 in PEM, as PKCS #8 or SEC 1. They are read
// once: a program has other keys when it starts again, as it does when its secrets change.
func Load(files ...string) (*Keys, error) {
	var privates []*ecdsa.PrivateKey
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		private, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		privates = append(privates, private)
	}
	k, err := New(privates...)
	if err != nil {
		return nil, fmt.Errorf("token keys: %w", err)
	}
	return k, nil
}

var errNoKey = errors.New("holds no private key of the curve P-256 in PEM; make one with " +
	"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")

// parse reads the one private key of a file. What is wrong with it is not said by the key's own bytes.
func parse(text []byte) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if block != nil && block.Type == "EC PARAMETERS" { // which OpenSSL writes before a key in SEC 1
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errNoKey
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("holds more than one private key: each has a file of its own")
	}
	if private, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return private, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, errNoKey
	}
	return private, nil
}

// publicKey is a JSON Web Key (RFC 7517, RFC 7518 section 6.2.1).
type publicKey struct {
	Curve     string `json:"crv"`
	Type      string `json:"kty"`
	X         string `json:"x"`
	Y         string `json:"y"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
}

// describe returns a key as it is published. Its id is the beginning of its thumbprint (RFC 7638).
func describe(public *ecdsa.PublicKey) (publicKey, error) {
	if public.Curve != elliptic.P256() {
		return publicKey{}, errNoKey
	}
	point, err := public.Bytes() // 4, X, Y
	if err != nil {
		return publicKey{}, err
	}
	half := (len(point) - 1) / 2
	encode := base64.RawURLEncoding.EncodeToString
	k := publicKey{Curve: "P-256", Type: "EC", X: encode(point[1 : 1+half]), Y: encode(point[1+half:])}
	required, err := json.Marshal(k) // the members that RFC 7638 section 3.2 has, in its order
	if err != nil {
		return publicKey{}, err
	}
	sum := sha256.Sum256(required)
	k.ID, k.Use, k.Algorithm = encode(sum[:])[:keyIDLength], "sig", "ES256"
	return k, nil
}

// Published returns the public keys as a JSON Web Key Set (RFC 7517 section 5), for those who want to verify tokens. It
// is not to be changed.
func (k *Keys) Published() []byte { return k.published }
