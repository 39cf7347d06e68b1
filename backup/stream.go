package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// stream follows the binary log of one source into a folder, from one position on, as it is written.
type stream struct {
	source source
	folder string
	from   position
	chunk  string // its name
	line   string // the history that it belongs to
	cmd    *exec.Cmd
	ended  <-chan error
	output string // the file of mariadb-binlog's output

	mu    sync.Mutex
	at    position // how far whole transactions go
	files int      // how many files are read
	open  *logReader
}

// errGap is returned when the source no longer has the log from the wanted position, or has a different one.
var errGap = errors.New("the source has no log from there on")

// startStream begins to follow a source from a position on.
func startStream(ctx context.Context, s source, from position, folder, chunk string) (*stream, error) {
	st := &stream{source: s, from: from.clone(), at: from.clone(), folder: folder, chunk: chunk,
		output: folder + ".said"}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	options := folder + ".cnf"
	if err := s.options(options); err != nil {
		return nil, err
	}
	first, err := s.firstLog(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--defaults-file=" + options, "--read-from-remote-server", "--raw", "--stop-never",
		fmt.Sprint("--stop-never-slave-server-id=", slaveID()), "--skip-gtid-strict-mode",
		"--result-file=" + folder + "/",
	}
	if len(from) > 0 {
		args = append(args, "--start-position="+from.String())
	}
	st.cmd = exec.Command("mariadb-binlog", append(args, first)...)
	printed, err := os.Create(st.output)
	if err != nil {
		return nil, err
	}
	defer printed.Close()
	st.cmd.Stdout, st.cmd.Stderr = printed, printed
	st.ended, err = startChild(st.cmd)
	return st, err
}

// slaveID returns a server id that no other follower has for long: a server ends the connection of an earlier one.
func slaveID() int64 { return 1_000_000_000 + time.Now().UnixNano()/1000%1_000_000_000 }

// firstLog returns the name of the source's oldest log file.
func (s source) firstLog(ctx context.Context) (name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	db, err := s.open()
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if !rows.Next() {
		return "", errors.Join(errors.New("the server has no binary log"), rows.Err())
	}
	var size int64
	err = rows.Scan(&name, &size)
	return name, err
}

// look reads what has come, and returns how far it goes. It is an error when the stream has ended: errGap where
// another try would end the same way.
func (st *stream) look() (at position, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	err = st.read()
	select {
	case ended := <-st.ended:
		text, _ := os.ReadFile(st.output)
		again := make(chan error, 1)
		again <- ended
		st.ended = again
		err = errors.Join(err, fmt.Errorf("the log of %s is no longer followed: %w", st.source.addr,
			endOf(string(text))))
	default:
	}
	return st.at.clone(), err
}

// endOf returns why a stream ended, from mariadb-binlog's output.
func endOf(printed string) error {
	for _, words := range []string{
		"requested start position", "Could not find GTID state", "not in the master's binlog", "missing the GTID",
		"Could not find first log file name", "has purged required",
	} {
		if strings.Contains(printed, words) {
			return fmt.Errorf("%w: %s", errGap, tail(printed))
		}
	}
	return errors.New(tail(printed))
}

func (st *stream) read() error {
	for {
		if st.open == nil {
			files, err := logFiles(st.folder)
			if err != nil || st.files == len(files) {
				return err
			}
			if st.open, err = openLog(files[st.files], st.source.database); errors.Is(err, errTorn) {
				return nil
			} else if err != nil {
				return err
			}
		}
		t, err := st.open.next()
		if err == nil {
			st.at.advance(t.id)
			continue
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) {
			return err
		}
		files, err2 := logFiles(st.folder)
		if err2 != nil || len(files) <= st.files+1 {
			return err2
		}
		// The next file was begun: this one has all that it gets. It may have got some since it was read.
		if t, err = st.open.next(); err == nil {
			st.at.advance(t.id)
			continue
		}
		st.open.close()
		st.open, st.files = nil, st.files+1
	}
}

// close ends the following.
func (st *stream) close() {
	_ = st.cmd.Process.Kill()
	st.mu.Lock()
	defer st.mu.Unlock()
	<-st.ended
	if st.open != nil {
		st.open.close()
		st.open = nil
	}
	os.Remove(st.output)
	os.Remove(filepath.Clean(st.folder) + ".cnf")
}

// progress is how much of a stream is read: a file, and the bytes of it.
type progress struct {
	file int
	at   int64
}

func (st *stream) progress() progress {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.open == nil {
		return progress{file: st.files}
	}
	return progress{st.files, st.open.at}
}

// reached returns how far whole transactions go.
func (st *stream) reached() position {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.at.clone()
}
