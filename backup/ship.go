package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// shipper follows the binary log and puts it into the repository. Streams that have ended stay until all that they
// brought is kept.
type shipper struct {
	cfg  *config
	log  *slog.Logger
	repo *keptRepository
	m    *metrics

	mu      sync.Mutex // of one shipping at a time, and of what follows
	line    string     // the history that is followed; empty for none
	at      position   // where the next stream begins
	streams []*stream  // the last one is followed, unless ended
	ended   bool
	shipped map[string]position // of each stream
	last    map[string]string   // and its snapshot
	left    []string            // snapshots to be forgotten
}

func newShipper(cfg *config, log *slog.Logger, repo *keptRepository, m *metrics) *shipper {
	return &shipper{cfg: cfg, log: log, repo: repo, m: m, ended: true, shipped: map[string]position{},
		last: map[string]string{}}
}

// follow begins to follow what comes after a position.
func (s *shipper) follow(line string, at position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.line, s.at = line, at.clone()
}

// lost reports whether nothing is followed: a full backup has to begin a new history.
func (s *shipper) lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line == ""
}

// lose ends the history that is followed.
func (s *shipper) lose() { s.follow("", nil) }

// source returns the address of the server that is followed; empty for none.
func (s *shipper) source() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ""
	}
	return s.streams[len(s.streams)-1].source.addr
}

func (s *shipper) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line
}

// present is the history that is kept up to now, and how far that is; the zero value is none.
type present struct {
	line string
	at   position
}

// ship puts into the repository what is new, and returns how far all is kept. Everything that was acknowledged before
// the call is, where there is no error.
func (s *shipper) ship(ctx context.Context) (position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == "" {
		return nil, s.keep(ctx)
	}
	began := time.Now()
	err := s.catchUp(ctx)
	kept := s.keep(ctx)
	if err = errors.Join(err, kept); err == nil {
		stamp(s.m.until, began)
	}
	return s.keptAt(), err
}

// keptAt returns how far the repository has all.
func (s *shipper) keptAt() position {
	if len(s.streams) == 0 {
		return s.at.clone()
	}
	at := position{}
	for _, st := range s.streams {
		done, ok := s.shipped[st.chunk]
		if !ok {
			done = st.from
		}
		for _, g := range done {
			at.advance(g)
		}
		if !done.covers(st.reached()) {
			break
		}
	}
	return at
}

// catchPatience is how long a stream may bring nothing while it is behind what its source says it has, and waitPatience
// how long one that brings something is waited for: a transaction of gigabytes takes a while.
const (
	catchPatience = 15 * time.Second
	waitPatience  = time.Minute
)

// catchUp waits until the stream is as far as a source is now. It begins one where there is none.
func (s *shipper) catchUp(ctx context.Context) error {
	preferred := ""
	if !s.ended {
		preferred = s.streams[len(s.streams)-1].source.addr
	}
	src, at, err := s.cfg.pick(ctx, preferred)
	if err != nil {
		_, ended := s.look()
		return errors.Join(fmt.Errorf("no source serves: %w", err), ended)
	}
	if !s.ended && src.addr != preferred {
		s.log.Warn("the source is left for another one", "was", preferred, "is", src.addr)
		s.end()
	}
	if s.ended {
		if err := s.begin(ctx, src); err != nil {
			return err
		}
	}
	st, seen, began, moved := s.streams[len(s.streams)-1], progress{}, time.Now(), time.Now()
	for ; ; time.Sleep(20 * time.Millisecond) {
		reached, err := s.look()
		if is := st.progress(); is != seen {
			seen, moved = is, time.Now()
		}
		switch {
		case err != nil:
			return err
		case reached.covers(at):
			return nil
		case time.Since(moved) > catchPatience:
			s.end()
			fallthrough
		case time.Since(began) > waitPatience:
			return fmt.Errorf("%s is at %s, and its log comes no further than %s", src.addr, at, reached)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

func (s *shipper) begin(ctx context.Context, src source) error {
	name := s.repo.newName()
	st, err := startStream(ctx, src, s.at, s.cfg.below("logs", name), name)
	if err != nil {
		return err
	}
	s.log.Info("the log is followed", "source", src.addr, "from", s.at.String())
	st.line = s.line
	s.streams, s.ended = append(s.streams, st), false
	return nil
}

// attend keeps the log followed, between shippings too: by a new stream where the last one has ended.
func (s *shipper) attend(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == "" {
		return nil
	}
	if _, err := s.look(); err != nil {
		s.log.Warn("the log is followed anew", "err", err)
	}
	if !s.ended || s.line == "" {
		return nil
	}
	src, _, err := s.cfg.pick(ctx, "")
	if err != nil {
		return fmt.Errorf("no source serves: %w", err)
	}
	return s.begin(ctx, src)
}

// look reads what the stream has brought, though its source may be away. It leaves a stream that has ended, and the
// history where no source has what follows.
func (s *shipper) look() (reached position, err error) {
	if s.ended {
		return s.at.clone(), nil
	}
	if reached, err = s.streams[len(s.streams)-1].look(); err == nil {
		return reached, nil
	}
	s.end()
	if errors.Is(err, errGap) {
		s.m.gaps.Inc()
		s.line = ""
		err = fmt.Errorf("a full backup has to begin anew: %w", err)
	}
	return reached, err
}

// end ends the stream. What it has brought is yet to be kept.
func (s *shipper) end() {
	if s.ended {
		return
	}
	st := s.streams[len(s.streams)-1]
	_, _ = st.look() // what came last; why it ended was said or does not matter
	st.close()
	s.ended, s.at = true, st.reached()
}

// forgetAfter is how many snapshots whose place others have taken may be left. To remove one takes as long as to make
// one.
const forgetAfter = 10

// keep puts into the repository what the streams have brought, and leaves those that have ended.
func (s *shipper) keep(ctx context.Context) error {
	for len(s.streams) > 0 {
		st := s.streams[0]
		if err := s.keepOne(ctx, st); err != nil {
			return err
		}
		if len(s.streams) == 1 && !s.ended {
			break
		}
		s.streams = s.streams[1:]
		delete(s.shipped, st.chunk)
		delete(s.last, st.chunk)
		if err := os.RemoveAll(st.folder); err != nil {
			return err
		}
	}
	if len(s.left) >= forgetAfter && s.repo.forgetIfFree(ctx, s.left...) {
		s.left = nil
	}
	return nil
}

func (s *shipper) keepOne(ctx context.Context, st *stream) error {
	reached := st.reached()
	if done, ok := s.shipped[st.chunk]; ok && done.covers(reached) || st.from.covers(reached) {
		return nil
	}
	id, err := s.repo.save(ctx, st.folder, "kind:"+kindLogs, "chunk:"+st.chunk, "line:"+st.line,
		"from:"+positionTag(st.from), "to:"+positionTag(reached))
	if err != nil {
		return fmt.Errorf("keep the log: %w", err)
	}
	if before := s.last[st.chunk]; before != "" {
		s.left = append(s.left, before)
	}
	s.shipped[st.chunk], s.last[st.chunk] = reached, id
	return nil
}

// rotate begins a new stream, so that what was followed so far need not stay in the work folder.
func (s *shipper) rotate(ctx context.Context) error {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	return s.attend(ctx)
}

// close ends the following, and keeps what it has brought.
func (s *shipper) close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	return s.keep(ctx)
}
