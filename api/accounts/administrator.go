package accounts

import (
	"context"
	"fmt"

	"github.com/woodytoys/woodytoys/api/shop"
)

// adminName is the name of the administrator whom the shop's operator makes. Nobody can register it.
const adminName = "admin"

// CheckAdminPassword returns Invalid unless a password can be the administrator's.
func CheckAdminPassword(password string) error {
	_, err := newPassword(password, adminName)
	return err
}

// EnsureAdministrator sees to it that there is an administrator called admin, with the password that the operator has
// for him: it makes the account, or gives it the role, where it has another. Of an account that is there it changes
// the password, which ends its sessions, only where the operator's is another than the last time: what the
// administrator has changed himself stays. It reports whether it has changed one. Several replicas may call it at
// once.
func (s *Service) EnsureAdministrator(ctx context.Context, password string) (changed bool, err error) {
	password, err = newPassword(password, adminName)
	if err != nil {
		return false, err
	}
	const tries = 10 // each but the last is in vain only where another replica has done the same
	for range tries {
		changed, err = s.ensureAdministrator(ctx, password)
		switch shop.KindOf(err) {
		case shop.Taken, shop.Changed, shop.NotFound:
			continue
		}
		break
	}
	if err != nil {
		return changed, fmt.Errorf("make the account %s: %w", adminName, err)
	}
	return changed, nil
}

func (s *Service) ensureAdministrator(ctx context.Context, password string) (changed bool, err error) {
	a, _, err := s.store.AccountNamed(ctx, adminName)
	if shop.KindOf(err) == shop.NotFound {
		hash, err := s.hasher.hash(ctx, password, false)
		if err != nil {
			return false, err
		}
		_, err = s.add(ctx, adminName, Administrator, hash)
		return false, err
	}
	if err != nil {
		return false, err
	}
	if changed, err = s.apply(ctx, a.ID, password); err != nil {
		return false, err
	}
	if a.Role != Administrator {
		_, err = s.store.SetRole(ctx, a.ID, Administrator)
	}
	return changed, err
}

// apply gives an account the operator's password, unless that is the one that was applied last.
func (s *Service) apply(ctx context.Context, id, password string) (changed bool, err error) {
	was, err := s.store.Applied(ctx, id)
	if err != nil {
		return false, err
	}
	if was != "" {
		if same, err := s.hasher.matches(ctx, password, was, false); err != nil || same {
			return false, err
		}
	}
	hash, err := s.hasher.hash(ctx, password, false)
	if err != nil {
		return false, err
	}
	err = s.store.Apply(ctx, id, was, hash)
	return err == nil, err
}

// HasAdministrator reports whether there is an account that may manage the others.
func (s *Service) HasAdministrator(ctx context.Context) (bool, error) {
	return s.store.HasAdministrator(ctx)
}
