package accounts

import (
	"context"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// renewalGrace is how long the secret before the present one is still taken, and how long a secret is not replaced: two
// tabs renew at once, and a response may be lost. Later, one who sends an old secret has it from somebody else, or
// somebody else has a newer one from him: the session ends for both (RFC 9700, 4.14.2).
const renewalGrace = time.Minute

// Session returns the caller whose session has an id, with the name and role that the account has now. It returns
// Unauthorized where the session has ended.
func (s *Service) Session(ctx context.Context, id string) (Caller, error) {
	id, err := cleanID(id)
	if err != nil {
		return Caller{}, ended()
	}
	caller, err := s.sessions(ctx, id)
	if shop.KindOf(err) == shop.NotFound {
		return Caller{}, ended()
	}
	return caller, err
}

func ended() error {
	return &shop.Error{Kind: shop.Unauthorized, Detail: "The session has ended; sign in again."}
}

// Renew renews a session, by the secret that SignIn or the last Renew returned, and returns the secret that counts from
// now on: another one, unless the one given is younger than a minute. Two calls with one secret return the same one. It
// returns Unauthorized where the session has ended or the secret is none, and ends the session where the secret is an
// old one.
func (s *Service) Renew(ctx context.Context, refresh string) (SignedIn, error) {
	given, err := parseSecret(refresh)
	if err != nil {
		return SignedIn{}, ended()
	}
	var next secret
	var renewal Renewal
	held, err := s.renewSession(ctx, given.familyHash(), func(held HeldSession) Renewal {
		next, renewal = renew(given, held)
		return renewal
	})
	switch {
	case shop.KindOf(err) == shop.NotFound, err == nil && renewal.End:
		return SignedIn{}, ended()
	case err != nil:
		return SignedIn{}, err
	}
	unchanged := renewal == (Renewal{})
	return SignedIn{Account: held.Account, Session: held.ID, Refresh: next.String(), Unchanged: unchanged}, nil
}

// renew returns the secret that counts after one was given, and what is to become of the session.
func renew(given secret, held HeldSession) (next secret, renewal Renewal) {
	age := held.Now.Sub(held.Renewed)
	young := age.Abs() <= renewalGrace // before its time where a clock was set back, or is another node's
	switch given.hash() {
	case held.Secret:
		if young {
			return given, Renewal{}
		}
		salt := newSalt()
		next = given.next(salt)
		return next, Renewal{Secret: next.hash(), Salt: salt}
	case held.Former:
		if young {
			return given.next(held.Salt), Renewal{}
		}
	}
	return secret{}, Renewal{End: true}
}

// SignOut ends a session, and reports whether it did: it does nothing where the session has ended.
func (s *Service) SignOut(ctx context.Context, session string) (ended bool, err error) {
	id, err := cleanID(session)
	if err != nil {
		return false, nil
	}
	return s.store.EndSession(ctx, id)
}

// SignOutBy ends the session that a secret renews, or has renewed, and reports whether it did: it does nothing where
// the secret is of none.
func (s *Service) SignOutBy(ctx context.Context, refresh string) (ended bool, err error) {
	given, err := parseSecret(refresh)
	if err != nil {
		return false, nil
	}
	_, err = s.renewSession(ctx, given.familyHash(), func(HeldSession) Renewal { return Renewal{End: true} })
	if shop.KindOf(err) == shop.NotFound {
		return false, nil
	}
	return err == nil, err
}

// SignOutEverywhere ends all sessions of an account, and reports whether there was one. It returns NotFound where there
// is no account of this id.
func (s *Service) SignOutEverywhere(ctx context.Context, account string) (ended bool, err error) {
	account, err = cleanID(account)
	if err != nil {
		return false, err
	}
	return s.store.EndSessions(ctx, account)
}
