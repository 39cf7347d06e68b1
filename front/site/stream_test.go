package site

import (
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// These tests run in a bubble whose clock moves only when everything sleeps, so times are exact.

func newTestStream(size int, rate int64) *stream {
	return &stream{rest: make([]byte, size), size: size, rate: rate, logger: slog.New(slog.DiscardHandler)}
}

func TestStreamKeepsItsRate(t *testing.T) {
	for _, row := range []struct {
		size int
		rate int64
		want time.Duration
	}{
		{5_000_000, 300_000, 16_666 * time.Millisecond},
		{10_000, 1_000, 10 * time.Second},
		{5_000_000, 100_000_000, 50 * time.Millisecond},
		{5_000_000, 0, 0},
		{1, 1_000, time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			n, err := io.Copy(io.Discard, newTestStream(row.size, row.rate))
			if err != nil || n != int64(row.size) {
				t.Errorf("%d bytes were sent (%v), want %d", n, err, row.size)
			}
			if got := time.Since(begun).Truncate(time.Millisecond); got != row.want {
				t.Errorf("%d bytes at %d/s took %s, want %s", row.size, row.rate, got, row.want)
			}
		})
	}
}

func TestStreamIsSmooth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestStream(3_000_000, 300_000)
		piece := make([]byte, 1<<20)
		for {
			begun := time.Now()
			n, err := s.Read(piece)
			if errors.Is(err, io.EOF) {
				return
			}
			if most := 15_000; n > most {
				t.Fatalf("a slice has %d bytes, want at most 50 ms' worth: %d", n, most)
			}
			if waited := time.Since(begun); waited > 51*time.Millisecond {
				t.Fatalf("a slice came after %s, want at most 50 ms", waited)
			}
		}
	})
}

// TestSlowClientGetsNoBurst makes a client read nothing for 5 s, and checks that it is then sent no more than the usual
// rate.
func TestSlowClientGetsNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestStream(3_000_000, 300_000)
		piece := make([]byte, 1<<20)
		if _, err := s.Read(piece); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		begun, sent := time.Now(), 0
		for time.Since(begun) < time.Second {
			n, err := s.Read(piece)
			if err != nil {
				t.Fatal(err)
			}
			sent += n
		}
		if most := 330_000; sent > most {
			t.Errorf("%d bytes were sent in the second after the pause, want at most %d", sent, most)
		}
	})
}
