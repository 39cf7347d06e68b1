package httpcache

import (
	"context"
	"sync"
)

type makingKey struct{}

// making is an answer that a handler makes for the cache: what it declares about it. It may do so on any goroutine;
// what it declares when the response is finished is ignored.
type making struct {
	mu      sync.Mutex
	tags    []string
	skipped bool
	why     string
}

// IsFill reports whether the handler that got a request with this context makes an answer for the cache. The context
// ends when nobody waits for it any more.
func IsFill(ctx context.Context) bool {
	_, filling := ctx.Value(makingKey{}).(*making)
	return filling
}

// Tag adds tags to the answer that the handler is making, whose request has this context: what it turns out to be made
// from. It does nothing where no cache has asked the handler, or once that has returned.
func Tag(ctx context.Context, tags ...string) {
	if m, filling := ctx.Value(makingKey{}).(*making); filling {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.tags = append(m.tags, tags...)
	}
}

// Skip sets that the response that the handler is making is sent and not kept, neither here nor where replicas share.
// Why is the detail that Cache-Status gives, a token such as "read-only". It does nothing where no cache has asked the
// handler, or once that has returned.
func Skip(ctx context.Context, why string) {
	if m, filling := ctx.Value(makingKey{}).(*making); filling {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.skipped, m.why = true, why
	}
}

// declared returns what the handler has declared by now.
func (m *making) declared() (tags []string, skipped bool, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tags, m.skipped, m.why
}
