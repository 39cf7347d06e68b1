package accounts

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

func TestHashes(t *testing.T) {
	h := newHasher(time.Second)
	ctx := t.Context()
	one, err := h.hash(ctx, "a password", false)
	other, otherErr := h.hash(ctx, "a password", true)
	if err != nil || otherErr != nil || one == other {
		t.Errorf("two hashes of one password: %s, %v, %s, %v; want others", one, err, other, otherErr)
	}
	if !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") || len(one) > 255 {
		t.Errorf("the hash is %s", one)
	}
	for password, want := range map[string]bool{"a password": true, "A password": false, "": false} {
		if got, err := h.matches(ctx, password, one, false); got != want || err != nil {
			t.Errorf("%q matches: %t, %v", password, got, err)
		}
	}
	if got, err := h.matches(ctx, "", h.nobody(), true); got || err != nil {
		t.Errorf("somebody matches nobody: %t, %v", got, err)
	}
	cheaper := strings.Replace(one, "t=2", "t=1", 1)
	if got, err := h.matches(ctx, "a password", cheaper, false); got || err != nil {
		t.Errorf("another hash matches: %t, %v", got, err)
	}
	for _, text := range []string{"", "a password", one[:len(one)-4], one + "$"} {
		if got, err := h.matches(ctx, "a password", text, false); got || err == nil {
			t.Errorf("what is no hash of ours matches: %t, %v", got, err)
		}
	}
	if h.all.InUse() != 0 || h.strangers.InUse() != 0 {
		t.Error("slots are left in use")
	}
}

// TestHashesOfOtherReleases checks that hashes of other costs, as an earlier or later release makes them, still match
// their passwords, and that costs out of bounds or malformed are refused without being computed.
func TestHashesOfOtherReleases(t *testing.T) {
	h := newHasher(time.Second)
	salt := make([]byte, saltBytes)
	for _, c := range []cost{{64 * 1024, 3, 4}, {19 * 1024, 1, 1}, hashCost} {
		text := c.text(salt, h.key("a password", salt, c))
		for password, want := range map[string]bool{"a password": true, "another": false} {
			if got, err := h.matches(t.Context(), password, text, false); got != want || err != nil {
				t.Errorf("%+v: %q matches: %t, %v", c, password, got, err)
			}
		}
	}
	made := h.made.Load()
	for _, c := range []cost{
		{64*1024 + 1, 2, 1}, {19 * 1024, 5, 1}, {19 * 1024, 2, 5}, {7, 1, 1}, {8, 0, 1}, {8, 1, 0},
	} {
		text := c.text(make([]byte, saltBytes), make([]byte, hashBytes))
		if _, err := h.matches(t.Context(), "a password", text, false); err == nil {
			t.Errorf("%+v is computed", c)
		}
	}
	for _, part := range []string{"m=019456,t=2,p=1", "m=+19456,t=2,p=1", "m=19456,t=2,p=257", "m=4294986752,t=2,p=1",
		"m=19456,t=2,p=1,x=1", "m=-1,t=2,p=1", "m=19456"} {
		text := strings.Replace(h.nobody(), "m=19456,t=2,p=1", part, 1)
		if _, err := h.matches(t.Context(), "a password", text, false); err == nil {
			t.Errorf("%s is computed", part)
		}
	}
	if n := h.made.Load() - made; n != 0 {
		t.Errorf("%d were computed", n)
	}
}

// TestStrangersLeaveRoom floods the hasher with tries of strangers: somebody who is known has his slot at once.
func TestStrangersLeaveRoom(t *testing.T) {
	h := newHasher(0)
	ctx := t.Context()
	release, err := h.acquire(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := h.acquire(ctx, true); shop.KindOf(err) != shop.Busy || err == nil {
			t.Fatalf("a second stranger: %v, want Busy", err)
		}
	}
	known, err := h.acquire(ctx, false)
	if err != nil {
		t.Fatalf("somebody known: %v", err)
	}
	if _, err := h.acquire(ctx, false); shop.KindOf(err) != shop.Busy || err == nil {
		t.Errorf("a third: %v, want Busy", err)
	}
	release()
	if _, err := h.acquire(ctx, false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.acquire(ctx, true); shop.KindOf(err) != shop.Busy || err == nil {
		t.Errorf("a stranger who finds both taken: %v, want Busy", err)
	}
	if h.strangers.InUse() != 0 {
		t.Error("a stranger who was refused has kept a slot")
	}
	known()
	if _, err := newHasher(time.Minute).acquire(canceled(ctx), true); err != nil {
		t.Errorf("a free slot: %v", err)
	}
}

func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// TestTwoAtOnce looks at how many hashes are made at a time.
func TestTwoAtOnce(t *testing.T) {
	h := newHasher(time.Minute)
	var running sync.WaitGroup
	for i := range 6 {
		running.Go(func() {
			if _, err := h.hash(t.Context(), "a password", i%2 == 0); err != nil {
				t.Error(err)
			}
			if n := h.all.InUse(); n > hashesAtOnce {
				t.Errorf("%d at once", n)
			}
		})
	}
	running.Wait()
	if h.made.Load() != 6 {
		t.Errorf("%d were made, want 6", h.made.Load())
	}
}
