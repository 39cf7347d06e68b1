package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// TestAccountsContract checks that each database keeps the promises of accounts.Store.
func TestAccountsContract(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		noted := &notedTags{}
		cfg.Journal = noted
		s := mustOpen(t, cfg)
		both := [2]*store.Store{s, s}
		t.Run("accounts", func(t *testing.T) { testAccounts(t, s) })
		t.Run("names come once", func(t *testing.T) { testNamesComeOnce(t, both) })
		t.Run("administrators", func(t *testing.T) { testAdministratorsCross(t, both) })
		t.Run("the first administrator", func(t *testing.T) { testFirstAdministrator(t, both) })
		t.Run("sessions", func(t *testing.T) { testSessions(t, cfg, s, noted) })
		t.Run("many sessions", func(t *testing.T) { testManySessions(t, s, noted) })
		t.Run("renewals", func(t *testing.T) { testRenewals(t, s, noted) })
		t.Run("renewals at once", func(t *testing.T) { testRenewalsCross(t, both) })
		t.Run("deleted while it signs in", func(t *testing.T) { testDeletionsCross(t, both) })
		t.Run("tries", func(t *testing.T) { testTries(t, cfg, s) })
		t.Run("tries at once", func(t *testing.T) { testTriesCross(t, both) })
	})
}

// testAccountsCross makes the concurrent checks of accounts with callers at two nodes of a cluster.
func testAccountsCross(t *testing.T, c *cluster) {
	both, _ := c.mustOpenTwo(t)
	testNamesComeOnce(t, both)
	testAdministratorsCross(t, both)
	testFirstAdministrator(t, both)
	testRenewalsCross(t, both)
	testDeletionsCross(t, both)
	testTriesCross(t, both)
}

// mustAddAccount adds an account whose password's hash is "hash".
func mustAddAccount(t *testing.T, s *store.Store, role accounts.Role) accounts.Account {
	t.Helper()
	id := uuid.NewString()
	a := accounts.Account{ID: id, Name: "n" + id, Role: role, Created: time.UnixMicro(1_700_000_000_000_001).UTC()}
	if err := s.AddAccount(t.Context(), a, a.Name, "hash"); err != nil {
		t.Fatal(err)
	}
	return a
}

// newSession returns a session of an account whose family and secret are the hashes of words.
func newSession(account, family, secret string) accounts.NewSession {
	return accounts.NewSession{
		ID: uuid.NewString(), Account: account,
		Family: sha256.Sum256([]byte(family)), Secret: sha256.Sum256([]byte(secret)),
	}
}

func mustAddSession(t *testing.T, s *store.Store, account string) accounts.NewSession {
	t.Helper()
	n := newSession(account, uuid.NewString(), "first")
	if err := s.AddSession(t.Context(), n, "hash", accounts.Good{}); err != nil {
		t.Fatal(err)
	}
	return n
}

func wantKind(t *testing.T, what string, err error, want shop.Kind) {
	t.Helper()
	if err == nil || shop.KindOf(err) != want {
		t.Errorf("%s: %v (kind %d), want kind %d", what, err, shop.KindOf(err), want)
	}
}

func wantSession(t *testing.T, s *store.Store, id string, there bool) {
	t.Helper()
	_, left, err := s.Session(t.Context(), id)
	if there && (err != nil || left <= 0) || !there && shop.KindOf(err) != shop.NotFound {
		t.Errorf("the session is %v, %v; want it there: %t", left, err, there)
	}
}

