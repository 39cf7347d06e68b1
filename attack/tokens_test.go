//go:build attack

package attack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

var encoding = base64.RawURLEncoding

// forger makes tokens as the shop does, and as it does not.
type forger struct {
	key    *ecdsa.PrivateKey // the shop's own
	header map[string]any    // of a good token
	claims map[string]any
}

func mustForge(t *testing.T, s *Shop, good string) *forger {
	t.Helper()
	text, err := os.ReadFile(s.KeyFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{key: key.(*ecdsa.PrivateKey)}
	parts := strings.Split(good, ".")
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		raw, err := encoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// change is what a forged token has that a good one has not.
type change map[string]any

// with returns a copy of members with others; nil takes one away.
func (c change) with(members map[string]any) string {
	changed := maps.Clone(members)
	for name, value := range c {
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
	}
	text, _ := json.Marshal(changed)
	return encoding.EncodeToString(text)
}

// es256 returns a token with these changes, signed by a key.
func (f *forger) es256(key *ecdsa.PrivateKey, header, claims change) string {
	signed := header.with(f.header) + "." + claims.with(f.claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encoding.EncodeToString(signature)
}

// hs256 returns a token that is signed by a secret.
func (f *forger) hs256(secret []byte, header, claims change) string {
	signed := header.with(f.header) + "." + claims.with(f.claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + encoding.EncodeToString(mac.Sum(nil))
}

// TestTokens sends tokens that are not good, straight at a replica and through the proxy, over HTTP/1.1 and HTTP/2, to
// what anybody may read, which is kept, and to what takes a right.
func TestTokens(t *testing.T) {
	s := theShop
	ann, bob := mustRegister(t, s, "127.0.0.1"), mustRegister(t, s, "127.0.0.1")
	gone := mustRegister(t, s, "127.0.0.1")
	f := mustForge(t, s, ann.token)
	if got := f.es256(f.key, nil, nil); !works(t, s, got) {
		t.Fatal("a token that is made as the shop's are is refused: this test would find nothing")
	}
	bobs := mustForge(t, s, bob.token).claims
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	ownPublic, err := own.PublicKey.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	point := ownPublic.Bytes()[1:]
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": encoding.EncodeToString(point[:32]),
		"y": encoding.EncodeToString(point[32:])}
	if got := gone.call(t, "DELETE", "/api/session", ""); got.status != http.StatusNoContent {
		t.Fatalf("signing out: %d %s", got.status, got.body)
	}
	now := time.Now().Unix()
	past := change{"exp": now - 3600, "iat": now - 7200, "nbf": now - 7200}
	future := change{"nbf": now + 3600, "iat": now + 3600, "exp": now + 7200}
	elsewhere := change{"jku": s.URL + "/keys.json", "x5u": "https://127.0.0.1/x"}
	zeros := encoding.EncodeToString(make([]byte, 64))
	claimed := strings.Split(ann.token, ".")
	others := change{"sub": bobs["sub"]}.with(f.claims)
	forged := map[string]string{
		"expired token":                    f.es256(f.key, nil, past),
		"token that is not valid yet":      f.es256(f.key, nil, future),
		"token without an end":             f.es256(f.key, nil, change{"exp": nil}),
		"token for ever":                   f.es256(f.key, nil, change{"exp": "never"}),
		"another's token":                  f.es256(f.key, nil, change{"sid": bobs["sid"]}),
		"another's account in the token":   f.es256(f.key, nil, change{"sub": bobs["sub"]}),
		"administrator's token":            f.es256(own, nil, change{"sub": "admin", "role": "administrator"}),
		"token of another shop":            f.es256(f.key, nil, change{"iss": "elsewhere"}),
		"token for another shop":           f.es256(f.key, nil, change{"aud": "elsewhere"}),
		"token of no session":              f.es256(f.key, nil, change{"sid": "00000000-0000-4000-8000-000000000000"}),
		"token with SQL for a session":     f.es256(f.key, nil, change{"sid": "' OR '1'='1"}),
		"token by another key":             f.es256(own, nil, nil),
		"token without an algorithm":       change{"alg": "none"}.with(f.header) + "." + claimed[1] + ".",
		"token of algorithm None":          change{"alg": "None"}.with(f.header) + "." + claimed[1] + "." + claimed[2],
		"token by the public key":          f.hs256(inPEM, change{"alg": "HS256"}, nil),
		"token by the public key in DER":   f.hs256(public, change{"alg": "HS256"}, nil),
		"token of HS256 that says ES256":   f.hs256(inPEM, nil, nil),
		"token of algorithm ES384":         f.es256(f.key, change{"alg": "ES384"}, nil),
		"token by a kid that climbs":       f.hs256(nil, change{"alg": "HS256", "kid": "../../../../../dev/null"}, nil),
		"token by a kid that is a file":    f.es256(own, change{"kid": s.KeyFiles[0]}, nil),
		"token by a kid in SQL":            f.es256(own, change{"kid": "x' UNION SELECT 'key"}, nil),
		"token by a kid that is a list":    f.es256(f.key, change{"kid": []string{"a"}}, nil),
		"token without a kid":              f.es256(own, change{"kid": nil}, nil),
		"token with its own key":           f.es256(own, change{"jwk": jwk, "kid": nil}, nil),
		"token that says where its key is": f.es256(own, elsewhere, nil),
		"token with what is critical":      f.es256(f.key, change{"crit": []string{"exp"}}, nil),
		"token without a signature":        claimed[0] + "." + claimed[1] + ".",
		"token with a signature of zeros":  claimed[0] + "." + claimed[1] + "." + zeros,
		"token with a longer signature":    ann.token + "AA",
		"token with other claims":          claimed[0] + "." + others + "." + claimed[2],
		"token in five parts":              ann.token + ".a.b",
		"token that is no token":           "Robert'); DROP TABLE product;--",
		"huge token":                       "eyJ" + strings.Repeat("a", 5000) + ".b.c",
		"token of a session that ended":    gone.token,
	}
	WhileOthersAreServed(t, s, func() {
		for what, token := range forged {
			for _, way := range s.ways("127.0.0.1") {
				p := &person{client: way.client, url: way.url, token: token}
				for _, call := range [][3]string{{"GET", "/api/products/1"}, {"HEAD", "/api/products/1"},
					{"GET", "/api/account"}, {"POST", "/api/orders", `{"product":"Yoyo"}`},
					{"GET", "/api/orders/do?order=Yoyo"}} {
					got := p.call(t, call[0], call[1], call[2])
					name := what + ", " + way.name + ", " + call[0] + " " + call[1]
					if call[0] == "HEAD" {
						if got.status != http.StatusUnauthorized {
							t.Errorf("%s: %d", name, got.status)
						}
						continue
					}
					got.wantRefused(t, name, http.StatusUnauthorized)
				}
				way.client.CloseIdleConnections()
			}
		}
		for _, way := range s.ways("127.0.0.1") {
			nobody := &person{client: way.client, url: way.url}
			for _, call := range [][3]string{{"POST", "/api/products", `{"name":"x"}`}, {"DELETE", "/api/products/1"},
				{"GET", "/api/products?product=x"}, {"GET", "/api/orders/do?order=x"}, {"GET", "/api/account"},
				{"GET", "/api/accounts"}, {"DELETE", "/api/session"}, {"DELETE", "/api/sessions"},
				{"PUT", "/api/accounts/" + ann.id + "/role", `{"role":"administrator"}`}} {
				nobody.call(t, call[0], call[1], call[2]).wantRefused(t, "no token, "+way.name+", "+call[0]+" "+call[1],
					http.StatusUnauthorized)
			}
			way.client.CloseIdleConnections()
		}
	})
	if !works(t, s, ann.token) || works(t, s, gone.token) {
		t.Error("the good token does not work any more, or that of a session that ended does")
	}
}

// way is a way to the shop.
type way struct {
	name   string
	client *http.Client
	url    string
}

// ways are through the proxy, by each version of HTTP, and straight at each replica.
func (s *Shop) ways(from string) []way {
	ways := []way{{"HTTP/2", s.Client(from, true), s.URL}, {"HTTP/1.1", s.Client(from, false), s.URL}}
	for _, replica := range s.Replicas {
		ways = append(ways, way{"straight", &http.Client{Transport: &http.Transport{}, Timeout: patience}, replica.URL})
	}
	return ways
}

// works reports whether every replica takes a token.
func works(t *testing.T, s *Shop, token string) bool {
	t.Helper()
	for _, replica := range s.Replicas {
		got, err := send(http.DefaultClient, "GET", replica.URL+"/api/account", "", "Authorization: Bearer "+token)
		if err != nil {
			t.Fatal(err)
		}
		if got.status != http.StatusOK {
			return false
		}
	}
	return true
}

// TestHugeFields sends more than a header may have. The shop goes on.
func TestHugeFields(t *testing.T) {
	s := theShop
	WhileOthersAreServed(t, s, func() {
		for _, way := range s.ways("127.0.0.1") {
			for _, field := range []string{"Authorization: Bearer " + strings.Repeat("a", 60000),
				"Cookie: __Host-woody-session=" + strings.Repeat("a", 60000),
				"X-Request-Id: " + strings.Repeat("a", 60000)} {
				got, err := send(way.client, "GET", way.url+"/api/products/1", "", field)
				if err == nil && got.status < 400 {
					t.Errorf("%s, %.20s…: %d", way.name, field, got.status)
				}
			}
			way.client.CloseIdleConnections()
		}
	})
}
