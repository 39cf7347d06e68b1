package accounts

import "slices"

// Role is what an account is in the shop. There are few, and what each may do is a table.
type Role string

const (
	Customer      Role = "customer"
	Clerk         Role = "clerk"
	Administrator Role = "administrator"
)

// Right is something that not everybody may do.
type Right int

const (
	// PlaceOrders is to order, and to see and cancel one's own orders.
	PlaceOrders Right = iota
	// WriteProducts is to add, change and delete products.
	WriteProducts
	// SeeOrders is to see and cancel the orders of all accounts.
	SeeOrders
	// ManageAccounts is to list accounts, give them roles, sign them out and delete them.
	ManageAccounts
)

// rights is the table: a line for each role.
var rights = map[Role][]Right{
	Customer:      {PlaceOrders},
	Clerk:         {PlaceOrders, WriteProducts},
	Administrator: {PlaceOrders, WriteProducts, SeeOrders, ManageAccounts},
}

// Has reports whether a role has a right; one that is none has none.
func (r Role) Has(right Right) bool { return slices.Contains(rights[r], right) }

// Valid reports whether r is a role.
func (r Role) Valid() bool { return rights[r] != nil }
