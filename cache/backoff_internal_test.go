package cache

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const second = int64(time.Second)

func TestBackoff(t *testing.T) {
	var b backoff
	if b.has("a", 0) || b.has("a", second) {
		t.Error("a key is set that nobody set")
	}
	b.set("a", 2*second)
	if !b.has("a", second) || !b.has("a", 2*second-1e6) || b.has("a", 2*second) {
		t.Error("the key is not set until its time, or after it")
	}
	for i := range 100_000 {
		if other := fmt.Sprint(i); b.has(other, second) {
			t.Errorf("%s is set because a is", other)
		}
	}
	b.forget("another")
	if !b.has("a", second) {
		t.Error("a was forgotten with another")
	}
	b.forget("a")
	if b.has("a", second) {
		t.Error("a was not forgotten")
	}
}

func TestBackoffIsTakenByOne(t *testing.T) {
	var b backoff
	for round := range int64(100) {
		var group sync.WaitGroup
		var took atomic.Int64
		for range 8 {
			group.Go(func() {
				if b.take("a", round*second, (round+1)*second) {
					took.Add(1)
				}
			})
		}
		if group.Wait(); took.Load() != 1 {
			t.Fatalf("%d callers took the key, want 1", took.Load())
		}
	}
}
