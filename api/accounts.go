package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/admin"
	"github.com/woodytoys/woodytoys/api/httpapi"
	"github.com/woodytoys/woodytoys/api/shop"
)

// hasAccounts reports whether the shop has accounts.
func (c config) hasAccounts() bool { return c.Accounts == "on" }

// checkAccounts refuses an administrator's password that nobody would use, or who can be guessed by.
func (c config) checkAccounts() error {
	if c.AdminPasswordFile == "" {
		return nil
	}
	if !c.hasAccounts() {
		return errors.New("WOODY_ADMIN_PASSWORD_FILE is for a shop with accounts: set WOODY_ACCOUNTS=on too")
	}
	if err := accounts.CheckAdminPassword(c.adminPassword); err != nil {
		return fmt.Errorf("WOODY_ADMIN_PASSWORD_FILE: %w", err)
	}
	return nil
}

// openAccounts returns the shop's accounts; nil where it has none.
func (p *program) openAccounts() (*accounts.Service, error) {
	if !p.cfg.hasAccounts() {
		return nil, nil
	}
	cfg := accounts.Config{Store: p.store}
	if p.cache != nil {
		var err error
		if cfg.Sessions, err = httpapi.SessionsIn(p.cache, p.store); err != nil {
			return nil, err
		}
	}
	service := accounts.New(cfg)
	admin.WatchSlots(p.registry, "password_slots", service.HashSlots())
	admin.WatchSlots(p.registry, "account_slots", service.StoreSlots())
	return service, nil
}

const (
	// administratorRetry is how long it is waited between two tries to make the administrator while the database is
	// away.
	administratorRetry = time.Second
	// administratorPause is the wait between tries where something else is wrong, and the shop serves meanwhile.
	administratorPause = 30 * time.Second
)

// ensureAdministrator sees to it that the operator's administrator is there, waiting for a database that is away until
// ctx ends. What else fails is logged: the shop serves without, and keepTrying is true.
func (p *program) ensureAdministrator(ctx context.Context) (keepTrying bool, err error) {
	if p.accounts == nil {
		return false, nil
	}
	for {
		err := p.tryAdministrator(ctx)
		switch kind := shop.KindOf(err); {
		case err == nil:
			return false, nil
		case ctx.Err() != nil:
			return false, ctx.Err()
		case kind != shop.Unavailable && kind != shop.Busy && kind != shop.Full && kind != shop.Uncertain:
			p.log.Error("the administrator's account is not as WOODY_ADMIN_PASSWORD_FILE has it; the shop serves, and "+
				"it is tried again", "err", err)
			return true, nil
		}
		p.log.Warn("waiting for the database", "err", err)
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(administratorRetry):
		}
	}
}

// retryAdministrator tries until the operator's administrator is there, or ctx ends.
func (p *program) retryAdministrator(ctx context.Context) {
	for again := true; again; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(administratorPause):
		}
		again, _ = p.ensureAdministrator(ctx) // its error is ctx's
	}
}

func (p *program) tryAdministrator(ctx context.Context) error {
	if p.cfg.adminPassword != "" {
		changed, err := p.accounts.EnsureAdministrator(ctx, p.cfg.adminPassword)
		if changed {
			p.log.Warn("the administrator's password is another one by now, that of WOODY_ADMIN_PASSWORD_FILE, " +
				"and his sessions have ended")
		}
		return err
	}
	has, err := p.accounts.HasAdministrator(ctx)
	if err == nil && !has {
		p.log.Warn("the shop has accounts and no administrator: nobody can give them roles; " +
			"set WOODY_ADMIN_PASSWORD_FILE")
	}
	return err
}
