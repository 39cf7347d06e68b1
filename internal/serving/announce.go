package serving

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Announcement is a file with the addresses at which this process listens, for other programs.
type Announcement struct {
	file string // empty where none was asked for
	text []byte
}

// Announce writes the announcement: a line NAME=VALUE for each pair of words, such as WOODY_ADDR and 127.0.0.1:8080,
// and PID. Shells and systemd read it as an environment. It is in file as a whole or not at all, in the place of one
// that an earlier process left; anything else than a plain file there is an error. An empty name announces nothing.
func Announce(file string, pairs ...string) (*Announcement, error) {
	if file == "" {
		return &Announcement{}, nil
	}
	var text bytes.Buffer
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&text, "%s=%s\n", pairs[i], pairs[i+1])
	}
	fmt.Fprintf(&text, "PID=%d\n", os.Getpid())
	err := checkPlain(file)
	if err == nil {
		err = ReplaceFile(file, text.Bytes())
	}
	if err != nil {
		return nil, fmt.Errorf("WOODY_LISTENING_FILE cannot be written (name a file in a folder that is this "+
			"program's to write to): %w", err)
	}
	return &Announcement{file, text.Bytes()}, nil
}

// Remove removes the file, unless another process has announced itself there meanwhile.
func (a *Announcement) Remove() {
	if a.file == "" {
		return
	}
	if text, err := os.ReadFile(a.file); err == nil && bytes.Equal(text, a.text) {
		_ = os.Remove(a.file) // if that fails it stays, as after a kill
	}
}

// checkPlain returns an error where there is something that is no plain file.
func checkPlain(file string) error {
	switch info, err := os.Lstat(file); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a plain file", file)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	return nil
}

// ReplaceFile writes a file that anybody may read, as a whole or not at all: where the disk is full it is what it was.
func ReplaceFile(file string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}

// ReadAnnouncement returns the values in a file that Announce wrote, by name. The error is os.ErrNotExist where nothing
// is announced, or no more.
func ReadAnnouncement(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[name] = value
	}
	return values, nil
}
