package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// logFiles returns the binary logs in a folder, in their order.
func logFiles(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.[0-9]*"))
	slices.Sort(files)
	return files, err
}

// stopAt is how far logs are to be followed.
type stopAt struct {
	at     position  // through these transactions; nil for all
	before time.Time // and until the first that began then or later; zero for all
	least  position  // what the logs have where no such came
}

// cutting is what cut has made.
type cutting struct {
	files []string // logs of whole transactions
	at    position // how far they go
	back  int      // how many of what is behind the stop began long before that, by a clock that has gone back
}

// cut writes what happened to a database after a position to a folder, as logs of whole transactions, up to the stop.
// It reads the logs of several folders. A transaction that two folders have is taken once. It is an error when the logs
// do not reach stop.at, or end before the stop and lack some of stop.least.
func cut(database string, folders []string, to string, from position, stop stopAt) (cutting, error) {
	c := cutter{database: database, folder: to, stop: stop, cutting: cutting{at: from.clone()}}
	c.stopped = stop.at != nil && c.at.covers(stop.at)
	for _, folder := range folders {
		logs, err := logFiles(folder)
		if err != nil {
			return c.cutting, err
		}
		for _, log := range logs {
			if err := c.read(log); err != nil {
				return c.cutting, err
			}
		}
	}
	want := stop.at
	if want == nil && !c.stopped {
		want = stop.least
	}
	if !c.at.covers(want) {
		return c.cutting, fmt.Errorf("the logs end at %s, before %s", c.at, want)
	}
	return c.cutting, nil
}

// cutter cuts a log; it is the state of one cut.
type cutter struct {
	database, folder string
	stop             stopAt
	cutting
	stopped bool      // the stop was reached
	seen    position  // how far what is behind a stop by time was looked at
	latest  time.Time // by the clock, of that
}

// read takes what is wanted of one log. What cannot be read behind a stop is of no account.
func (c *cutter) read(log string) error {
	if c.stopped && c.stop.before.IsZero() {
		return nil
	}
	in, err := openLog(log, c.database)
	if errors.Is(err, errTorn) || err != nil && c.stopped {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.close()
	if !c.stopped {
		out := &logWriter{in: in, name: filepath.Join(c.folder, fmt.Sprintf("cut.%06d", len(c.files)+1))}
		err := c.take(in, out)
		if out.file != nil {
			c.files = append(c.files, out.name)
		}
		if err = errors.Join(err, out.close()); err != nil {
			return err
		}
	}
	if c.stopped && !c.stop.before.IsZero() {
		c.lookBehind(in)
	}
	return nil
}

// take writes what is not behind c.at, which moves on, until the stop.
func (c *cutter) take(in *logReader, out *logWriter) error {
	for !c.stopped {
		t, err := in.begin()
		if err == nil && !c.at.has(t.id) && !c.stop.before.IsZero() && !t.began.Before(c.stop.before) {
			c.stopped, c.seen = true, c.at.clone()
			return nil
		}
		if err == nil {
			t, err = in.finish()
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errTorn):
			return nil
		case err != nil:
			return err
		case c.at.has(t.id):
			continue
		case c.stop.at != nil && !c.stop.at.has(t.id):
			continue // of a domain that goes on while another has not come up to the stop
		case t.ours:
			if err := out.add(t); err != nil {
				return err
			}
		}
		c.at.advance(t.id)
		c.stopped = c.stop.at != nil && c.at.covers(c.stop.at)
	}
	return nil
}

// longBefore is how much earlier than one before it a transaction may have begun: it waited for others to end. A clock
// that has gone back is what more is taken for.
const longBefore = time.Minute

// lookBehind looks for a clock that has gone back, in what is behind a stop by time.
func (c *cutter) lookBehind(in *logReader) {
	for {
		t, err := in.next()
		if err != nil {
			return
		}
		if c.seen.has(t.id) {
			continue
		}
		c.seen.advance(t.id)
		if t.began.After(c.latest) {
			c.latest = t.began
		}
		if t.ours && t.began.Before(c.stop.before) && c.latest.Sub(t.began) > longBefore {
			c.back++
		}
	}
}

// logWriter writes transactions of a log to another one, which it makes for the first.
type logWriter struct {
	in     *logReader
	name   string
	file   *os.File
	buffer []byte
}

func (w *logWriter) add(t transaction) (err error) {
	if w.file == nil {
		if w.file, err = os.Create(w.name); err != nil {
			return err
		}
		if _, err := w.file.Write(append([]byte(logMagic), w.in.format...)); err != nil {
			return err
		}
		w.buffer = make([]byte, 1<<16)
	}
	events := io.NewSectionReader(w.in.file, t.from, t.to-t.from)
	if events.Size() > partSize {
		s := splitter{in: bufio.NewReaderSize(events, 1<<16), out: w.file, sums: w.in.sums}
		return s.copy()
	}
	// The file is wrapped because its own way to copy takes a new buffer each time.
	_, err = io.CopyBuffer(struct{ io.Writer }{w.file}, events, w.buffer)
	return err
}

func (w *logWriter) close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}
