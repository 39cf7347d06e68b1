package accounts

import (
	"context"
	"time"
)

// Hash is a SHA-256 hash of something that was drawn at random, which nobody can guess: it needs no salt.
type Hash [32]byte

// Store keeps accounts, their sessions, and the tries to sign in. Its methods return errors as those of shop.Store do,
// and they are as exact: what one of them decides by is not changed by another before it has been written, also where
// two nodes of a cluster are written at once. Ids are UUIDs in lower case, and names such as CleanName returns, or
// empty.
//
// What changes who a session belongs to, or what that account may do, is invalidated under the tags shop.SessionTag and
// shop.AccountTag, before the write returns.
type Store interface {
	// AddAccount stores a new account, with the hash of its password, which of an administrator's is the one that was
	// applied. It returns Taken where another one has its name,
	// or one that looks like it: has the same look.
	AddAccount(ctx context.Context, a Account, look, password string) error
	// Account returns an account and the hash of its password; NotFound where there is none of this id.
	Account(ctx context.Context, id string) (a Account, password string, err error)
	// AccountNamed returns the same of the account with exactly this name.
	AccountNamed(ctx context.Context, name string) (a Account, password string, err error)
	// Accounts returns up to limit accounts whose ids are above one, by their ids.
	Accounts(ctx context.Context, above string, limit int) ([]Account, error)
	// HasAdministrator reports whether there is one.
	HasAdministrator(ctx context.Context) (bool, error)
	// SetPassword gives an account the hash of another password, and ends all its sessions but the one to keep, which
	// has another secret from then on. That may be none. It returns NotFound where there is no such account, and
	// Changed where its hash is not was any more.
	SetPassword(ctx context.Context, id, was, password string, keep RenewedSession) error
	// Applied returns the hash of the password that the operator gave an account last, empty where he gave none,
	// whatever password it was given since. It returns NotFound where there is no such account.
	Applied(ctx context.Context, id string) (string, error)
	// Apply gives an account the hash of another password of the operator's, and ends its sessions. It returns NotFound
	// as the others do, and Changed where what was applied last is not was any more.
	Apply(ctx context.Context, id, was, password string) error
	// SetRole gives an account another role. It returns NotFound where there is none, and Needed where the shop would
	// be left without an administrator.
	SetRole(ctx context.Context, id string, role Role) (Account, error)
	// DeleteAccount removes an account and its sessions, if its hash is still was, where that is not empty. It returns
	// NotFound, Changed and Needed as the others do. The account's orders stay.
	DeleteAccount(ctx context.Context, id, was string) error

	// AddSession stores a new session, if its account is there and the hash of its password is still was; otherwise it
	// returns Changed. Of an account with SessionsMax of them it ends the one that was renewed least recently. In the
	// same transaction it notes that a try was good.
	AddSession(ctx context.Context, s NewSession, was string, good Good) error
	// RenewSession looks at the session of a family and does what judge decides; NotFound where there is none. It may
	// ask judge more than once: the last decision is what was done.
	RenewSession(ctx context.Context, family Hash, judge func(HeldSession) Renewal) (HeldSession, error)
	// Session returns the caller whose session this is, and how long it lasts at most; NotFound where there is none, or
	// it has expired.
	Session(ctx context.Context, id string) (caller Caller, left time.Duration, err error)
	// EndSession ends a session, and reports whether there was one.
	EndSession(ctx context.Context, id string) (bool, error)
	// EndSessions ends all sessions of an account, and reports whether there was one.
	EndSessions(ctx context.Context, account string) (bool, error)

	// Try counts a failure for each of the keys, if allow does: it is given how each of them stands, and the time. Its
	// error is allow's, and then nothing is counted. It may ask allow more than once.
	Try(ctx context.Context, keys []Key, allow func(now time.Time, seen []Tries) error) error
	// TakeBack lowers each key's count of failures by one.
	TakeBack(ctx context.Context, keys []Key) error
	// Prove notes that a try was good, as AddSession does.
	Prove(ctx context.Context, good Good) error
}

const (
	// SessionIdle is how long a session lasts that is not renewed. SessionIdle and SessionMax are no settings: replicas
	// that disagreed would end each other's sessions.
	SessionIdle = 30 * 24 * time.Hour
	// SessionMax is how long a session lasts in all.
	SessionMax = 90 * 24 * time.Hour
	// SessionsMax is how many sessions an account has at most.
	SessionsMax = 50
)

// NewSession is a session that begins.
type NewSession struct {
	ID, Account    string
	Family, Secret Hash
}

// RenewedSession is a session that goes on with another secret, of another family: the one before is worth nothing. The
// zero RenewedSession is none.
type RenewedSession struct {
	ID             string
	Family, Secret Hash
}

// HeldSession is a session that is looked at, and nobody changes meanwhile.
type HeldSession struct {
	ID      string
	Account Account
	// Secret is the hash of the secret that renews the session. Former is that of the one before, which becomes the
	// present one by Salt.
	Secret, Former, Salt Hash
	// Renewed is when the present secret was made, and Now the time, by the same clock.
	Renewed, Now time.Time
}

// Renewal is what is to become of a session that somebody renews. The zero Renewal leaves it as it is.
type Renewal struct {
	// End ends the session.
	End bool
	// Secret and Salt are new, where the secret is not left as it is.
	Secret, Salt Hash
}

// Key names what tries are counted for.
type Key [32]byte

// Tries are what failed for a key of late. The zero Tries are the state of a key that was never tried.
type Tries struct {
	// Failures is how many have failed, and not been forgotten.
	Failures int
	// Last is when the last try was.
	Last time.Time
	// Proved is when one succeeded that was noted as Good.Proved; zero where none has.
	Proved time.Time
}

// Good is what a try that was good changes.
type Good struct {
	// Proved are forgotten what failed, and are proved, whether they were tried before or not.
	Proved []Key
	// Counted have one failure less.
	Counted []Key
}

const (
	// TriesTTL is how long failures count after the last of them.
	TriesTTL = 24 * time.Hour
	// ProvedTTL is how long it is remembered that a try succeeded: for longer than a session lasts.
	ProvedTTL = 180 * 24 * time.Hour
	// UnusedTTL is how long a customer's account is kept that was never signed in with.
	UnusedTTL = 30 * 24 * time.Hour
	// TriesMax is about how many keys have their tries counted: of more, those that were tried least recently are
	// forgotten.
	TriesMax = 100_000
)
