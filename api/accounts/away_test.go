package accounts_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// full is a store whose database has no room for sessions.
type full struct{ *store.Store }

func (full) AddSession(context.Context, accounts.NewSession, string, accounts.Good) error {
	return &shop.Error{Kind: shop.Full, Detail: "The database has no room left; nothing was stored."}
}

// TestARightPasswordIsNoFailure signs in again and again while no session can be stored: nobody is delayed for it.
func TestARightPasswordIsNoFailure(t *testing.T) {
	s, stored := mustServiceAndStore(t)
	mustRegister(t, s, "ann")
	broken := accounts.New(accounts.Config{Store: full{stored}})
	for range 7 {
		_, err := broken.SignIn(t.Context(), "ann", right, netip.Addr{}, "")
		wantKind(t, "a sign-in without room", err, shop.Full)
	}
	if _, err := s.SignIn(t.Context(), "ann", right, netip.Addr{}, ""); err != nil {
		t.Error(err)
	}
}
