package store_test

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"
)

// notedTags is a journal that notes the tags that are settled.
type notedTags struct {
	mu   sync.Mutex
	tags []string
}

func (*notedTags) Record(context.Context, *sql.Tx, []string) (int64, error) { return 1, nil }

func (n *notedTags) Settle(_ context.Context, _ int64, tags []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tags = append(n.tags, tags...)
	return nil
}

// take returns the tags that have been settled since it was called last.
func (n *notedTags) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	tags := n.tags
	n.tags = nil
	return tags
}

func (n *notedTags) want(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := n.take(); !slices.Equal(got, want) {
		t.Errorf("%s settled %v, want %v", what, got, want)
	}
}
