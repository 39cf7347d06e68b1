package shop

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Status is where an order stands, in the lab's own words and two of ours. It begins as Pending and moves once, to one
// of the ends.
type Status string

// The statuses of an order.
const (
	Pending Status = "Pending"
	Success Status = "Success"
	Failed  Status = "Failed"
	// Lapsed is an order that was not validated before its reservation ended.
	Lapsed Status = "Lapsed"
	// Cancelled is an order that its buyer cancelled.
	Cancelled Status = "Cancelled"
)

// Order is a wish for a product, named by its name as the lab does, or for several items.
type Order struct {
	ID string `json:"order_id"`
	// Product is the name of the product, or of the first item's.
	Product string `json:"product"`
	Status  Status `json:"status"`
	// Version starts at 1 and every write to the order raises it.
	Version int64 `json:"version"`
	// Items are what the order has reserved, by the products' ids; none where a product was ordered by its name that is
	// not counted.
	Items []Item `json:"items,omitempty"`
	// Owner is the account that it belongs to, by its id; empty for nobody.
	Owner string `json:"-"`
}

// Claim is one worker's hold on a pending order until it lapses.
type Claim struct {
	// Token is unique to the claim; only its holder may end the order.
	Token   string
	OrderID string
	Product string
	Items   []Item
	// Origin is the request that the order came with.
	Origin Origin
}

// Backlog is what is still to be validated.
type Backlog struct {
	Pending int64
	// Oldest is how long the oldest pending order has been waiting; zero when none is.
	Oldest time.Duration
}

// CleanOrderID returns the one spelling of an order's id that the shop uses: a UUID in lower case (RFC 9562, section
// 4). It fails with Invalid if id is anything else, a UUID with something around it too.
func CleanOrderID(id string) (string, error) {
	if len(id) != uuidLen || uuid.Validate(id) != nil {
		return "", invalid("An order's id is a UUID, such as 0c7da1a0-77bd-4dd6-9a0f-b5f0bdf0ba2e.")
	}
	return strings.ToLower(id), nil
}

// uuidLen is the length of the one form that is taken; uuid.Validate takes others.
const uuidLen = 36

// KeyMax is the longest idempotency key, in bytes.
const KeyMax = 255

// CheckKey fails with Invalid unless key, an idempotency key, is 1 to KeyMax printable ASCII characters.
func CheckKey(key string) error {
	if key == "" || len(key) > KeyMax {
		return invalid(fmt.Sprintf("The Idempotency-Key has %d bytes; 1 to %d are allowed.", len(key), KeyMax))
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return invalid("The Idempotency-Key may hold printable ASCII characters only.")
		}
	}
	return nil
}
