package tokens

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func mustMakeKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func mustMakeKeys(t testing.TB, privates ...*ecdsa.PrivateKey) *Keys {
	t.Helper()
	k, err := New(privates...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustSign(t testing.TB, k *Keys, account, session string) string {
	t.Helper()
	token, err := k.Sign(account, session)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// claimsNow are the claims of a good token, to be spoiled.
func claimsNow() jwt.MapClaims {
	now := time.Now().Unix()
	return jwt.MapClaims{
		"iss": shop, "aud": shop, "sub": "ann", "sid": "s1", "jti": "1", "iat": now, "nbf": now - 1, "exp": now + 300,
	}
}

// mustForge signs whatever is asked for.
func mustForge(t testing.TB, method jwt.SigningMethod, by any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(by)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestSignAndVerify(t *testing.T) {
	k := mustMakeKeys(t, mustMakeKey(t))
	token := mustSign(t, k, "ann", "s1")
	for range 2 { // the second time it is remembered
		claims, err := k.Verify([]byte(token))
		if err != nil || claims.Account != "ann" || claims.Session != "s1" {
			t.Fatalf("Verify = %+v, %v", claims, err)
		}
	}
	if other := mustSign(t, k, "ann", "s1"); other == token {
		t.Error("two tokens are the same")
	}
	if len(token) > 600 || !strings.HasPrefix(token, "eyJ") {
		t.Errorf("%d bytes: %s", len(token), token)
	}
}

// TestRefused checks that forged, malformed and expired tokens are refused.
func TestRefused(t *testing.T) {
	private := mustMakeKey(t)
	k := mustMakeKeys(t, private)
	kid := map[string]any{"kid": k.signing.id}
	es256, good := jwt.SigningMethodES256, mustSign(t, k, "ann", "s1")
	with := func(name string, value any) jwt.MapClaims {
		claims := claimsNow()
		claims[name] = value
		return claims
	}
	now := time.Now().Unix()
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	header, payload, signature := cut3(good)
	forged := func(header map[string]any, claims jwt.MapClaims) string {
		return mustForge(t, es256, private, header, claims)
	}
	withKid := func(kid any) string { return forged(map[string]any{"kid": kid}, claimsNow()) }
	encoded := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	type row struct {
		token string
		want  error
	}
	rows := map[string]row{
		"expired": {forged(kid, with("exp", now-1)), ErrExpired},
		"not yet": {forged(kid, with("nbf", now+60)), ErrEarly},

		"other key": {mustForge(t, es256, mustMakeKey(t), kid, claimsNow()), ErrInvalid},
		"none": {mustForge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, claimsNow()),
			ErrInvalid},
		"HS256 by the public key": {mustForge(t, jwt.SigningMethodHS256, public, kid, claimsNow()), ErrInvalid},
		"HS256 by the point":      {mustForge(t, jwt.SigningMethodHS256, der, kid, claimsNow()), ErrInvalid},
		"RS256":                   {mustForge(t, jwt.SigningMethodRS256, rsaKey, kid, claimsNow()), ErrInvalid},
		"ES384":                   {mustForge(t, jwt.SigningMethodES384, p384, kid, claimsNow()), ErrInvalid},
		"no signature":            {header + "." + payload + ".", ErrInvalid},
		"signature cut":           {good[:len(good)-4], ErrInvalid},
		"zero signature":          {header + "." + payload + "." + strings.Repeat("A", 86), ErrInvalid},
		"another's signature":     {header + "." + payload + "." + third(mustSign(t, k, "bob", "s2")), ErrInvalid},
		"another's payload":       {header + "." + second(mustSign(t, k, "bob", "s2")) + "." + signature, ErrInvalid},

		"no kid":        {forged(nil, claimsNow()), ErrInvalid},
		"kid empty":     {withKid(""), ErrInvalid},
		"kid traversal": {withKid("../../../../dev/null"), ErrInvalid},
		"kid SQL":       {withKid("x' OR '1'='1"), ErrInvalid},
		"kid URL":       {withKid("http://127.0.0.1/k"), ErrInvalid},
		"kid with zero": {withKid(k.signing.id + "\x00"), ErrInvalid},
		"kid number":    {withKid(7), ErrInvalid},
		"kid list":      {withKid([]string{k.signing.id}), ErrInvalid},
		"a key of its own": {mustForge(t, es256, mustMakeKey(t), map[string]any{
			"kid": "own", "jwk": "x", "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/",
		}, claimsNow()), ErrInvalid},

		"other issuer":   {forged(kid, with("iss", "wendy")), ErrInvalid},
		"other audience": {forged(kid, with("aud", "wendy")), ErrInvalid},
		"audiences":      {forged(kid, with("aud", []string{"a", "b"})), ErrInvalid},
		"exp a word":     {forged(kid, with("exp", "never")), ErrInvalid},
		"exp huge":       {forged(kid, with("exp", 1e300)), ErrExpired},
		"sub a number":   {forged(kid, with("sub", 1)), ErrInvalid},
		"sub empty":      {forged(kid, with("sub", "")), ErrInvalid},

		"huge":            {forged(kid, with("more", strings.Repeat("x", longest))), ErrInvalid},
		"empty":           {"", ErrInvalid},
		"dots":            {"..", ErrInvalid},
		"one part":        {"eyJ", ErrInvalid},
		"two parts":       {header + "." + payload, ErrInvalid},
		"four parts":      {good + ".x", ErrInvalid},
		"five parts":      {good + ".x.y", ErrInvalid},
		"space before":    {" " + good, ErrInvalid},
		"space behind":    {good + " ", ErrInvalid},
		"line break":      {good + "\n", ErrInvalid},
		"padded":          {good + "==", ErrInvalid},
		"standard base64": {strings.NewReplacer("-", "+", "_", "/").Replace(forgeWithBoth(t, k)), ErrInvalid},
		"not base64":      {"e!J." + payload + "." + signature, ErrInvalid},
		"not JSON":        {encoded("{") + "." + payload + "." + signature, ErrInvalid},
		"null":            {encoded("null") + "." + payload + "." + signature, ErrInvalid},
		"not UTF-8":       {"\xff\xfe." + payload + "." + signature, ErrInvalid},
		"bits at the end": {good[:len(good)-1] + nextCharacter(good[len(good)-1]), ErrInvalid},

		"two algorithms": {resign(t, private, `{"alg":"none","alg":"ES256","typ":"JWT"}`, payload), ErrInvalid},
		"ES256 and none": {
			resign(t, private, `{"alg":"ES256","kid":"`+k.signing.id+`","alg":"none"}`, payload), ErrInvalid,
		},
		"critical": {
			forged(map[string]any{"kid": k.signing.id, "crit": []string{"exp"}}, claimsNow()), ErrInvalid,
		},
		"two kids": {resign(t, private, `{"alg":"ES256","kid":"`+k.signing.id+`","kid":"../x"}`, payload), ErrInvalid},
	}
	for _, name := range []string{"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"} {
		claims := claimsNow()
		delete(claims, name)
		rows["without "+name] = row{forged(kid, claims), ErrInvalid}
	}
	for name, r := range rows {
		for range 2 {
			if claims, err := k.Verify([]byte(r.token)); !errors.Is(err, r.want) || claims != nil {
				t.Errorf("%s: %+v, %v, want %v", name, claims, err, r.want)
			}
		}
	}
	if n := k.memory.size(); n != 0 {
		t.Errorf("%d refused tokens are remembered", n)
	}
	if _, err := k.Verify([]byte(forged(kid, claimsNow()))); err != nil {
		t.Errorf("what was spoiled was no good to begin with: %v", err)
	}
}

// forgeWithBoth returns a token that has characters in which the two alphabets of base64 differ.
func forgeWithBoth(t testing.TB, k *Keys) string {
	for {
		if token := mustSign(t, k, "ann", "s1"); strings.ContainsAny(token, "-_") {
			return token
		}
	}
}

func cut3(token string) (header, payload, signature string) {
	parts := strings.SplitN(token, ".", 3)
	return parts[0], parts[1], parts[2]
}

func second(token string) string { _, payload, _ := cut3(token); return payload }
func third(token string) string  { _, _, signature := cut3(token); return signature }

// nextCharacter returns what differs from a last character of base64 only in bits that are none of the content's.
func nextCharacter(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, last)^1])
}

