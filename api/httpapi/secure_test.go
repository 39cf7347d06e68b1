package httpapi_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/api/tokens"
)

// password is the password of all accounts of a secureShop.
const password = "a toy box of oak"

// secureShop is a shop with accounts: ann, a customer, carl, a clerk, and admin, an administrator.
type secureShop struct {
	*testShop
	accounts *accounts.Service
	keys     *tokens.Keys
	held     map[string]accounts.SignedIn // a session of each
	busy     *atomic.Bool                 // nobody may renew a session, or end it by its cookie
}

// longDelays is a store by which the first delay of a name is a quarter of an hour, which does not pass while a test
// looks. While it is busy, no session is renewed.
type longDelays struct {
	*store.Store
	busy *atomic.Bool
}

func (d longDelays) RenewSession(
	ctx context.Context, family accounts.Hash, judge func(accounts.HeldSession) accounts.Renewal,
) (accounts.HeldSession, error) {
	if d.busy.Load() {
		return accounts.HeldSession{}, &shop.Error{Kind: shop.Busy, Detail: "Many sign in."}
	}
	return d.Store.RenewSession(ctx, family, judge)
}

func (d longDelays) Try(
	ctx context.Context, keys []accounts.Key, allow func(time.Time, []accounts.Tries) error,
) error {
	return d.Store.Try(ctx, keys, func(now time.Time, seen []accounts.Tries) error {
		seen = slices.Clone(seen)
		for i := range seen {
			if seen[i].Failures >= 5 {
				seen[i].Failures = max(seen[i].Failures, 15) // too few to delay others at the address
			}
		}
		return allow(now, seen)
	})
}

// mustServeAccounts starts a shop with accounts, with an API of other settings.
func mustServeAccounts(t testing.TB, set ...func(*httpapi.Config)) *secureShop {
	t.Helper()
	return mustServeAccountsOf(t, shop.Config{}, set...)
}

// mustServeAccountsOf is like mustServeAccounts, with a shop of other settings.
func mustServeAccountsOf(t testing.TB, of shop.Config, set ...func(*httpapi.Config)) *secureShop {
	t.Helper()
	keys, err := tokens.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s := &secureShop{keys: keys, held: map[string]accounts.SignedIn{}, busy: &atomic.Bool{}}
	s.testShop = mustServeWith(t, of, func(cfg *httpapi.Config, kept *store.Store) {
		sessions, err := httpapi.SessionsIn(cfg.Cache, kept)
		if err != nil {
			t.Fatal(err)
		}
		s.accounts = accounts.New(accounts.Config{Store: longDelays{kept, s.busy}, Sessions: sessions})
		cfg.Accounts, cfg.Tokens = s.accounts, keys
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		for _, set := range set {
			set(cfg)
		}
	})
	if _, err := s.accounts.EnsureAdministrator(t.Context(), password); err != nil {
		t.Fatal(err)
	}
	return s
}

// signedIn returns a session of an account, which is made if need be. It is the same each time.
func (s *secureShop) signedIn(name string) accounts.SignedIn {
	s.t.Helper()
	if held, ok := s.held[name]; ok {
		return held
	}
	if name != "admin" {
		account, err := s.accounts.Register(s.t.Context(), name, password, netip.Addr{})
		if err == nil && name == "carl" {
			_, err = s.accounts.SetRole(s.t.Context(), account.ID, accounts.Clerk)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	held, err := s.accounts.SignIn(s.t.Context(), name, password, netip.Addr{}, "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.held[name] = held
	return held
}

// as returns the Authorization field of an account.
func (s *secureShop) as(name string) string {
	s.t.Helper()
	return s.bearer(s.signedIn(name))
}

func (s *secureShop) bearer(session accounts.SignedIn) string {
	s.t.Helper()
	token, err := s.keys.Sign(session.Account.ID, session.Session)
	if err != nil {
		s.t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// signIn signs in over HTTP, and returns the Authorization field.
func (s *secureShop) signIn(name string) string {
	s.t.Helper()
	got := s.post("/api/session", credentials(name, password))
	got.wantStatus(s.t, 200)
	return "Authorization: Bearer " + got.member("access_token")
}

func credentials(name, password string) string {
	body, _ := json.Marshal(map[string]string{"name": name, "password": password})
	return string(body)
}

// member returns a member of an answer in JSON that is a string, empty where there is none.
func (r reply) member(name string) string {
	var members map[string]any
	_ = json.Unmarshal([]byte(r.body), &members)
	value, _ := members[name].(string)
	return value
}

// cookie returns a Cookie field with what an answer has set, empty where it has set none.
func (r reply) cookie() string {
	pair, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	if pair == "" {
		return ""
	}
	return "Cookie: " + pair
}

// wantPrivate fails the test unless no cache may store the answer.
func (r reply) wantPrivate(t testing.TB) {
	t.Helper()
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("ETag") != "" || r.header.Get("Cache-Status") != "" {
		t.Errorf("%d %q: %v", r.status, r.body, r.header)
	}
}
