package shop

import "context"

type primaryKey struct{}

// AtPrimary returns a context whose reads are made by the database that takes writes, where others are read too.
func AtPrimary(ctx context.Context) context.Context {
	return context.WithValue(ctx, primaryKey{}, true)
}

// WantsPrimary reports whether AtPrimary made the context, or one that it comes from.
func WantsPrimary(ctx context.Context) bool { return ctx.Value(primaryKey{}) != nil }

type apartKey struct{}

// Apart returns a context of a read that is made for one caller alone, though a cache could have others share it. A
// store makes few at a time of those that are slow.
func Apart(ctx context.Context) context.Context { return context.WithValue(ctx, apartKey{}, true) }

// IsApart reports whether Apart made the context, or one that it comes from.
func IsApart(ctx context.Context) bool { return ctx.Value(apartKey{}) != nil }

type databaseKey struct{}

// NoteDatabase returns a context for whose reads and writes note is called with the name of the database that replied,
// before the read or write returns. It may be called several times: the last one counts. Where no database has replied
// it is not called.
func NoteDatabase(ctx context.Context, note func(name string)) context.Context {
	return context.WithValue(ctx, databaseKey{}, note)
}

// RepliedBy notes in a caller's context which database has replied.
func RepliedBy(ctx context.Context, name string) {
	if note, ok := ctx.Value(databaseKey{}).(func(name string)); ok && name != "" {
		note(name)
	}
}
