package shop

import "context"

type readOnlyKey struct{}

// AcceptReadOnly returns a context whose reads may also be answered by a database that takes no writes, as long as no
// other can be reached: during an operator's maintenance. Used is called when one is, before the read returns: what
// it brought may be older than what another database has acknowledged, and must not be kept. Reads under any other
// context return an Unavailable error then.
func AcceptReadOnly(ctx context.Context, used func()) context.Context {
	return context.WithValue(ctx, readOnlyKey{}, used)
}

// UsedReadOnly notes in a reader's context that a database which takes no writes served the read, and reports whether
// the reader accepts that.
func UsedReadOnly(ctx context.Context) (accepted bool) {
	used, accepted := ctx.Value(readOnlyKey{}).(func())
	if accepted {
		used()
	}
	return accepted
}
