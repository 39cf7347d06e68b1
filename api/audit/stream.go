package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// line is an entry in the stream. The first field distinguishes it from the lines of the log, where both go to one
// place.
type line struct {
	Audit   bool    `json:"audit"`
	Time    string  `json:"time"`
	ID      string  `json:"id"`
	Account string  `json:"account,omitempty"`
	Method  string  `json:"method,omitempty"`
	Route   string  `json:"route,omitempty"`
	Thing   string  `json:"thing,omitempty"`
	From    string  `json:"from,omitempty"`
	Outcome Outcome `json:"outcome"`
	Status  int     `json:"status,omitempty"`
	Request string  `json:"request,omitempty"`
	Times   int64   `json:"times,omitempty"`
}

// timeForm is the form of RFC 3339, with microseconds.
const timeForm = "2006-01-02T15:04:05.000000Z07:00"

// streamPatience is how long a line waits for its turn, and then until the stream has taken it.
const streamPatience = time.Second

// stream writes entries as lines of JSON, each by one call, in the order in which they come.
type stream struct {
	to     io.Writer
	turn   chan struct{}               // has room for one: who writes
	late   atomic.Pointer[atomic.Bool] // whether who writes was waited for in vain; nil while nobody writes
	broken bool                        // a line has been written in part: the next begins with its end
}

func newStream(to io.Writer) *stream { return &stream{to: to, turn: make(chan struct{}, 1)} }

// errStalled is that of a stream that takes nothing, such as a pipe whose other end reads no more.
var errStalled = errors.New("it takes no lines")

// write returns once the stream has an entry, or with an error: also where it does not take it within streamPatience,
// and at once while it still has not taken another one. One that was waited for in vain may be in it later.
func (s *stream) write(e Entry) error {
	l := line{
		Audit: true, Time: e.At.UTC().Format(timeForm), ID: e.ID, Account: e.Account, Method: e.Method, Route: e.Route,
		Thing: e.Thing, From: e.From, Outcome: e.Outcome, Status: e.Status, Request: e.Request,
	}
	if e.Times > 1 {
		l.Times = e.Times
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if late := s.late.Load(); late != nil && late.Load() {
		return errStalled
	}
	patience := time.NewTimer(streamPatience)
	defer patience.Stop()
	select {
	case s.turn <- struct{}{}:
		patience.Reset(streamPatience) // those before it were slow, and are in the stream
	case <-patience.C:
		return errStalled
	}
	done, late := make(chan error, 1), &atomic.Bool{}
	s.late.Store(late)
	go func() {
		done <- s.writeLine(append(text, '\n'))
		s.late.Store(nil)
		<-s.turn
	}()
	select {
	case err := <-done:
		return err
	case <-patience.C:
	}
	select {
	case err := <-done:
		return err
	default:
		late.Store(true)
		return errStalled
	}
}

func (s *stream) writeLine(line []byte) error {
	if s.broken {
		line = append([]byte{'\n'}, line...)
	}
	n, err := s.to.Write(line)
	if n > 0 {
		s.broken = line[n-1] != '\n'
	}
	return err
}

// Standard is the name of standard output, as OpenStream has it.
const Standard = "-"

// OpenStream returns where a stream of that name goes: to standard output, or to the end of a file, which is made for
// its owner's eyes only. What moves the file away has to copy and truncate it, as logrotate's copytruncate does.
func OpenStream(name string) (io.WriteCloser, error) {
	if name == Standard {
		return unclosed{os.Stdout}, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the audit's stream: %w", err)
	}
	return file, nil
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// throttle lets one through each so often.
type throttle struct {
	mu   sync.Mutex
	next time.Time
}

func (t *throttle) allows(now time.Time, every time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.next) {
		return false
	}
	t.next = now.Add(every)
	return true
}
