package main

import (
	"database/sql"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestTheOperatorsAdministrator starts two replicas at once with an administrator's password, and later one with
// another: there is one administrator, whose password is the last.
func TestTheOperatorsAdministrator(t *testing.T) {
	t.Parallel()
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	file := filepath.Join(t.TempDir(), "password")
	flags := []string{"--db-dsn=" + dsn, "--admin-password-file=" + file}
	mustWrite := func(password string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite("the first password")
	replicas := []*program{mustBegin(t, flags...), mustBegin(t, flags...)}
	var in accounts.SignedIn
	for _, p := range replicas {
		p.mustBecomeReady(t)
		var err error
		if in, err = p.accounts.SignIn(t.Context(), "admin", "the first password", netip.Addr{}, ""); err != nil {
			t.Fatal(err)
		}
		all, err := p.accounts.List(t.Context(), "", 10)
		if err != nil || len(all) != 1 || all[0] != in.Account || in.Account.Role != accounts.Administrator {
			t.Errorf("the accounts are %+v, %v; want one administrator", all, err)
		}
	}
	if ended, err := mustRun(t, flags...).accounts.SignOut(t.Context(), "no session"); ended || err != nil {
		t.Error(ended, err)
	}
	if _, err := replicas[0].accounts.Session(t.Context(), in.Session); err != nil {
		t.Errorf("the same password again has ended a session: %v", err)
	}
	mustWrite("the second password")
	changed := mustRun(t, flags...)
	if _, err := replicas[0].accounts.Session(t.Context(), in.Session); shop.KindOf(err) != shop.Unauthorized {
		t.Errorf("a session from before the password was changed: %v, want Unauthorized", err)
	}
	_, err := replicas[0].accounts.SignIn(t.Context(), "admin", "the second password", netip.Addr{}, "")
	if err != nil {
		t.Error(err)
	}
	if all, err := changed.accounts.List(t.Context(), "", 10); err != nil || len(all) != 1 {
		t.Errorf("the accounts are %+v, %v; want one", all, err)
	}
}

// TestAHashThatCannotBeRead stores the administrator's password in an unknown format, as after a rollback from a later
// release. It checks that the shop starts all the same, and that the password does not sign in.
func TestAHashThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("the first password"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--db-dsn=" + dsn, "--admin-password-file=" + file}
	mustRun(t, flags...)
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), "UPDATE woody_account SET password = '$new$', applied = '$new$'")
	if err != nil {
		t.Fatal(err)
	}
	p := mustRun(t, flags...) // which waits until it is ready
	if _, err := p.accounts.SignIn(t.Context(), "admin", "the first password", netip.Addr{}, ""); err == nil {
		t.Error("signed in by a hash that cannot be read")
	}
}
