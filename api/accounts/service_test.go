package accounts_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

const right = "a right long password"

var home = netip.MustParseAddr("192.0.2.1")

// mustService returns the accounts of a new SQLite file.
func mustService(t *testing.T) *accounts.Service {
	t.Helper()
	service, _ := mustServiceAndStore(t)
	return service
}

func mustServiceAndStore(t *testing.T) (*accounts.Service, *store.Store) {
	t.Helper()
	s, err := store.Open(store.Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return accounts.New(accounts.Config{Store: s, Wait: time.Minute}).Patient().Cheap(), s
}

func mustRegister(t *testing.T, s *accounts.Service, name string) accounts.Account {
	t.Helper()
	a, err := s.Register(t.Context(), name, right, home)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustSignIn(t *testing.T, s *accounts.Service, name string) accounts.SignedIn {
	t.Helper()
	in, err := s.SignIn(t.Context(), name, right, home, "")
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// mustCaller returns the caller whose session this is.
func mustCaller(t *testing.T, s *accounts.Service, session string) accounts.Caller {
	t.Helper()
	caller, err := s.Session(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func wantKind(t *testing.T, what string, err error, want shop.Kind) {
	t.Helper()
	if err == nil || shop.KindOf(err) != want {
		t.Errorf("%s: %v (kind %d), want kind %d", what, err, shop.KindOf(err), want)
	}
}

// wantEnded fails the test unless a session lets nobody in any more and cannot be renewed.
func wantEnded(t *testing.T, s *accounts.Service, in accounts.SignedIn) {
	t.Helper()
	_, err := s.Session(t.Context(), in.Session)
	wantKind(t, "a session that has ended", err, shop.Unauthorized)
	_, err = s.Renew(t.Context(), in.Refresh)
	wantKind(t, "the renewal of a session that has ended", err, shop.Unauthorized)
}

func TestAnAccountsLife(t *testing.T) {
	s := mustService(t)
	ctx := t.Context()
	ann := mustRegister(t, s, "Ann.Example")
	if ann.Name != "ann.example" || ann.Role != accounts.Customer {
		t.Errorf("registered %+v, want the customer ann.example", ann)
	}
	in := mustSignIn(t, s, "ANN.example")
	if in.Account != ann {
		t.Errorf("signed in as %+v, want %+v", in.Account, ann)
	}
	caller := mustCaller(t, s, in.Session)
	want := accounts.Caller{Account: ann.ID, Name: ann.Name, Role: ann.Role, Session: in.Session}
	if caller != want {
		t.Errorf("the session is of %+v, want %+v", caller, want)
	}
	if got, err := s.Get(ctx, ann.ID); got != ann || err != nil {
		t.Errorf("the account is %+v, %v; want %+v", got, err, ann)
	}
	again, err := s.Renew(ctx, in.Refresh)
	in.Device, in.Unchanged = "", true
	if err != nil || again != in {
		t.Errorf("renewed at once: %+v, %v; want %+v", again, err, in)
	}
	if _, err := s.SetRole(ctx, ann.ID, accounts.Clerk); err != nil {
		t.Fatal(err)
	}
	if got := mustCaller(t, s, in.Session).Role; got != accounts.Clerk {
		t.Errorf("the session has the role %s, want clerk", got)
	}
	other := mustSignIn(t, s, "ann.example")
	if ended, err := s.SignOut(ctx, other.Session); !ended || err != nil {
		t.Fatal(ended, err)
	}
	wantEnded(t, s, other)
	mustCaller(t, s, in.Session)
	if err := s.DeleteOwn(ctx, caller, "not her password", home, ""); shop.KindOf(err) != shop.Forbidden {
		t.Errorf("deleted with another password: %v, want Forbidden", err)
	}
	if err := s.DeleteOwn(ctx, caller, right, home, ""); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, s, in)
	_, err = s.SignIn(ctx, "ann.example", right, home, "")
	wantKind(t, "a deleted account", err, shop.Unauthorized)
	_, err = s.Get(ctx, ann.ID)
	wantKind(t, "a deleted account", err, shop.NotFound)
}

func TestPasswords(t *testing.T) {
	s := mustService(t)
	ctx := t.Context()
	for password, why := range map[string]string{
		"short":                     "short",
		"ééééééééé":                 "nine characters",
		"ann-example":               "the name",
		"Ann-Example1":              "hardly more than the name",
		"1234567890":                "digits in a row",
		"aaaaaaaaaaaaaa":            "one character",
		"Password1234":              "common",
		strings.Repeat("x1y2", 251): "longer than 1000 bytes",
		"not utf-8 \xff\xfe":        "no text",
	} {
		_, err := s.Register(ctx, "ann-example", password, home)
		wantKind(t, why, err, shop.Invalid)
	}
	if _, err := s.Register(ctx, "ann-example", "cafe\u0301 au lait", home); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignIn(ctx, "ann-example", "caf\u00e9 au lait", home, ""); err != nil {
		t.Errorf("another spelling of é: %v", err)
	}
	_, err := s.SignIn(ctx, "ann-example", "Caf\u00e9 au lait", home, "")
	wantKind(t, "another case", err, shop.Unauthorized)
	_, err = s.SignIn(ctx, "ann-example", strings.Repeat("x", 1<<20), home, "")
	wantKind(t, "a megabyte", err, shop.Invalid)
	if hashed := s.Hashes(); hashed != 3 {
		t.Errorf("%d passwords were hashed, want 3: one new, and two that were tried", hashed)
	}
}

func TestChangingThePassword(t *testing.T) {
	s := mustService(t)
	ctx := t.Context()
	mustRegister(t, s, "ann")
	mine, other := mustSignIn(t, s, "ann"), mustSignIn(t, s, "ann")
	caller := mustCaller(t, s, mine.Session)
	_, err := s.ChangePassword(ctx, caller, "not her password", "another one!", home, "")
	wantKind(t, "a wrong old one", err, shop.Forbidden)
	_, err = s.ChangePassword(ctx, caller, right, "another", home, "")
	wantKind(t, "a short new one", err, shop.Invalid)
	refresh, err := s.ChangePassword(ctx, caller, right, "another one!", home, "")
	if err != nil {
		t.Fatal(err)
	}
	wantEnded(t, s, other)
	_, err = s.Renew(ctx, mine.Refresh)
	wantKind(t, "the secret from before", err, shop.Unauthorized)
	mustCaller(t, s, mine.Session) // that has not ended it
	if in, err := s.Renew(ctx, refresh); err != nil || in.Session != mine.Session {
		t.Errorf("renewed by the new secret: %+v, %v", in, err)
	}
	_, err = s.SignIn(ctx, "ann", right, home, "")
	wantKind(t, "the old one", err, shop.Unauthorized)
	if _, err := s.SignIn(ctx, "ann", "another one!", home, ""); err != nil {
		t.Error(err)
	}
}

func TestTheOnlyAdministratorStays(t *testing.T) {
	s := mustService(t)
	ctx := t.Context()
	if has, err := s.HasAdministrator(ctx); has || err != nil {
		t.Errorf("an empty shop has an administrator: %v, %v", has, err)
	}
	for range 2 { // the second time nothing changes
		if changed, err := s.EnsureAdministrator(ctx, right); changed || err != nil {
			t.Fatal(changed, err)
		}
	}
	all, err := s.List(ctx, "", 10)
	if err != nil || len(all) != 1 || all[0].Name != "admin" || all[0].Role != accounts.Administrator {
		t.Fatalf("the accounts are %+v, %v; want admin alone", all, err)
	}
	admin := all[0].ID
	in := mustSignIn(t, s, "admin")
	_, err = s.SetRole(ctx, admin, accounts.Customer)
	wantKind(t, "the only administrator's role", err, shop.Needed)
	wantKind(t, "the only administrator's deletion", s.Delete(ctx, admin), shop.Needed)
	err = s.DeleteOwn(ctx, mustCaller(t, s, in.Session), right, home, "")
	wantKind(t, "the only administrator's own deletion", err, shop.Needed)
	ann := mustRegister(t, s, "ann")
	if _, err := s.SetRole(ctx, ann.ID, accounts.Administrator); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetRole(ctx, admin, accounts.Customer); err != nil {
		t.Errorf("one of two administrators: %v", err)
	}
	wantKind(t, "the one that is left", s.Delete(ctx, ann.ID), shop.Needed)

	if changed, err := s.EnsureAdministrator(ctx, "another right one"); !changed || err != nil {
		t.Fatal(changed, err)
	}
	wantEnded(t, s, in)
	if got, err := s.Get(ctx, admin); got.Role != accounts.Administrator || err != nil {
		t.Errorf("the operator's administrator is %+v, %v", got, err)
	}
	if _, err := s.SignIn(ctx, "admin", "another right one", home, ""); err != nil {
		t.Error(err)
	}
	_, err = s.EnsureAdministrator(ctx, "short")
	wantKind(t, "a short password", err, shop.Invalid)
}

// TestTheAdministratorsOwnPasswordStays makes the administrator change the password that the operator set. It checks
// that replicas which start with the operator's old password keep the new one and the session, and that a new password
// of the operator's replaces it and ends the session.
func TestTheAdministratorsOwnPasswordStays(t *testing.T) {
	s := mustService(t)
	ctx := t.Context()
	if _, err := s.EnsureAdministrator(ctx, right); err != nil {
		t.Fatal(err)
	}
	in := mustSignIn(t, s, "admin")
	if _, err := s.ChangePassword(ctx, mustCaller(t, s, in.Session), right, "his own, by now", home, ""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if changed, err := s.EnsureAdministrator(ctx, right); changed || err != nil {
			t.Errorf("a start has changed the password: %t, %v", changed, err)
		}
	}
	mustCaller(t, s, in.Session)
	_, err := s.SignIn(ctx, "admin", right, home, "")
	wantKind(t, "the operator's, which got out", err, shop.Unauthorized)
	if _, err := s.SignIn(ctx, "admin", "his own, by now", home, ""); err != nil {
		t.Error(err)
	}
	if changed, err := s.EnsureAdministrator(ctx, "the operator's next"); !changed || err != nil {
		t.Errorf("another password of the operator's: changed %t, %v", changed, err)
	}
	wantEnded(t, s, accounts.SignedIn{Session: in.Session})
	if _, err := s.SignIn(ctx, "admin", "the operator's next", home, ""); err != nil {
		t.Error(err)
	}
}
