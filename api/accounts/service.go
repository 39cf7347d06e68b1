package accounts

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/slots"
)

// Config is what a Service is made of.
type Config struct {
	// Store keeps the accounts. Required.
	Store Store
	// Sessions returns the caller whose session has an id, without the store where it can, and never one whom a change
	// that was acknowledged before the call has made another; NotFound where there is none. Default: nil, the store is
	// asked each time.
	Sessions func(ctx context.Context, id string) (Caller, error)
	// Wait is how long a caller waits for his password to be hashed, before he gets Busy. Default: 5s.
	Wait time.Duration
}

// Service is the accounts of a shop. Its methods return a *shop.Error, or the context's error, when they fail.
type Service struct {
	store    Store
	sessions func(ctx context.Context, id string) (Caller, error)
	hasher   *hasher
	gate     gate
	refused  refused
	now      func() time.Time // time.Now, but in tests
}

// New returns the accounts in a store.
func New(cfg Config) *Service {
	if cfg.Wait <= 0 {
		cfg.Wait = 5 * time.Second
	}
	s := &Service{store: cfg.Store, sessions: cfg.Sessions, hasher: newHasher(cfg.Wait), gate: newGate(), now: time.Now}
	if s.sessions == nil {
		s.sessions = func(ctx context.Context, id string) (Caller, error) {
			caller, _, err := s.store.Session(ctx, id)
			return caller, err
		}
	}
	return s
}

// HashSlots returns the slots that passwords are hashed in.
func (s *Service) HashSlots() *slots.Slots { return s.hasher.all }

// Register makes an account, a customer's, with a name that CleanName accepts. It returns Invalid for a name or a
// password that cannot be one, Taken where another account has the name or one that looks like it, or it looks like
// one that speaks for the shop, TooMany where too many were made from the address, which may be unknown (the zero
// Addr), and Busy.
func (s *Service) Register(ctx context.Context, name, password string, from netip.Addr) (Account, error) {
	name, err := CleanName(name)
	if err != nil {
		return Account{}, err
	}
	if password, err = newPassword(password, name); err != nil {
		return Account{}, err
	}
	if isReserved(name) {
		return Account{}, Taken()
	}
	try := registering(from)
	if err := s.try(ctx, try); err != nil {
		return Account{}, err
	}
	hash, err := s.hasher.hash(ctx, password, true)
	if err != nil {
		return Account{}, s.takeBack(ctx, try, err)
	}
	return s.add(ctx, name, Customer, hash)
}

func (s *Service) add(ctx context.Context, name string, role Role, hash string) (Account, error) {
	a := Account{ID: uuid.NewString(), Name: name, Role: role, Created: time.Now().UTC().Truncate(time.Microsecond)}
	if err := s.store.AddAccount(ctx, a, lookOf(name), hash); err != nil {
		return Account{}, err
	}
	return a, nil
}

// Taken is the error of a name that another account has.
func Taken() error {
	return &shop.Error{
		Kind: shop.Taken, Detail: "Another account has this name, or one that looks like it; take another.",
	}
}

// Get returns an account, NotFound where there is none of this id.
func (s *Service) Get(ctx context.Context, id string) (Account, error) {
	id, err := cleanID(id)
	if err != nil {
		return Account{}, err
	}
	a, _, err := s.store.Account(ctx, id)
	return a, err
}

// PageMax is how many accounts List returns at most.
const PageMax = 100

// List returns up to limit accounts, PageMax at most, whose ids are above one, by their ids; those from the first where
// it is empty. It is empty past the last one. It returns Invalid for what can be no id.
func (s *Service) List(ctx context.Context, above string, limit int) ([]Account, error) {
	if above != "" {
		var err error
		if above, err = cleanID(above); err != nil {
			return nil, &shop.Error{Kind: shop.Invalid, Detail: "A page begins after the id of an account."}
		}
	}
	return s.store.Accounts(ctx, above, min(max(limit, 1), PageMax))
}

// SetRole gives an account another role, which its sessions have from then on. It returns Invalid where that is none,
// NotFound where there is no such account, and Needed where the shop would be left without an administrator.
func (s *Service) SetRole(ctx context.Context, id string, role Role) (Account, error) {
	if !role.Valid() {
		return Account{}, &shop.Error{
			Kind: shop.Invalid, Detail: fmt.Sprintf("A role is %s, %s or %s.", Customer, Clerk, Administrator),
		}
	}
	id, err := cleanID(id)
	if err != nil {
		return Account{}, err
	}
	return s.store.SetRole(ctx, id, role)
}

// Delete removes an account and ends its sessions. It returns NotFound where there is none, and Needed for the shop's
// only administrator. Its orders stay, and belong to an id that nobody gets again.
func (s *Service) Delete(ctx context.Context, id string) error {
	id, err := cleanID(id)
	if err != nil {
		return err
	}
	return s.store.DeleteAccount(ctx, id, "")
}

// cleanID returns an id as it is stored, or NotFound for what can be none.
func cleanID(id string) (string, error) {
	const canonical = 36
	if len(id) != canonical || uuid.Validate(id) != nil {
		return "", &shop.Error{Kind: shop.NotFound, Detail: "There is no such account."}
	}
	return strings.ToLower(id), nil // of what is lower case already, as with each request, that is no copy
}
