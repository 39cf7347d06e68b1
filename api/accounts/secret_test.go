package accounts

import (
	"strings"
	"testing"
	"time"
)

func TestSecrets(t *testing.T) {
	s := newSecret()
	text := s.String()
	if got, err := parseSecret(text); got != s || err != nil || len(text) != 64 {
		t.Errorf("%s is read as %v, %v", text, got, err)
	}
	if other := newSecret(); other.family == s.family || other.value == s.value {
		t.Error("two secrets are the same")
	}
	for _, wrong := range []string{
		"", text[:63], text + "A", text[:63] + "=", text[:63] + "\n", text[:62] + "\r\n", text[:63] + "/",
		strings.Repeat("A", 1<<20),
	} {
		if got, err := parseSecret(wrong); err == nil {
			t.Errorf("%.70q is read as %v", wrong, got)
		}
	}
	salt := newSalt()
	next := s.next(salt)
	if next.family != s.family || next.value == s.value || next != s.next(salt) || next == s.next(newSalt()) {
		t.Error("the next secret is not another one of the family, and always the same by the same salt")
	}
	if s.familyHash() == s.hash() || s.familyHash() != next.familyHash() || s.hash() == next.hash() {
		t.Error("the hashes are not those of the family and the value")
	}
}

// TestRenewing checks what a renewal does with each secret of a family, by the age of the present one.
func TestRenewing(t *testing.T) {
	now := time.Now()
	former := newSecret()
	salt := newSalt()
	present := former.next(salt)
	other := newSecret()
	other.family = former.family
	const leave, replace, end = "leave", "replace", "end"
	for _, c := range []struct {
		name  string
		given secret
		age   time.Duration // of the present one
		what  string
		next  secret
	}{
		{"the present one, young", present, time.Second, leave, present},
		{"the present one, a minute old", present, time.Minute, leave, present},
		{"the present one, older", present, time.Minute + 1, replace, secret{}},
		{"the present one, after weeks", present, 1000 * time.Hour, replace, secret{}},
		{"the present one, another clock", present, -time.Second, leave, present},
		{"the present one, a clock set back", present, -time.Hour, replace, secret{}},
		{"the one before, at once", former, 0, leave, present},
		{"the one before, a minute later", former, time.Minute, leave, present},
		{"the one before, later", former, time.Minute + 1, end, secret{}},
		{"the one before, a clock set back", former, -time.Hour, end, secret{}},
		{"an older one", other, time.Second, end, secret{}},
	} {
		held := HeldSession{
			Secret: present.hash(), Former: former.hash(), Salt: salt, Now: now, Renewed: now.Add(-c.age),
		}
		next, renewal := renew(c.given, held)
		what, want := leave, c.next
		switch {
		case renewal.End:
			what = end
		case renewal != Renewal{}:
			what, want = replace, c.given.next(renewal.Salt)
			if renewal.Secret != next.hash() {
				t.Errorf("%s: the hash is not that of the new secret", c.name)
			}
		}
		if what != c.what || next != want {
			t.Errorf("%s: %s, want %s; the next secret is right: %t", c.name, what, c.what, next == want)
		}
	}
}
