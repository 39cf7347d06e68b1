package slots_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/woodytoys/woodytoys/api/slots"
)

func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slots.New(1, 3*time.Second)
		if err := s.Acquire(t.Context()); err != nil {
			t.Fatalf("first Acquire = %v, want nil", err)
		}
		began := time.Now()
		if err := s.Acquire(t.Context()); !errors.Is(err, slots.ErrBusy) {
			t.Errorf("second Acquire = %v, want ErrBusy", err)
		}
		if got, want := time.Since(began), 3*time.Second; got != want {
			t.Errorf("waited %v, want %v", got, want)
		}
	})
}

func TestReleaseLetsTheNextIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slots.New(2, time.Minute)
		for range 2 {
			if err := s.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		third := make(chan error)
		go func() { third <- s.Acquire(context.Background()) }()
		synctest.Wait()
		if got := s.Waiting(); got != 1 {
			t.Errorf("waiting = %d, want 1", got)
		}
		s.Release()
		if err := <-third; err != nil {
			t.Errorf("third Acquire = %v, want nil", err)
		}
		if s.InUse() != 2 || s.Waiting() != 0 {
			t.Errorf("in use %d, waiting %d, want 2 and 0", s.InUse(), s.Waiting())
		}
	})
}

func TestACallerWhoGivesUpLeavesNothingBehind(t *testing.T) {
	s := slots.New(1, time.Hour)
	if err := s.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire = %v, want context.Canceled", err)
	}
	s.Release()
	if s.InUse() != 0 || s.Waiting() != 0 {
		t.Errorf("in use %d, waiting %d, want none", s.InUse(), s.Waiting())
	}
}
