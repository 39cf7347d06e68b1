package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// findingsPerMinute bounds how many stale answers are logged in a minute. The metrics count all of them.
const findingsPerMinute = 10

// findings are the log of stale answers: a line of JSON for each.
type findings struct {
	log *slog.Logger

	mu      sync.Mutex
	minute  time.Time // when the minute began that is counted
	logged  int       // in this minute
	leftOut int       // since the last line
}

func newFindings(to io.Writer) *findings {
	return &findings{log: slog.New(slog.NewJSONHandler(to, nil))}
}

// stale logs an answer that is older than the version that had been acknowledged when the read began.
func (f *findings) stale(w *way, p *probe, got response, wanted int64, began time.Time) {
	leftOut, ok := f.admit(time.Now())
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("path", w.path), slog.String("url", w.url), slog.String("replica", got.servedBy),
		slog.String("cache_status", got.cacheStatus), slog.String("request", got.request), slog.String("probe", p.name),
		slog.Int64("version", got.Version), slog.Int64("wanted_version", wanted),
		slog.Float64("answer_ms", ms(time.Since(began))),
	}
	// Times of this observer's own clock alone: since when each write had been acknowledged when the read began.
	if at := p.acknowledgedAt(got.Version); !at.IsZero() {
		attrs = append(attrs, slog.Float64("age_ms", ms(began.Sub(at))))
	}
	if at := p.acknowledgedAt(wanted); !at.IsZero() {
		attrs = append(attrs, slog.Float64("wanted_age_ms", ms(began.Sub(at))))
	}
	if leftOut > 0 {
		attrs = append(attrs, slog.Int("left_out_before", leftOut))
	}
	f.log.LogAttrs(context.Background(), slog.LevelError, "a stale answer", attrs...)
}

// admit reports whether one more may be logged now, and how many were not since the last one that was.
func (f *findings) admit(now time.Time) (leftOut int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.minute) >= time.Minute {
		f.minute, f.logged = now, 0
	}
	if f.logged == findingsPerMinute {
		f.leftOut++
		return 0, false
	}
	leftOut, f.leftOut = f.leftOut, 0
	f.logged++
	return leftOut, true
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