// resign returns a token with a header that is written by hand, and a signature that is right for it.
func resign(t testing.TB, private *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload
	signature, err := jwt.SigningMethodES256.Sign(signed, private)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestATokenEnds moves the clock forward and back, and checks that a token is valid only between its signing, less the
// allowed skew, and its expiry, whether or not the verified token is remembered.
func TestATokenEnds(t *testing.T) {
	private := mustMakeKey(t)
	signed := time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC)
	signer := mustMakeKeys(t, private)
	signer.now = func() time.Time { return signed }
	token := []byte(mustSign(t, signer, "ann", "s1"))
	remembering := mustMakeKeys(t, private)
	var now time.Time
	remembering.now = func() time.Time { return now }
	for _, step := range []struct {
		after time.Duration
		want  error
	}{
		{-skew - time.Second, ErrEarly}, {-skew, nil}, {0, nil}, {Life - time.Second, nil}, {Life, ErrExpired},
		{Life + time.Hour, ErrExpired}, {time.Second, nil}, {-skew - time.Second, ErrEarly}, {-time.Hour, ErrEarly},
	} {
		now = signed.Add(step.after)
		fresh := mustMakeKeys(t, private)
		fresh.now = remembering.now
		for name, k := range map[string]*Keys{"remembering": remembering, "fresh": fresh} {
			if _, err := k.Verify(token); !errors.Is(err, step.want) {
				t.Errorf("%v after it was signed, %s: %v, want %v", step.after, name, err, step.want)
			}
		}
	}
}

