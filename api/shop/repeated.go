package shop

import "context"

type repeatedKey struct{}

// NoteRepeated returns a context whose orders and additions call note, before they return, where they repeat an earlier
// one by its idempotency key, so that nothing is written.
func NoteRepeated(ctx context.Context, note func()) context.Context {
	return context.WithValue(ctx, repeatedKey{}, note)
}

// repeated notes in a caller's context that an earlier call has done what this one asks for.
func repeated(ctx context.Context) {
	if note, ok := ctx.Value(repeatedKey{}).(func()); ok {
		note()
	}
}