func testAccounts(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a := mustAddAccount(t, s, accounts.Customer)
	if got, password, err := s.Account(ctx, a.ID); got != a || password != "hash" || err != nil {
		t.Errorf("the account is %+v, %q, %v; want %+v", got, password, err, a)
	}
	if got, password, err := s.AccountNamed(ctx, a.Name); got != a || password != "hash" || err != nil {
		t.Errorf("the account of the name is %+v, %q, %v; want %+v", got, password, err, a)
	}
	_, _, err := s.AccountNamed(ctx, "N"+a.Name[1:])
	wantKind(t, "a name of another case", err, shop.NotFound)
	_, _, err = s.Account(ctx, uuid.NewString())
	wantKind(t, "another id", err, shop.NotFound)
	another := a
	another.ID = uuid.NewString()
	wantKind(t, "a name that is taken", s.AddAccount(ctx, another, "another look", "hash"), shop.Taken)
	another.Name = "another"
	wantKind(t, "a look that is taken", s.AddAccount(ctx, another, a.Name, "hash"), shop.Taken)

	none := accounts.RenewedSession{}
	wantKind(t, "no account's password", s.SetPassword(ctx, another.ID, "hash", "other", none), shop.NotFound)
	wantKind(t, "another's password", s.SetPassword(ctx, a.ID, "other", "new", none), shop.Changed)
	_, err = s.SetRole(ctx, another.ID, accounts.Clerk)
	wantKind(t, "no account's role", err, shop.NotFound)
	_, err = s.EndSessions(ctx, another.ID)
	wantKind(t, "the end of no account's sessions", err, shop.NotFound)
	wantKind(t, "no account's end", s.DeleteAccount(ctx, another.ID, ""), shop.NotFound)
	wantKind(t, "the end of one with another password", s.DeleteAccount(ctx, a.ID, "other"), shop.Changed)
	if err := s.DeleteAccount(ctx, a.ID, "hash"); err != nil {
		t.Fatal(err)
	}

	var want []accounts.Account
	for range 5 {
		want = append(want, mustAddAccount(t, s, accounts.Clerk))
	}
	slices.SortFunc(want, func(a, b accounts.Account) int { return compare(a.ID, b.ID) })
	first, err := s.Accounts(ctx, "", 3)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Accounts(ctx, first[2].ID, 3)
	if got := slices.Concat(first, second); err != nil || !slices.Equal(got, want) {
		t.Errorf("the pages are %v, %v; want %v", got, err, want)
	}
	for _, a := range want {
		if err := s.DeleteAccount(ctx, a.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// testNamesComeOnce registers a name twice at once, and checks that one succeeds.
func testNamesComeOnce(t *testing.T, both [2]*store.Store) {
	for round := range 15 {
		name := fmt.Sprint("name-", round)
		var added, taken atomic.Int32
		atBoth(both, func(_ int, s *store.Store) {
			err := s.AddAccount(t.Context(), accounts.Account{ID: uuid.NewString(), Name: name}, name, "hash")
			switch {
			case err == nil:
				added.Add(1)
			case shop.KindOf(err) == shop.Taken:
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
		if added.Load() != 1 || taken.Load() != 1 {
			t.Errorf("of two with one name %d were added and %d refused, want 1 each", added.Load(), taken.Load())
		}
		a, _, err := both[0].AccountNamed(t.Context(), name)
		if err == nil {
			err = both[0].DeleteAccount(t.Context(), a.ID, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// testAdministratorsCross removes the shop's two administrators at once, one by another role and one by deletion, and
// checks that one stays.
func testAdministratorsCross(t *testing.T, both [2]*store.Store) {
	for round := range 15 {
		two := [2]accounts.Account{
			mustAddAccount(t, both[0], accounts.Administrator), mustAddAccount(t, both[0], accounts.Administrator),
		}
		var needed atomic.Int32
		atBoth(both, func(i int, s *store.Store) {
			var err error
			if (round+i)%2 == 0 {
				_, err = s.SetRole(t.Context(), two[i].ID, accounts.Customer)
			} else {
				err = s.DeleteAccount(t.Context(), two[i].ID, "")
			}
			if shop.KindOf(err) == shop.Needed && err != nil {
				needed.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
		has, err := both[1].HasAdministrator(t.Context())
		if needed.Load() != 1 || !has || err != nil {
			t.Errorf("%d of two were kept, and there is an administrator: %t, %v; want one", needed.Load(), has, err)
		}
		mustEndAdministrators(t, both[0], two)
	}
}

// mustEndAdministrators removes the administrators that are left, past the store's rule.
func mustEndAdministrators(t *testing.T, s *store.Store, two [2]accounts.Account) {
	t.Helper()
	spare := mustAddAccount(t, s, accounts.Administrator)
	for _, a := range two {
		if err := s.DeleteAccount(t.Context(), a.ID, ""); err != nil && shop.KindOf(err) != shop.NotFound {
			t.Fatal(err)
		}
	}
	s.MustExec(t.Context(), "DELETE FROM woody_account WHERE id = '"+spare.ID+"'")
}

// testFirstAdministrator makes the operator's administrator from two replicas at once, and then gives him another
// password.
func testFirstAdministrator(t *testing.T, both [2]*store.Store) {
	for _, password := range []string{"the first password", "the second one"} {
		atBoth(both, func(i int, s *store.Store) {
			service := accounts.New(accounts.Config{Store: s})
			if _, err := service.EnsureAdministrator(t.Context(), password); err != nil {
				t.Errorf("at %d: %v", i+1, err)
			}
		})
		for i, s := range both {
			if _, err := accounts.New(accounts.Config{Store: s}).SignIn(
				t.Context(), "admin", password, netip.Addr{}, ""); err != nil {
				t.Errorf("signed in at %d: %v", i+1, err)
			}
		}
		all, err := both[0].Accounts(t.Context(), "", 100)
		if err != nil || len(all) != 1 || all[0].Role != accounts.Administrator {
			t.Errorf("the accounts are %+v, %v; want one administrator", all, err)
		}
	}
	a, _, err := both[0].AccountNamed(t.Context(), "admin")
	if err != nil {
		t.Fatal(err)
	}
	mustEndAdministrators(t, both[0], [2]accounts.Account{a, a})
}

func testSessions(t *testing.T, cfg store.Config, s *store.Store, noted *notedTags) {
	ctx := t.Context()
	a := mustAddAccount(t, s, accounts.Clerk)
	wantKind(t, "a session of another password",
		s.AddSession(ctx, newSession(a.ID, "f", "s"), "other", accounts.Good{}), shop.Changed)
	wantKind(t, "a session of no account",
		s.AddSession(ctx, newSession(uuid.NewString(), "f", "s"), "hash", accounts.Good{}), shop.Changed)
	n, kept := mustAddSession(t, s, a.ID), mustAddSession(t, s, a.ID)
	caller, left, err := s.Session(ctx, n.ID)
	want := accounts.Caller{Account: a.ID, Name: a.Name, Role: a.Role, Session: n.ID}
	if caller != want || err != nil || left > accounts.SessionIdle || left < accounts.SessionIdle-time.Minute {
		t.Errorf("the session is of %+v for %v, %v; want %+v for %v", caller, left, err, want, accounts.SessionIdle)
	}
	noted.take()
	for _, there := range []bool{true, false} {
		if ended, err := s.EndSession(ctx, n.ID); ended != there || err != nil {
			t.Fatal(ended, err)
		}
		noted.want(t, "the end of a session", shop.SessionTag(n.ID))
	}
	wantSession(t, s, n.ID, false)

	if a, err = s.SetRole(ctx, a.ID, accounts.Customer); err != nil || a.Role != accounts.Customer {
		t.Fatal(a, err)
	}
	noted.want(t, "another role", shop.AccountTag(a.ID))
	if caller, _, err := s.Session(ctx, kept.ID); caller.Role != accounts.Customer || err != nil {
		t.Errorf("the session has the role %s, %v; want customer", caller.Role, err)
	}
	n = mustAddSession(t, s, a.ID)
	next := accounts.RenewedSession{
		ID: kept.ID, Family: accounts.Hash(keyOf("next")), Secret: accounts.Hash(keyOf("secret")),
	}
	if err := s.SetPassword(ctx, a.ID, "hash", "other", next); err != nil {
		t.Fatal(err)
	}
	noted.want(t, "another password", shop.AccountTag(a.ID))
	wantSession(t, s, n.ID, false)
	wantSession(t, s, kept.ID, true)
	_, err = s.RenewSession(ctx, kept.Family, leave)
	wantKind(t, "the secret from before", err, shop.NotFound)
	if held, err := s.RenewSession(ctx, next.Family, leave); held.ID != kept.ID || held.Secret != next.Secret ||
		held.Former != (accounts.Hash{}) || err != nil {
		t.Errorf("the secret from now on: %+v, %v", held, err)
	}
	if err := s.SetPassword(ctx, a.ID, "other", "hash", next); err != nil {
		t.Fatal(err)
	}
	noted.take()

	n = mustAddSession(t, s, a.ID)
	for _, there := range []bool{true, false} {
		if ended, err := s.EndSessions(ctx, a.ID); ended != there || err != nil {
			t.Fatal(ended, err)
		}
		noted.want(t, "the end of all sessions", shop.AccountTag(a.ID))
	}
	wantSession(t, s, n.ID, false)
	wantSession(t, s, kept.ID, false)

	expired, lasts := mustAddSession(t, s, a.ID), mustAddSession(t, s, a.ID)
	mustExec(t, cfg, "UPDATE woody_session SET until_us = created_us - 1 WHERE id = '"+expired.ID+"'")
	wantSession(t, s, expired.ID, false)
	_, err = s.RenewSession(ctx, expired.Family, leave)
	wantKind(t, "the renewal of one that has expired", err, shop.NotFound)
	if err := s.Upkeep(ctx); err != nil {
		t.Fatal(err)
	}
	mustExec(t, cfg, "UPDATE woody_session SET until_us = until_us + 1000000000000000")
	wantSession(t, s, expired.ID, false)
	wantSession(t, s, lasts.ID, true)
	noted.take()
	if err := s.DeleteAccount(ctx, a.ID, ""); err != nil {
		t.Fatal(err)
	}
	noted.want(t, "the end of an account", shop.AccountTag(a.ID))
	wantSession(t, s, lasts.ID, false)
}

// testManySessions checks that a session too many replaces the one that was renewed least recently.
func testManySessions(t *testing.T, s *store.Store, noted *notedTags) {
	a := mustAddAccount(t, s, accounts.Customer)
	var all []accounts.NewSession
	for range accounts.SessionsMax {
		all = append(all, mustAddSession(t, s, a.ID))
	}
	for _, n := range all {
		wantSession(t, s, n.ID, true)
	}
	// SQLite's clock has milliseconds: several may be of one.
	s.MustExec(t.Context(), "UPDATE woody_session SET renewed_us = renewed_us - 1000000 WHERE id = '"+all[0].ID+"'")
	noted.take()
	all = append(all, mustAddSession(t, s, a.ID))
	noted.want(t, "one session more", shop.SessionTag(all[0].ID))
	for i, n := range all {
		wantSession(t, s, n.ID, i > 0)
	}
}

func leave(accounts.HeldSession) accounts.Renewal { return accounts.Renewal{} }

func testRenewals(t *testing.T, s *store.Store, noted *notedTags) {
	ctx := t.Context()
	a := mustAddAccount(t, s, accounts.Customer)
	n := mustAddSession(t, s, a.ID)
	noted.take()
	second, salt := accounts.Hash{2}, accounts.Hash{22}
	held, err := s.RenewSession(ctx, n.Family, func(held accounts.HeldSession) accounts.Renewal {
		if held.Account != a || held.ID != n.ID || held.Secret != n.Secret || held.Former != (accounts.Hash{}) ||
			held.Now.Sub(held.Renewed).Abs() > time.Minute || time.Since(held.Now).Abs() > time.Minute {
			t.Errorf("held is %+v, want that of %+v", held, n)
		}
		return accounts.Renewal{Secret: second, Salt: salt}
	})
	if err != nil || held.ID != n.ID {
		t.Fatal(held, err)
	}
	noted.want(t, "a renewal")
	held, err = s.RenewSession(ctx, n.Family, leave)
	if err != nil || held.Secret != second || held.Former != n.Secret || held.Salt != salt {
		t.Errorf("after a renewal held is %+v, %v", held, err)
	}
	wantSession(t, s, n.ID, true)
	_, err = s.RenewSession(ctx, n.Family, func(accounts.HeldSession) accounts.Renewal {
		return accounts.Renewal{End: true}
	})
	if err != nil {
		t.Fatal(err)
	}
	noted.want(t, "the end of a session by its renewal", shop.SessionTag(n.ID))
	wantSession(t, s, n.ID, false)
	_, err = s.RenewSession(ctx, accounts.Hash{}, leave)
	wantKind(t, "the renewal of no session", err, shop.NotFound)
}

// testRenewalsCross renews a session ten times at once, and checks that one call replaces the secret and the others
// find the new one.
func testRenewalsCross(t *testing.T, both [2]*store.Store) {
	for range 5 {
		a := mustAddAccount(t, both[0], accounts.Customer)
		n := mustAddSession(t, both[0], a.ID)
		var replaced atomic.Int32
		atBoth(both, func(i int, s *store.Store) {
			var running sync.WaitGroup
			for range 5 {
				running.Go(func() {
					renewed := false
					_, err := s.RenewSession(t.Context(), n.Family, func(held accounts.HeldSession) accounts.Renewal {
						if renewed = held.Secret == n.Secret; renewed {
							return accounts.Renewal{Secret: accounts.Hash{byte(i + 1)}}
						}
						return accounts.Renewal{}
					})
					if err != nil {
						t.Error(err)
					} else if renewed {
						replaced.Add(1)
					}
				})
			}
			running.Wait()
		})
		if replaced.Load() != 1 {
			t.Errorf("%d of ten replaced the secret, want 1", replaced.Load())
		}
	}
}

// testDeletionsCross deletes an account, or gives it another password, while it signs in: no session is left.
func testDeletionsCross(t *testing.T, both [2]*store.Store) {
	for round := range 20 {
		a := mustAddAccount(t, both[0], accounts.Customer)
		n := newSession(a.ID, a.ID, "first")
		atBoth(both, func(i int, s *store.Store) {
			var err error
			switch {
			case i == 0:
				if err = s.AddSession(t.Context(), n, "hash", accounts.Good{}); shop.KindOf(err) == shop.Changed {
					err = nil // the other was first
				}
			case round%2 == 0:
				err = s.DeleteAccount(t.Context(), a.ID, "")
			default:
				err = s.SetPassword(t.Context(), a.ID, "hash", "other", accounts.RenewedSession{})
			}
			if err != nil {
				t.Error(err)
			}
		})
		wantSession(t, both[1], n.ID, false)
		if n := both[0].MustCount(t.Context(), "woody_session WHERE id = '"+n.ID+"'"); n != 0 {
			t.Errorf("round %d: the session is left", round)
		}
	}
}

var errRefused = errors.New("refused")

// upTo returns an allow that refuses what has failed n times.
func upTo(n int) func(time.Time, []accounts.Tries) error {
	return func(_ time.Time, seen []accounts.Tries) error {
		for _, tries := range seen {
			if tries.Failures >= n {
				return errRefused
			}
		}
		return nil
	}
}

func keyOf(name string) accounts.Key { return sha256.Sum256([]byte(name)) }

// mustSee returns how keys stand.
func mustSee(t *testing.T, s *store.Store, keys ...accounts.Key) (seen []accounts.Tries) {
	t.Helper()
	err := s.Try(t.Context(), keys, func(now time.Time, found []accounts.Tries) error {
		if time.Since(now).Abs() > time.Minute {
			t.Errorf("the time is %v", now)
		}
		seen = slices.Clone(found)
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	return seen
}

func wantFailures(t *testing.T, what string, seen []accounts.Tries, want ...int) {
	t.Helper()
	var got []int
	for _, tries := range seen {
		got = append(got, tries.Failures)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: failures %v, want %v", what, got, want)
	}
}

func testTries(t *testing.T, cfg store.Config, s *store.Store) {
	ctx := t.Context()
	mustExec(t, cfg, "DELETE FROM woody_sign_in")
	keys := []accounts.Key{keyOf("pair"), keyOf("name"), keyOf("address")}
	wantFailures(t, "never tried", mustSee(t, s, keys...), 0, 0, 0)
	if n := s.MustCount(ctx, "woody_sign_in"); n != 0 {
		t.Errorf("a try that was refused has left %d rows", n)
	}
	for range 3 {
		if err := s.Try(ctx, keys, upTo(3)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Try(ctx, keys[1:2], upTo(9)); err != nil {
		t.Fatal(err)
	}
	if err := s.Try(ctx, keys, upTo(3)); !errors.Is(err, errRefused) {
		t.Errorf("a fourth try: %v, want it refused", err)
	}
	seen := mustSee(t, s, keys...)
	wantFailures(t, "after tries", seen, 3, 4, 3)
	if time.Since(seen[0].Last).Abs() > time.Minute || !seen[0].Proved.IsZero() {
		t.Errorf("tried are %+v", seen[0])
	}
	if err := s.TakeBack(ctx, keys); err != nil {
		t.Fatal(err)
	}
	wantFailures(t, "after one was taken back", mustSee(t, s, keys...), 2, 3, 2)
	if err := s.Prove(ctx, accounts.Good{Proved: keys[:1], Counted: keys[1:]}); err != nil {
		t.Fatal(err)
	}
	seen = mustSee(t, s, keys...)
	wantFailures(t, "after a good one", seen, 0, 2, 1)
	if time.Since(seen[0].Proved).Abs() > time.Minute || !seen[1].Proved.IsZero() || !seen[2].Proved.IsZero() {
		t.Errorf("proved are %+v, want the first", seen)
	}
	a := mustAddAccount(t, s, accounts.Customer)
	device := keyOf("device") // which was never tried
	good := accounts.Good{Proved: []accounts.Key{keys[1], device}, Counted: keys[2:]}
	if err := s.AddSession(ctx, newSession(a.ID, "of a try", "first"), "hash", good); err != nil {
		t.Fatal(err)
	}
	seen = mustSee(t, s, append(keys, device)...)
	wantFailures(t, "after a session", seen, 0, 0, 0, 0)
	if seen[1].Proved.IsZero() || !seen[2].Proved.IsZero() || seen[3].Proved.IsZero() {
		t.Errorf("proved are %+v, want the second and the last", seen)
	}
	// A day later, and then three months.
	for range 2 {
		if err := s.Try(ctx, keys[2:], upTo(9)); err != nil {
			t.Fatal(err)
		}
	}
	mustExec(t, cfg, fmt.Sprintf("UPDATE woody_sign_in SET tried_us = tried_us - %d",
		(accounts.TriesTTL+time.Second).Microseconds()))
	wantFailures(t, "a day later", mustSee(t, s, keys...), 0, 0, 0)
	if err := s.Try(ctx, keys[:1], upTo(1)); err != nil {
		t.Fatal(err)
	}
	wantFailures(t, "a day later, tried", mustSee(t, s, keys...), 1, 0, 0)
	mustUpkeep := func(want int) {
		t.Helper()
		if err := s.Upkeep(ctx); err != nil {
			t.Fatal(err)
		}
		if n := s.MustCount(ctx, "woody_sign_in"); n != want {
			t.Errorf("%d keys are left, want %d", n, want)
		}
	}
	mustUpkeep(3) // three were proved
	mustExec(t, cfg, fmt.Sprintf("UPDATE woody_sign_in SET proved_us = proved_us - %d WHERE proved_us > 0",
		(accounts.ProvedTTL+time.Second).Microseconds()))
	if seen := mustSee(t, s, keys...); !seen[0].Proved.IsZero() {
		t.Errorf("three months later proved are %+v", seen)
	}
	mustUpkeep(1)
}

// TestUnusedAccountsGo checks that upkeep deletes a customer's account that is older than UnusedTTL and was never
// signed in with, and keeps used, young and clerks' accounts.
func TestUnusedAccountsGo(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		unused, used := mustAddAccount(t, s, accounts.Customer), mustAddAccount(t, s, accounts.Customer)
		clerk := mustAddAccount(t, s, accounts.Clerk)
		mustAddSession(t, s, used.ID)
		young := mustAddAccount(t, s, accounts.Customer)
		for age, which := range map[time.Duration]string{accounts.UnusedTTL + time.Minute: "<>", 0: "="} {
			mustExec(t, cfg, fmt.Sprintf("UPDATE woody_account SET created_us = %d WHERE id %s '%s'",
				time.Now().Add(-age).UnixMicro(), which, young.ID))
		}
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, kept := range []accounts.Account{used, clerk, young} {
			if _, _, err := s.Account(t.Context(), kept.ID); err != nil {
				t.Errorf("%+v: %v", kept, err)
			}
		}
		_, _, err := s.Account(t.Context(), unused.ID)
		wantKind(t, "an account that was never used", err, shop.NotFound)
		late := newSession(unused.ID, "late", "late")
		wantKind(t, "a session of an account that has gone",
			s.AddSession(t.Context(), late, "hash", accounts.Good{}), shop.Changed)
	})
}

// testTriesCross makes many tries at once, and checks that no more are allowed than the bound.
func testTriesCross(t *testing.T, both [2]*store.Store) {
	keys := []accounts.Key{keyOf(uuid.NewString()), keyOf(uuid.NewString()), keyOf(uuid.NewString())}
	var allowed atomic.Int32
	atBoth(both, func(i int, s *store.Store) {
		var running sync.WaitGroup
		for n := range 15 {
			running.Go(func() {
				mine := slices.Clone(keys)
				if n%2 == 0 {
					slices.Reverse(mine)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				switch err := s.Try(ctx, mine, upTo(5)); {
				case err == nil:
					allowed.Add(1)
				case !errors.Is(err, errRefused) && shop.KindOf(err) != shop.Busy:
					t.Errorf("a try at %d: %v", i+1, err)
				}
			})
		}
		running.Wait()
	})
	if allowed.Load() != 5 {
		t.Errorf("%d of 30 tries at once were allowed, want 5", allowed.Load())
	}
	wantFailures(t, "after tries at once", mustSee(t, both[0], keys...), 5, 5, 5)
}

// TestFailuresAreForgottenWhenThereAreTooMany checks that the oldest failures are forgotten, and that those that were
// proved stay.
func TestFailuresAreForgottenWhenThereAreTooMany(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		proved, old, young := keyOf("proved"), keyOf("old"), keyOf("young")
		for _, key := range []accounts.Key{proved, old} {
			if err := s.Try(t.Context(), []accounts.Key{key}, upTo(1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Prove(t.Context(), accounts.Good{Proved: []accounts.Key{proved}}); err != nil {
			t.Fatal(err)
		}
		s.MustExec(t.Context(), "UPDATE woody_sign_in SET tried_us = tried_us - 1000000")
		const most = 10
		s.SetTriesMax(most)
		for i := range most {
			key := young
			if i > 0 {
				key = keyOf(fmt.Sprint(i))
			}
			if err := s.Try(t.Context(), []accounts.Key{key}, upTo(1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.MustCount(t.Context(), "woody_sign_in"); n != most+1 {
			t.Errorf("%d keys are left, want %d", n, most+1)
		}
		seen := mustSee(t, s, proved, old, young)
		wantFailures(t, "after upkeep", seen, 0, 0, 1)
		if seen[0].Proved.IsZero() {
			t.Error("the proof was forgotten")
		}
	})
}
