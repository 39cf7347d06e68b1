package accounts

import (
	"context"
	"net/netip"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
)

// SignedIn is a session that has just begun, or been renewed.
type SignedIn struct {
	Account Account
	// Session is the session's id.
	Session string
	// Refresh is the secret that Renew takes, in 64 characters of base64url. It is stored nowhere.
	Refresh string
	// Device is what the device is known by from now on, in 22 characters of base64url: SignIn was given it, or it is
	// new. It is empty where a session was renewed.
	Device string
	// Unchanged reports that Renew has stored nothing: the secret given was young, or the one before a young one.
	Unchanged bool
}

// SignIn begins a session. from is where the caller is; the zero Addr where that is unknown. device is what an earlier
// SignIn on the same device returned, or empty; what can be none counts as empty. It returns Unauthorized where no
// account has this name and password, at the same cost and with the same words whether there is an account; TooMany
// where too many tries have failed; Busy where too many sign in; and Invalid for what can be no password.
func (s *Service) SignIn(
	ctx context.Context, name, password string, from netip.Addr, device string,
) (SignedIn, error) {
	password, err := normal(password)
	if err != nil {
		return SignedIn{}, err
	}
	if name, err = CleanName(name); err != nil {
		name = "" // which no account has
	}
	try := tryFor(name, from, device)
	if err := s.mayTry(ctx, try, name); err != nil {
		return SignedIn{}, err
	}
	account, hash, err := s.store.AccountNamed(ctx, name)
	switch {
	case shop.KindOf(err) == shop.NotFound:
		hash = s.hasher.nobody()
	case err != nil:
		return SignedIn{}, s.takeBack(ctx, try, err)
	}
	switch right, err := s.hasher.matches(ctx, password, hash, !try.known); {
	case err != nil:
		return SignedIn{}, s.takeBack(ctx, try, err)
	case !right:
		return SignedIn{}, wrong()
	}
	if err := s.try(ctx, hashing(name, s.now())); err != nil {
		return SignedIn{}, s.takeBack(ctx, try, err)
	}
	return s.begin(ctx, account, hash, try, cleanDevice(device))
}

// begin begins a session of an account whose password's hash is still this one.
func (s *Service) begin(ctx context.Context, account Account, hash string, try *trying, device string) (
	SignedIn, error,
) {
	fresh := newSecret()
	session := NewSession{
		ID: uuid.NewString(), Account: account.ID, Family: fresh.familyHash(), Secret: fresh.hash(),
	}
	good := try.good()
	if device == "" {
		device = newDevice()
		good.Proved = append(good.Proved, deviceKey(account.Name, device))
	}
	switch err := s.store.AddSession(ctx, session, hash, good); {
	case shop.KindOf(err) == shop.Changed:
		return SignedIn{}, wrong() // by now
	case err != nil:
		return SignedIn{}, s.takeBack(ctx, try, err) // the password was right
	}
	s.succeeded(try)
	return SignedIn{Account: account, Session: session.ID, Refresh: fresh.String(), Device: device}, nil
}

func wrong() error {
	return &shop.Error{Kind: shop.Unauthorized, Detail: "No account has this name and password."}
}

// ChangePassword gives the caller's account another password and ends all its sessions but the caller's. It returns the
// secret that renews that one from now on: whoever has an earlier one has nothing. The old password is tried as in
// SignIn; Forbidden is returned where it is not right, and Invalid where the new one cannot be one.
func (s *Service) ChangePassword(
	ctx context.Context, caller Caller, old, fresh string, from netip.Addr, device string,
) (refresh string, err error) {
	fresh, err = newPassword(fresh, caller.Name)
	if err != nil {
		return "", err
	}
	was, err := s.prove(ctx, caller, old, from, device)
	if err != nil {
		return "", err
	}
	hash, err := s.hasher.hash(ctx, fresh, false)
	if err != nil {
		return "", err
	}
	next := newSecret()
	keep := RenewedSession{ID: caller.Session, Family: next.familyHash(), Secret: next.hash()}
	if err := s.store.SetPassword(ctx, caller.Account, was, hash, keep); err != nil {
		return "", ofOwn(err)
	}
	return next.String(), nil
}

// DeleteOwn removes the caller's account, as Delete does. His password is tried as in SignIn; Forbidden is returned
// where it is not right.
func (s *Service) DeleteOwn(
	ctx context.Context, caller Caller, password string, from netip.Addr, device string,
) error {
	was, err := s.prove(ctx, caller, password, from, device)
	if err != nil {
		return err
	}
	return ofOwn(s.store.DeleteAccount(ctx, caller.Account, was))
}

// prove returns the hash of the caller's password, if that is the one given.
func (s *Service) prove(
	ctx context.Context, caller Caller, password string, from netip.Addr, device string,
) (string, error) {
	password, err := normal(password)
	if err != nil {
		return "", err
	}
	account, hash, err := s.store.Account(ctx, caller.Account)
	if err != nil {
		return "", ofOwn(err)
	}
	try := tryFor(account.Name, from, device)
	if err := s.mayTry(ctx, try, account.Name); err != nil {
		return "", err
	}
	switch right, err := s.hasher.matches(ctx, password, hash, false); {
	case err != nil:
		return "", s.takeBack(ctx, try, err)
	case !right:
		return "", notHis()
	}
	if err := s.try(ctx, hashing(account.Name, s.now())); err != nil {
		return "", s.takeBack(ctx, try, err)
	}
	if err := s.store.Prove(ctx, try.good()); err != nil {
		return "", err
	}
	s.succeeded(try)
	return hash, nil
}

// ofOwn returns what an error means to a caller whose own account has meanwhile gone, or got another password.
func ofOwn(err error) error {
	switch shop.KindOf(err) {
	case shop.NotFound:
		return ended()
	case shop.Changed:
		return notHis()
	}
	return err
}

func notHis() error {
	return &shop.Error{Kind: shop.Forbidden, Detail: "This is not the account's password."}
}
