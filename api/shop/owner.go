package shop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
)

type ownerKey struct{}

// OwnedBy returns a context whose orders are an account's, by its id, and whose idempotency keys are that account's
// own. With an empty id they are nobody's.
func OwnedBy(ctx context.Context, account string) context.Context {
	return context.WithValue(ctx, ownerKey{}, account)
}

// ownerOf returns whose the orders under ctx are; empty where they are nobody's.
func ownerOf(ctx context.Context) string {
	owner, _ := ctx.Value(ownerKey{}).(string)
	return owner
}

// keyOf returns the idempotency key that the store knows a caller's by: two accounts may use the same. No caller can
// send one that is another's, since a tab is in none that CheckKey accepts. It is short enough for the store.
func keyOf(ctx context.Context, key string) string {
	owner := ownerOf(ctx)
	if owner == "" || key == "" {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return owner + "\t" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// NoOrder returns the error of an order that does not exist. It is that of one that the caller may not see, too.
func NoOrder(id string) error {
	return &Error{Kind: NotFound, Detail: "There is no order " + id + "."}
}
