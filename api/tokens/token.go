package tokens

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// Life is how long a token is good for.
	Life = 5 * time.Minute
	// skew is how far the clock of a replica may be behind that of the one which has signed a token: so much earlier is
	// the token good.
	skew = 30 * time.Second
	// longest is how long a token may be, in bytes. Ours have about 480.
	longest = 4096
	// shop is who makes tokens, and whom they are for.
	shop = "woodytoys"
)

// The reasons why a token is refused.
var (
	// ErrInvalid is a token that is not one of ours.
	ErrInvalid = errors.New("the token is not one of this shop")
	// ErrExpired is a token of ours whose time is over.
	ErrExpired = errors.New("the token has expired")
	// ErrEarly is a token of ours whose time has not come.
	ErrEarly = errors.New("the token is not valid yet")
)

// Claims are what a token says of its bearer.
type Claims struct {
	Account string // its id
	Session string // its id
	// From and Until, in seconds since 1970, bound when the token is good: not before From, and not from Until on.
	From, Until int64
}

// at returns why the token is refused at a time; nil if it is good then.
func (c *Claims) at(now time.Time) error {
	switch seconds := now.Unix(); {
	case seconds < c.From:
		return ErrEarly
	case seconds >= c.Until:
		return ErrExpired
	}
	return nil
}

// payload is a token's own (RFC 7519 section 4.1); sid is OpenID Connect's name for a session.
type payload struct {
	jwt.RegisteredClaims
	Session string `json:"sid"`
}

// Sign returns a token for a session of an account. It is good for Life.
func (k *Keys) Sign(account, session string) (string, error) {
	now := k.now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, payload{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: shop, Audience: jwt.ClaimStrings{shop}, Subject: account, ID: rand.Text(),
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now.Add(-skew)),
			ExpiresAt: jwt.NewNumericDate(now.Add(Life)),
		},
		Session: session,
	})
	token.Header["kid"] = k.signing.id
	return token.SignedString(k.signing.private)
}

// Verify returns what a token says, if it is good now; ErrExpired, ErrEarly, or ErrInvalid if it was never one. A token
// that was good is remembered, and costs next to nothing the next time. The claims are not to be changed.
func (k *Keys) Verify(token []byte) (*Claims, error) {
	if claims := k.memory.get(token); claims != nil {
		if err := claims.at(k.now()); err != nil { // also when the clock went back
			return nil, err
		}
		return claims, nil
	}
	if len(token) > longest || !isPlain(token) {
		return nil, ErrInvalid
	}
	now := k.now()
	text := string(token)
	claims, err := k.parse(text, now)
	if err != nil {
		return nil, err
	}
	k.memory.add(text, claims, now)
	return claims, nil
}

// isPlain reports whether a token has nothing but dots and the characters of base64url. Go's decoder passes over line
// breaks, by which one token would have spellings without end.
func isPlain(token []byte) bool {
	for _, c := range token {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// parse verifies a token. The algorithm is ours whatever the token says, and its key is one of those that there are
// (RFC 8725 sections 3.1 and 3.10).
func (k *Keys) parse(token string, now time.Time) (*Claims, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithIssuer(shop), jwt.WithAudience(shop), jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	var p payload
	_, err := parser.ParseWithClaims(token, &p, func(t *jwt.Token) (any, error) {
		if _, has := t.Header["crit"]; has { // it wants something understood that is not (RFC 7515 section 4.1.11)
			return nil, ErrInvalid
		}
		id, _ := t.Header["kid"].(string)
		if known := k.byID[id]; known != nil {
			return &known.private.PublicKey, nil
		}
		return nil, ErrInvalid
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return nil, ErrEarly
	case err != nil, p.Subject == "", p.Session == "", p.ID == "", p.IssuedAt == nil:
		return nil, ErrInvalid
	}
	return &Claims{
		Account: p.Subject, Session: p.Session, From: p.NotBefore.Unix(), Until: p.ExpiresAt.Unix(),
	}, nil
}