// TestRotation goes through the change of a key, and checks that a token of each step is good with the keys of the step
// before and of the one after.
func TestRotation(t *testing.T) {
	older, newer := mustMakeKey(t), mustMakeKey(t)
	steps := []*Keys{
		mustMakeKeys(t, older), mustMakeKeys(t, older, newer), mustMakeKeys(t, newer, older), mustMakeKeys(t, newer),
	}
	for i, signer := range steps {
		token := []byte(mustSign(t, signer, "ann", "s1"))
		for j := max(i-1, 0); j <= min(i+1, 3); j++ {
			if _, err := steps[j].Verify(token); err != nil {
				t.Errorf("signed in step %d, verified in step %d: %v", i, j, err)
			}
		}
	}
	if _, err := steps[3].Verify([]byte(mustSign(t, steps[0], "ann", "s1"))); !errors.Is(err, ErrInvalid) {
		t.Errorf("a token of a key that was dropped: %v", err)
	}
}

// TestPublished verifies a token as others do: by the key set, which holds nothing that is private.
func TestPublished(t *testing.T) {
	older, newer := mustMakeKey(t), mustMakeKey(t)
	k := mustMakeKeys(t, newer, older)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(k.Published(), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%v: %s", err, k.Published())
	}
	token := mustSign(t, k, "ann", "s1")
	_, err := jwt.Parse(token, func(token *jwt.Token) (any, error) {
		for _, one := range set.Keys {
			if one["kid"] == token.Header["kid"] && one["kty"] == "EC" && one["crv"] == "P-256" &&
				one["use"] == "sig" && one["alg"] == "ES256" && len(one) == 7 {
				x, _ := base64.RawURLEncoding.DecodeString(one["x"])
				y, _ := base64.RawURLEncoding.DecodeString(one["y"])
				return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
			}
		}
		return nil, errors.New("no such key")
	})
	if err != nil {
		t.Error(err)
	}
}

// TestKeyID holds a key's id against the thumbprint that RFC 7638 section 3 makes of its four members.
func TestKeyID(t *testing.T) {
	for range 50 { // some have coordinates that begin with zeros
		described, err := describe(&mustMakeKey(t).PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		canonical := `{"crv":"P-256","kty":"EC","x":"` + described.X + `","y":"` + described.Y + `"}`
		hash := crypto.SHA256.New()
		hash.Write([]byte(canonical))
		if want := base64.RawURLEncoding.EncodeToString(hash.Sum(nil))[:16]; described.ID != want {
			t.Errorf("id %s, want %s", described.ID, want)
		}
		if len(described.X) != 43 || len(described.Y) != 43 {
			t.Errorf("coordinates of %d and %d characters", len(described.X), len(described.Y))
		}
	}
}
