package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestTwoInOneFolder starts a backup in a folder in which another one works: it waits for its turn until it is told to
// end, until it has waited for too long, or until the other one has ended.
func TestTwoInOneFolder(t *testing.T) {
	cfg := &config{WorkDir: t.TempDir()}
	prepare := func(ctx context.Context, patience time.Duration) (func(), error) {
		k := newKeeper(cfg, slog.New(slog.DiscardHandler), newMetrics())
		k.patience = patience
		return k.prepare(ctx)
	}
	release, err := prepare(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepare(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "another backup works in") {
		t.Errorf("without patience: %v", err)
	}
	ending, end := context.WithCancel(t.Context())
	end()
	if _, err := prepare(ending, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("told to end: %v", err)
	}
	began := make(chan error, 1)
	go func() {
		release, err := prepare(t.Context(), time.Hour)
		if err == nil {
			release()
		}
		began <- err
	}()
	select {
	case err := <-began:
		t.Errorf("it began beside the other one: %v", err)
	case <-time.After(200 * time.Millisecond): // that nothing happens takes its time
	}
	release()
	if err := <-began; err != nil {
		t.Errorf("once the other one has ended: %v", err)
	}
}
