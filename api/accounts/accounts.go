// Package accounts holds who may do what in the shop: accounts, their roles, and the sessions of those who signed in.
// It has no HTTP and no SQL; tokens are made and verified in package tokens.
package accounts

import "time"

// Account is somebody whom the shop knows.
type Account struct {
	// ID is a UUID. It is never given to another account.
	ID string `json:"id"`
	// Name is what is signed in with, unique among all accounts.
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Created is when the account was made, in UTC.
	Created time.Time `json:"created"`
}

// Caller is who sent a request: an account, by one of its sessions. The zero Caller has not signed in, and may do
// nothing that takes a right.
type Caller struct {
	Account string // its id
	Name    string
	Role    Role
	Session string // its id
}

// SignedIn reports whether a caller has an account.
func (c Caller) SignedIn() bool { return c.Account != "" }

// May reports whether a caller's role has a right.
func (c Caller) May(right Right) bool { return c.SignedIn() && c.Role.Has(right) }

// MaySee reports whether a caller may see what belongs to an account, such as an order: whose own it is, and whoever
// has SeeOrders. What belongs to nobody, an empty owner, is seen by the latter alone.
func (c Caller) MaySee(owner string) bool {
	return c.May(SeeOrders) || c.SignedIn() && c.Account == owner
}
