package store

import (
	"context"
	"sync"
	"time"
)

const (
	// jumpMax is how much further the database's clock may have gone between two rounds of forgetting than time has.
	jumpMax = 5 * time.Minute
	// believeAfter is how long a clock that went further is not believed. By then it was corrected, or the machine had
	// been suspended: a clock that is wrong for that long has everybody's sessions end too.
	believeAfter = time.Hour
)

// clock judges whether the database's clock may decide what is forgotten: one that is ahead for a minute would have
// keys, sessions and accounts be gone for good that are not old. It goes by the process's monotonic clock, which nobody
// sets. Where the store is opened the database is taken to have the process's time.
type clock struct {
	opened time.Time

	mu sync.Mutex
	// ahead is how much further than the monotonic clock the database's had gone when it was believed.
	ahead time.Duration
	// since is when it was first found too far ahead, after opened, and doubted how far it was then; since is zero
	// where it is believed.
	since, doubted time.Duration
}

// believes reports whether the database's clock, in microseconds since 1970, may be gone by, and whether it is the
// first time that it may not.
func (c *clock) believes(nowUs int64) (good, first bool) {
	elapsed := time.Since(c.opened)
	ahead := time.UnixMicro(nowUs).Sub(c.opened.Round(0)) - elapsed
	c.mu.Lock()
	defer c.mu.Unlock()
	if ahead-c.ahead > jumpMax {
		first = c.since == 0 || ahead-c.doubted > jumpMax // another jump has an hour of its own
		if first {
			c.since, c.doubted = elapsed, ahead
		}
		if elapsed-c.since < believeAfter {
			return false, first
		}
	}
	c.ahead, c.since = ahead, 0
	return true, false
}

// mayForget reports whether the database's clock is right, as far as that can be known.
func (s *Store) mayForget(ctx context.Context) (bool, error) {
	var now int64
	err := s.background.run(ctx, func(ctx context.Context, conn held) error {
		return conn.QueryRowContext(ctx, "SELECT "+s.now).Scan(&now)
	})
	if err != nil {
		return false, err
	}
	good, first := s.clock.believes(now)
	if first {
		s.log.Warn("the database's clock has gone ahead: nothing is forgotten until it is right, or an hour has passed")
	}
	return good, nil
}
