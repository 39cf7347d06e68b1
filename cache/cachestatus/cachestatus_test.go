package cachestatus_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cachestatus"
)

// TestStatus checks Cache-Status for each combination of layers.
func TestStatus(t *testing.T) {
	near := cachestatus.Layers{Near: true}
	redis := cachestatus.Layers{Shared: true}
	both := cachestatus.Layers{Near: true, Shared: true}
	const ttl = 9 * time.Second
	for _, row := range []struct {
		layers cachestatus.Layers
		reason cache.Reason
		info   cache.Info
		want   string
	}{
		{near, cache.Unknown, cache.Info{Stored: true, TTL: ttl}, "origin, near; fwd=uri-miss; stored; ttl=9"},
		{near, cache.Invalidated, cache.Info{Collapsed: true, TTL: ttl},
			"origin, near; fwd=stale; detail=invalidated; collapsed; ttl=9"},
		{both, cache.Unknown, cache.Info{Stored: true, TTL: ttl, Shared: cache.SharedHit},
			"redis; hit; ttl=9, near; fwd=uri-miss; stored; ttl=9"},
		{both, cache.Expired, cache.Info{Stored: true, TTL: ttl, Shared: cache.SharedWaited},
			"redis; fwd=uri-miss; collapsed; ttl=9, near; fwd=stale; stored; ttl=9"},
		{both, cache.Unknown, cache.Info{Stored: true, TTL: ttl, Shared: cache.SharedMiss, SharedStored: true},
			"origin, redis; fwd=uri-miss; stored; ttl=9, near; fwd=uri-miss; stored; ttl=9"},
		{both, cache.Unsure, cache.Info{Shared: cache.SharedAway},
			"origin, redis; fwd=bypass; detail=away, near; fwd=bypass; detail=no-lease"},
		{both, cache.Unknown, cache.Info{}, "origin, redis; fwd=bypass, near; fwd=uri-miss"},
		{near, cache.Expired, stale(near), "near; fwd=stale; fwd-status=503; ttl=-9; detail=stale-on-error"},
		{near, cache.Expired, cache.Info{Stale: true, TTL: -ttl, LoadErr: errors.New("late")},
			"near; fwd=stale; ttl=-9; detail=stale-on-error"},
		{both, cache.Expired, stale(both),
			"redis; fwd=uri-miss, near; fwd=stale; fwd-status=503; ttl=-9; detail=stale-on-error"},
		{both, cache.Invalidated, stale(both),
			"redis; fwd=uri-miss, near; fwd=stale; fwd-status=503; ttl=-9; detail=stale-on-error"},
		{both, cache.Unknown, cache.Info{Stale: true, TTL: -ttl, Shared: cache.SharedHit},
			"redis; hit; ttl=-9; detail=stale-on-error, near; fwd=uri-miss"},
		{redis, cache.Unknown, cache.Info{Stale: true, TTL: -ttl, LoadErr: cache.ErrLate},
			"redis; fwd=stale; ttl=-9; detail=stale-on-error"},
		{redis, cache.Unknown, cache.Info{Stale: true, TTL: -ttl, Shared: cache.SharedAway},
			"redis; fwd=stale; ttl=-9; detail=stale-on-error"},
		{redis, cache.Unknown, stale(redis), "redis; fwd=uri-miss; fwd-status=503; ttl=-9; detail=stale-on-error"},
		{redis, cache.Unknown, cache.Info{TTL: ttl, Shared: cache.SharedHit}, "redis; hit; ttl=9"},
		{redis, cache.Unknown, cache.Info{TTL: ttl, Shared: cache.SharedMiss, SharedStored: true},
			"origin, redis; fwd=uri-miss; stored; ttl=9"},
		{redis, cache.Unknown, cache.Info{TTL: ttl, Collapsed: true, Shared: cache.SharedMiss},
			"origin, redis; fwd=uri-miss; collapsed; ttl=9"},
	} {
		if got := string(row.layers.AppendMiss(nil, row.reason, row.info, "")); got != row.want {
			t.Errorf("%+v %v %+v:\n got %q\nwant %q", row.layers, row.reason, row.info, got, row.want)
		}
	}
	if got, want := string(redis.Bypass()), "redis; fwd=bypass"; got != want {
		t.Errorf("bypass = %q, want %q", got, want)
	}
	if got, want := string(near.NotShared()), "origin, near; fwd=bypass; detail=not-shared"; got != want {
		t.Errorf("not shared = %q, want %q", got, want)
	}
	if got, want := string(near.Refused()), "near; fwd=bypass; detail=refused"; got != want {
		t.Errorf("refused = %q, want %q", got, want)
	}
	if got, want := string(near.AppendHit([]byte("b"), cache.Info{TTL: ttl})), "bnear; hit; ttl=9"; got != want {
		t.Errorf("hit = %q, want %q", got, want)
	}
	got, want := string(near.AppendHit(nil, cache.Info{TTL: -ttl, Stale: true})),
		"near; hit; ttl=-9; detail=stale-on-error"
	if got != want {
		t.Errorf("hit = %q, want %q", got, want)
	}
	got = string(near.AppendMiss(nil, cache.Unknown, cache.Info{}, "read-only"))
	if want := "origin; detail=read-only, near; fwd=uri-miss"; got != want {
		t.Errorf("skipped = %q, want %q", got, want)
	}
}

// stale returns how a response came about in whose place the handler answered 503.
func stale(l cachestatus.Layers) cache.Info {
	info := cache.Info{Stale: true, TTL: -9 * time.Second,
		LoadErr: fmt.Errorf("toy: %w", cachestatus.Failed{Status: 503})}
	if l.Shared {
		info.Shared = cache.SharedMiss
	}
	return info
}
