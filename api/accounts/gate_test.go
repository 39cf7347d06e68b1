package accounts_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// TestRefusedTriesLeaveTheDatabaseAlone makes a thousand sign-ins for one name from one address, a thousand
// registrations, and a thousand sign-ins for that name from another address, all beyond their limits. It checks that
// none runs a database statement, and that the limit is checked in the database again later.
func TestRefusedTriesLeaveTheDatabaseAlone(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	b.try("ann", addressOf(1))
	b.try("ann", addressOf(2))
	b.failed(1000) // of the name and of the registrations too
	refused := map[string]func() error{
		"a name and an address": func() error {
			_, err := b.SignIn(t.Context(), "ann", right, addressOf(1), "")
			return err
		},
		"a registration": func() error {
			_, err := b.Register(t.Context(), "bob", right, home)
			return err
		},
		"a name": func() error {
			_, err := b.SignIn(t.Context(), "ann", right, addressOf(3), "")
			return err
		},
	}
	for what, try := range refused {
		wantKind(t, what, try(), shop.TooMany)
		before := b.count()
		var running sync.WaitGroup
		for range 10 {
			running.Go(func() {
				for range 100 {
					err := try()
					if shop.KindOf(err) != shop.TooMany || waitOf(err) <= 0 {
						t.Errorf("%s: %v, want TooMany and for how long", what, err)
					}
				}
			})
		}
		running.Wait()
		if n := b.count() - before; n != 0 {
			t.Errorf("%s: %d statements for a thousand tries that are known to be refused, want none", what, n)
		}
	}
	// Later, the database is asked again.
	b.later(30 * time.Second)
	if _, err := b.SignIn(t.Context(), "ann", right, addressOf(3), ""); err != nil {
		t.Errorf("half a minute later: %v", err)
	}
}

// count returns how many statements there have been.
func (b *besieged) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.statements)
}

// TestForgedRenewalsHoldNothing renews sessions that there are not: each is one read, and no transaction.
func TestForgedRenewalsHoldNothing(t *testing.T) {
	b := mustBesiege(t)
	const forged = 100
	before := b.count()
	for i := range forged {
		raw := make([]byte, 48)
		raw[0] = byte(i)
		secret := base64.RawURLEncoding.EncodeToString(raw)
		_, err := b.Renew(t.Context(), secret)
		wantKind(t, "a forged secret", err, shop.Unauthorized)
		if ended, err := b.SignOutBy(t.Context(), secret); ended || err != nil {
			t.Error(ended, err)
		}
	}
	if n := b.count() - before; n != 2*forged {
		t.Errorf("%d statements for %d forged secrets, want one for each", n, 2*forged)
	}
	for _, statement := range b.statements[before:] {
		if !strings.HasPrefix(statement, "SELECT") {
			t.Errorf("a forged secret has the database do %q", statement)
		}
	}
}

// crowded is a store that holds tries and renewals until it is opened, and counts them.
type crowded struct {
	*store.Store
	open      chan struct{}
	now, most atomic.Int64
}

func (c *crowded) enter() func() {
	n := c.now.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	<-c.open
	return func() { c.now.Add(-1) }
}

func (c *crowded) Try(
	ctx context.Context, keys []accounts.Key, allow func(time.Time, []accounts.Tries) error,
) error {
	defer c.enter()()
	return c.Store.Try(ctx, keys, allow)
}

func (c *crowded) RenewSession(
	ctx context.Context, family accounts.Hash, judge func(accounts.HeldSession) accounts.Renewal,
) (accounts.HeldSession, error) {
	defer c.enter()()
	return c.Store.RenewSession(ctx, family, judge)
}

// TestTwoAtOnceInTheDatabase makes 99 calls at once that sign in, register or renew a session. It checks that at most
// two of them are in the database at a time, and that a product can be written meanwhile.
func TestTwoAtOnceInTheDatabase(t *testing.T) {
	_, stored := mustServiceAndStore(t)
	held := &crowded{Store: stored, open: make(chan struct{})}
	s := accounts.New(accounts.Config{Store: held})
	var running sync.WaitGroup
	calls := []func(i int, from netip.Addr) error{
		func(i int, from netip.Addr) error {
			_, err := s.SignIn(t.Context(), fmt.Sprint("name-", i), "not the password", from, "")
			return err
		},
		func(i int, from netip.Addr) error {
			_, err := s.Register(t.Context(), fmt.Sprint("other-", i), right, from)
			return err
		},
		func(i int, _ netip.Addr) error {
			raw := make([]byte, 48)
			raw[0] = byte(i)
			_, err := s.Renew(t.Context(), base64.RawURLEncoding.EncodeToString(raw))
			return err
		},
	}
	for i := range 99 {
		running.Go(func() {
			switch err := calls[i%len(calls)](i, addressOf(i)); {
			case err == nil, shop.KindOf(err) == shop.Unauthorized, shop.KindOf(err) == shop.Busy:
			default:
				t.Error(err)
			}
		})
	}
	for held.now.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if _, err := stored.AddProduct(t.Context(), "Yoyo"); err != nil {
		t.Errorf("a product, meanwhile: %v", err)
	}
	close(held.open)
	running.Wait()
	if most := held.most.Load(); most > 2 {
		t.Errorf("%d were in the database at once, want 2 at most", most)
	}
}
