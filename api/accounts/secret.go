package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// secret is what renews a session: its family, which stays while the session lasts, and what is new each time. Only
// hashes of both are stored. Whoever has the family has had a secret of this session: with an old one, the session is
// known to be in two hands.
//
// What is new is made of what was before, and of a salt that is stored. So one who sends the same secret twice, because
// he missed the first response or has two tabs, is given the same new one both times; and neither who has an old secret
// nor who has read the database can make it.
type secret struct {
	family [16]byte
	value  [32]byte
}

func newSecret() (s secret) {
	_, _ = rand.Read(s.family[:]) // it never fails
	_, _ = rand.Read(s.value[:])
	return s
}

// String returns the secret in 64 characters of base64url.
func (s secret) String() string {
	return base64.RawURLEncoding.EncodeToString(append(s.family[:], s.value[:]...))
}

var errSecret = errors.New("not a secret of a session")

func parseSecret(text string) (s secret, err error) {
	const size = len(s.family) + len(s.value)
	if len(text) != base64.RawURLEncoding.EncodedLen(size) {
		return s, errSecret
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != size {
		return s, errSecret
	}
	copy(s.family[:], b)
	copy(s.value[:], b[len(s.family):])
	return s, nil
}

// next returns the secret that a salt makes of this one.
func (s secret) next(salt Hash) secret {
	mac := hmac.New(sha256.New, salt[:])
	mac.Write(s.value[:])
	s.value = [32]byte(mac.Sum(nil))
	return s
}

func (s secret) familyHash() Hash { return sha256.Sum256(s.family[:]) }
func (s secret) hash() Hash       { return sha256.Sum256(s.value[:]) }

func newSalt() (salt Hash) {
	_, _ = rand.Read(salt[:])
	return salt
}
